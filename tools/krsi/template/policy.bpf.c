// SPDX-License-Identifier: GPL-2.0
/*
 * @NAME@: reports, and in enforce mode refuses, an exec with the variable FORBIDDEN in its
 * environment. Put your own behaviour in its place: include/krsi.h has each op's context,
 * include/kfuncs.h what can be asked about it.
 */
#define POLICY "@NAME@" /* which is in each report */

#include "report.bpf.h"

SEC("struct_ops/process_exec")
int BPF_PROG(on_exec, struct krsi_exec *exec)
{
	char name[] = "FORBIDDEN";
	struct krsi_report *report;
	int times = krsi_count_env_var(exec, name, sizeof(name));

	/* 0: not set. Less: not read, which is counted in "errors" and denies nothing. */
	if (times <= 0)
		return times;

	report = report_begin(&exec->event, KRSI_PROCESS_EXEC, -EPERM);
	if (report) {
		__builtin_memcpy(report->signal, name, sizeof(name));
		report->times = times;
		report->value_len = krsi_get_env_var(exec, name, sizeof(name), report->value,
						     sizeof(report->value));
		report_submit(ctx, report);
	}
	return -EPERM;
}

KRSI_POLICY(@NAME@, .process_exec = (void *)on_exec);
