// SPDX-License-Identifier: GPL-2.0
/*
 * env_audit: reports, and in enforce mode refuses, an exec whose environment
 * makes the dynamic loader run code of the caller's choice: LD_PRELOAD,
 * LD_AUDIT. So it does with a torn environment: a program that writes to its
 * strings while execve copies them means to deceive, as "torn_environment". What
 * could not be read for want of memory is reported as "unread_environment" and
 * goes on.
 *
 * A variable that names no library loads nothing and is silent: one that is empty, or
 * has only what separates names. So are libraries that are allowed by name
 * (krsi-watch -L), if the task's root and mount namespace are the machine's: elsewhere a
 * path leads to what the task has put there. Of a variable that is set more than once
 * each value counts, for loaders take the last one, or all of them.
 *
 * It sees every exec, also of a script's interpreter. It does not see what a
 * program sets for itself after its exec, nor /etc/ld.so.preload, nor LD_LIBRARY_PATH,
 * by which any library of a program can be another. Builds and tests that use
 * LD_PRELOAD on purpose (fakeroot, faketime) are innocent and are reported unless
 * their libraries are allowed.
 */
#include <stdbool.h>

#define POLICY "env_audit"

#include "preload.h"
#include "report.bpf.h"

/* How many definitions of a variable and names in a value are looked at; more are reported. */
#define DEFINITIONS 8
#define NAMES 128

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KRSI_PRELOAD_MAX);
	__type(key, struct krsi_preload);
	__type(value, __u32);
} allowed_preload SEC(".maps");

static __always_inline void tell(struct krsi_exec *exec, char *signal, __u32 size, int verdict)
{
	struct krsi_report *report = report_begin(&exec->event, KRSI_PROCESS_EXEC, verdict);

	if (report) {
		__builtin_memcpy(report->signal, signal, size);
		bpf_ringbuf_submit(report, 0);
	}
}

/*
 * How long the name is that begins the list: ld.so separates by colons, in LD_PRELOAD by
 * spaces as well, and by no other white space. -E2BIG if it is not all there.
 */
static __always_inline int name_length(const struct krsi_preload *list, bool by_spaces)
{
	int i;

	bpf_for(i, 0, sizeof(list->name)) {
		char byte = list->name[i];

		if (!byte || byte == ':' || (by_spaces && byte == ' '))
			return i;
	}
	return -E2BIG;
}

static __always_inline bool is_allowed(struct krsi_preload *key, int length)
{
	int i;

	bpf_for(i, length, sizeof(key->name))
		key->name[i] = '\0';
	return bpf_map_lookup_elem(&allowed_preload, key);
}

/*
 * Whether the value at an offset of the environment names a library that is not allowed,
 * in any mode of ld.so: what it ignores when it starts set-user-ID programs, such as paths,
 * counts. True if that can't be told.
 */
static __always_inline bool value_loads(struct krsi_exec *exec, int at, bool preload, bool machine)
{
	struct krsi_preload name = {};
	int i;

	bpf_for(i, 0, NAMES) {
		int length;
		bool last;

		if (at < 0 || krsi_get_env_vars(exec, at, name.name, sizeof(name.name)) <= 0)
			return true;
		length = name_length(&name, preload);
		if (length < 0 || length >= sizeof(name.name))
			return true;
		last = !name.name[length];
		if (length && !(preload && machine && is_allowed(&name, length)))
			return true;
		if (last)
			return false;
		at += length + 1;
	}
	return true;
}

/* Which definition of a variable loads what is not allowed; -ENOENT if none does. */
static __always_inline int which_loads(struct krsi_exec *exec, char *name, __u32 size, int times,
				       bool preload, bool machine)
{
	int n;

	bpf_for(n, 0, DEFINITIONS) {
		if (n >= times)
			return -ENOENT;
		if (value_loads(exec, krsi_find_env_var(exec, name, size, n), preload, machine))
			return n;
	}
	return 0;
}

/* Whether a path is the machine's. */
static __always_inline bool is_machine(struct krsi_exec *exec)
{
	const __u32 machine = KRSI_TASK_INITIAL_NS | KRSI_TASK_NS_ROOT;
	struct krsi_task_id task;

	krsi_get_task_id(&exec->event, &task, sizeof(task));
	return (task.view & machine) == machine;
}

/* The value of a later definition than the first. If it is cut, nothing says how long it is. */
static __always_inline void copy_value(struct krsi_exec *exec, char *name, __u32 size, int n,
				       struct krsi_report *report)
{
	int at = krsi_find_env_var(exec, name, size, n), i;
	bool ended = false;

	report->value_len = sizeof(report->value);
	if (at < 0 || krsi_get_env_vars(exec, at, report->value, sizeof(report->value)) <= 0)
		return;
	/* Behind it the next strings of the block follow. */
	bpf_for(i, 0, sizeof(report->value)) {
		if (!report->value[i] && !ended) {
			ended = true;
			report->value_len = i;
		}
		if (ended || i == sizeof(report->value) - 1)
			report->value[i] = '\0';
	}
}

static __always_inline int look(struct krsi_exec *exec, char *name, __u32 size, bool preload)
{
	int times = krsi_count_env_var(exec, name, size), n;
	struct krsi_report *report;

	/* Whether the strings can be read at all was asked before: 0 is "not set". */
	if (times <= 0)
		return 0;
	n = which_loads(exec, name, size, times, preload, preload && is_machine(exec));
	if (n < 0)
		return 0;

	report = report_begin(&exec->event, KRSI_PROCESS_EXEC, -EPERM);
	if (report) {
		__builtin_memcpy(report->signal, name, size);
		report->times = times;
		if (n)
			copy_value(exec, name, size, n, report);
		else
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
		tell(exec, unread, sizeof(unread), 0);
		return 0;
	}
	verdict = look(exec, preload, sizeof(preload), true);
	if (exec->flags & KRSI_EXEC_TORN) {
		tell(exec, torn, sizeof(torn), -EPERM);
		krsi_set_reason(&exec->event, torn, sizeof(torn));
		verdict = -EPERM;
	}
	return look(exec, audit, sizeof(audit), false) ?: verdict;
}

KRSI_POLICY(env_audit, .process_exec = (void *)env_audit_exec);
