// SPDX-License-Identifier: GPL-2.0
/*
 * env_audit: reports, and in enforce mode refuses, an exec whose environment
 * makes the dynamic loader run code of the caller's choice: LD_PRELOAD,
 * LD_AUDIT. So it does with a torn environment: a program that writes to its
 * strings while execve copies them means to deceive, as "torn_environment". What
 * could not be read for want of memory is reported as "unread_environment" and
 * goes on.
 *
 * It sees every exec, also of a script's interpreter. It does not see what a
 * program sets for itself after its exec, nor /etc/ld.so.preload. Builds and
 * tests that use LD_PRELOAD on purpose (fakeroot, faketime) are innocent and
 * are reported all the same: leave such machines in audit mode.
 */
#include "report.bpf.h"

static __always_inline void tell(struct krsi_exec *exec, char *signal, __u32 size)
{
	struct krsi_report *report = report_begin(&exec->event);

	if (report) {
		__builtin_memcpy(report->signal, signal, size);
		bpf_ringbuf_submit(report, 0);
	}
}

static __always_inline int look(struct krsi_exec *exec, char *name, __u32 size)
{
	int times = krsi_count_env_var(exec, name, size);
	struct krsi_report *report;

	/* Whether the strings can be read at all was asked before: 0 is "not set". */
	if (times <= 0)
		return 0;

	report = report_begin(&exec->event);
	if (report) {
		__builtin_memcpy(report->signal, name, size);
		report->times = times;
		report->value_len = krsi_get_env_var(exec, name, size, report->value,
						     sizeof(report->value));
		bpf_ringbuf_submit(report, 0);
	}
	krsi_set_reason(&exec->event, name, size);
	return -EPERM;
}

SEC("struct_ops/process_exec")
int BPF_PROG(env_audit_exec, struct krsi_exec *exec)
{
	char preload[] = "LD_PRELOAD", audit[] = "LD_AUDIT", torn[] = "torn_environment";
	char unread[] = "unread_environment";
	int verdict;

	/* Asked for none of its bytes, it only says whether they can be read. */
	if (krsi_get_env_vars(exec, 0, preload, 0) < 0) {
		tell(exec, unread, sizeof(unread));
		return 0;
	}
	verdict = look(exec, preload, sizeof(preload));
	if (exec->flags & KRSI_EXEC_TORN) {
		tell(exec, torn, sizeof(torn));
		krsi_set_reason(&exec->event, torn, sizeof(torn));
		verdict = -EPERM;
	}
	return look(exec, audit, sizeof(audit)) ?: verdict;
}

KRSI_POLICY(env_audit, .process_exec = (void *)env_audit_exec);
