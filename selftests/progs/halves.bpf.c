// SPDX-License-Identifier: GPL-2.0
/* Two policies of one object, of which the kernel takes the first alone. */
#define POLICY "halves"

#include "report.bpf.h"

SEC("struct_ops/process_exec")
int BPF_PROG(halves_exec, struct krsi_exec *exec)
{
	struct krsi_report *report = report_begin(&exec->event, KRSI_PROCESS_EXEC, 0);

	if (report)
		report_submit(ctx, report);
	return 0;
}

KRSI_POLICY(halves_first, .process_exec = (void *)halves_exec);
KRSI_POLICY(halves_second, .process_exec = (void *)halves_exec, .flags = 1U << 31);
