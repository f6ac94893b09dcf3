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
 * has only what separates names. So are libraries that are allowed by name, if the
 * task's root and mount namespace are the machine's: elsewhere a path leads to what the
 * task has put there. Of a variable that is set more than once each value counts, for
 * loaders take the last one, or all of them.
 *
 * Which variables these are can be changed, in the map `.data.variables` (preload.h), and
 * others be reported alone: LD_LIBRARY_PATH, LD_DEBUG_OUTPUT, GLIBC_TUNABLES. So can what of
 * a value is told, which may be a secret.
 *
 * It sees every exec, also of a script's interpreter. It does not see what a
 * program sets for itself after its exec, nor /etc/ld.so.preload. Builds and tests that
 * use LD_PRELOAD on purpose (fakeroot, faketime) are innocent and are reported unless
 * their libraries are allowed.
 */
#include <stdbool.h>

#define POLICY "env_audit"

#include "preload.h"
#include "report.bpf.h"

/* How many definitions of a variable and names in a value are looked at; more are reported. */
#define DEFINITIONS 8
#define NAMES 128

/* In a map of its own, so that who fills it need not look for it in the object. */
struct krsi_variables variables SEC(".data.variables") = {
	.variable = {
		{
			.name = "LD_PRELOAD",
			.flags = KRSI_VARIABLE_DENIES | KRSI_VARIABLE_COLONS |
				 KRSI_VARIABLE_SPACES | KRSI_VARIABLE_ALLOWED,
		},
		{ .name = "LD_AUDIT", .flags = KRSI_VARIABLE_DENIES | KRSI_VARIABLE_COLONS },
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KRSI_PRELOAD_MAX);
	__type(key, struct krsi_preload);
	__type(value, __u32);
} allowed_preload SEC(".maps");

static __always_inline void tell(void *ctx, struct krsi_exec *exec, char *signal, __u32 size,
				 int verdict)
{
	struct krsi_report *report = report_begin(&exec->event, KRSI_PROCESS_EXEC, verdict);

	if (report) {
		__builtin_memcpy(report->signal, signal, size);
		report_submit(ctx, report);
	}
}

/*
 * How long the word is that begins the value: ld.so separates by colons, in LD_PRELOAD by
 * spaces as well, and by no other white space. -E2BIG if it is not all there.
 */
static __always_inline int word_length(const struct krsi_preload *value, __u32 flags)
{
	int i;

	bpf_for(i, 0, sizeof(value->name)) {
		char byte = value->name[i];

		if (!byte || (byte == ':' && flags & KRSI_VARIABLE_COLONS) ||
		    (byte == ' ' && flags & KRSI_VARIABLE_SPACES))
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
 * Whether the value at an offset of the environment says something that is not allowed, in any
 * mode of ld.so: what it ignores when it starts set-user-ID programs, such as paths, counts.
 * True if that can't be told.
 */
static __always_inline bool value_counts(struct krsi_exec *exec, int at, __u32 flags)
{
	struct krsi_preload word = {};
	int i;

	bpf_for(i, 0, NAMES) {
		int length;
		bool last;

		if (at < 0 || krsi_get_env_vars(exec, at, word.name, sizeof(word.name)) <= 0)
			return true;
		length = word_length(&word, flags);
		if (length < 0 || length >= sizeof(word.name))
			return true;
		last = !word.name[length];
		if (length && !(flags & KRSI_VARIABLE_ALLOWED && is_allowed(&word, length)))
			return true;
		if (last)
			return false;
		at += length + 1;
	}
	return true;
}

/* Which definition of a variable counts; -ENOENT if none does. */
static __always_inline int which_counts(struct krsi_exec *exec, char *name, int times, __u32 flags)
{
	int n;

	bpf_for(n, 0, DEFINITIONS) {
		if (n >= times)
			return -ENOENT;
		if (value_counts(exec, krsi_find_env_var(exec, name, KRSI_VARIABLE_SIZE, n),
				 flags))
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

/* The longest string of an environment, with its NUL: the kernel's MAX_ARG_STRLEN. */
#define VALUE_MAX (1 << 17)

/* How long the value at an offset of the environment is; gives its hash. */
static __always_inline __u64 walk_value(struct krsi_exec *exec, int at,
					volatile __u32 *length)
{
	__u64 hash = 0xcbf29ce484222325;
	char bytes[64];
	int i, j;

	bpf_for(i, 0, VALUE_MAX / sizeof(bytes)) {
		if (at < 0 || krsi_get_env_vars(exec, at, bytes, sizeof(bytes)) <= 0)
			return hash;
		bpf_for(j, 0, sizeof(bytes)) {
			if (!bytes[j])
				return hash;
			hash = (hash ^ (__u8)bytes[j]) * 0x100000001b3;
			++*length;
		}
		at += sizeof(bytes);
	}
	return hash;
}

static __always_inline void copy_hash(char *to, __u64 hash)
{
	__builtin_memcpy(to, "fnv1a:", 6);
	for (int i = 0; i < 16; i++)
		to[6 + i] = hex_digit(hash >> (60 - 4 * i));
}

/* What may be told of the n-th definition. */
static __always_inline void copy_value(struct krsi_exec *exec, char *name, int n,
				       struct krsi_report *report)
{
	/* In the report, or the verifier would follow each length that there can be. */
	volatile __u32 *length = &report->value_len;
	const __u32 told = variables.told;
	__u32 room = 0;
	__u64 hash;
	int at;

	if (told == KRSI_VALUE_WHOLE)
		room = sizeof(report->value) - 1;
	else if (told == KRSI_VALUE_PREFIX)
		room = KRSI_VALUE_PREFIX_LEN;
	if (!n && told != KRSI_VALUE_HASH) {
		*length = krsi_get_env_var(exec, name, KRSI_VARIABLE_SIZE, report->value,
					   room + 1);
		return;
	}
	at = krsi_find_env_var(exec, name, KRSI_VARIABLE_SIZE, n);
	hash = walk_value(exec, at, length);
	if (told == KRSI_VALUE_HASH) {
		copy_hash(report->value, hash);
		return;
	}
	/* Behind it the next strings of the block follow. */
	if (*length < room)
		room = *length & (sizeof(report->value) - 1);
	krsi_get_env_vars(exec, at, report->value, room);
}

static __always_inline int look(void *ctx, struct krsi_exec *exec, struct krsi_variable *variable)
{
	int times = krsi_count_env_var(exec, variable->name, sizeof(variable->name)), n, verdict;
	__u32 flags = variable->flags;
	struct krsi_report *report;

	if (!times)
		return 0;
	/* Not what "not set" looks like: the name is none that a variable can have. */
	if (times < 0) {
		char unread[] = "unread_environment";

		tell(ctx, exec, unread, sizeof(unread), 0);
		return 0;
	}
	if (flags & KRSI_VARIABLE_ALLOWED && !is_machine(exec))
		flags &= ~KRSI_VARIABLE_ALLOWED;
	n = which_counts(exec, variable->name, times, flags);
	if (n < 0)
		return 0;

	verdict = flags & KRSI_VARIABLE_DENIES ? -EPERM : 0;
	report = report_begin(&exec->event, KRSI_PROCESS_EXEC, verdict);
	if (report) {
		__builtin_memcpy(report->signal, variable->name, sizeof(report->signal));
		report->times = times;
		copy_value(exec, variable->name, n, report);
		report_submit(ctx, report);
	}
	if (verdict)
		krsi_set_reason(&exec->event, variable->name, sizeof(variable->name));
	return verdict;
}

/* Most environments have none of them: a plain loop costs less than bpf_for(). */
static __always_inline bool is_any_set(struct krsi_exec *exec)
{
	for (int i = 0; i < KRSI_VARIABLES && variables.variable[i].name[0]; i++) {
		if (krsi_count_env_var(exec, variables.variable[i].name, KRSI_VARIABLE_SIZE))
			return true;
	}
	return false;
}

SEC("struct_ops/process_exec")
int BPF_PROG(env_audit_exec, struct krsi_exec *exec)
{
	char torn[] = "torn_environment", unread[] = "unread_environment";
	int verdict = 0, i;

	/* Asked for none of its bytes, it only says whether they can be read. */
	if (krsi_get_env_vars(exec, 0, unread, 0) < 0) {
		tell(ctx, exec, unread, sizeof(unread), 0);
		return 0;
	}
	if (exec->flags & KRSI_EXEC_TORN) {
		tell(ctx, exec, torn, sizeof(torn), -EPERM);
		krsi_set_reason(&exec->event, torn, sizeof(torn));
		verdict = -EPERM;
	}
	if (!is_any_set(exec))
		return verdict;
	bpf_for(i, 0, KRSI_VARIABLES) {
		struct krsi_variable *variable = &variables.variable[i];

		if (!variable->name[0])
			break;
		if (look(ctx, exec, variable))
			verdict = -EPERM;
	}
	return verdict;
}

KRSI_POLICY(env_audit, .process_exec = (void *)env_audit_exec);
