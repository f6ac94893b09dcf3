// SPDX-License-Identifier: GPL-2.0
/*
 * A policy as it was written for ABI 1, with the header of that time: notes all that
 * it can be told of the exec of one process, and answers what the test wants it to.
 */
#include "abi1.h"
#include "abi.h"

_Static_assert(sizeof(struct krsi_exec) == 56, "of ABI 1");
_Static_assert(sizeof(struct krsi_file_id) == 40, "of ABI 1");
_Static_assert(sizeof(struct krsi_task_id) == ABI1_TASK_SIZE, "of ABI 1");

struct abi abi;

static __always_inline void note_context(struct krsi_exec *exec)
{
	struct krsi_event *event = &exec->event;

	abi.header = !!event->opaque | event->reserved[0] | event->reserved[1] |
		     event->reserved[2];
	abi.depth = exec->depth;
	abi.flags = exec->flags;
	abi.argc = exec->argc;
	abi.envc = exec->envc;
	abi.strings_len = exec->strings_len;
}

static __always_inline void note_strings(struct krsi_exec *exec)
{
	char name[] = ABI_ENV;

	abi.value_ret = krsi_env(exec, ABI_ENV, abi.value, sizeof(abi.value));
	abi.find_ret = krsi_find_env_var(exec, name, sizeof(name), 0);
	abi.count_ret = krsi_count_env_var(exec, name, sizeof(name));
	abi.env_ret = krsi_get_env_vars(exec, 0, abi.env, sizeof(abi.env));
	abi.arg_ret = krsi_get_arg(exec, 1, abi.arg, sizeof(abi.arg));
	abi.args_ret = krsi_get_args(exec, 0, abi.args, sizeof(abi.args));
}

static __always_inline void note_file(struct krsi_event *event)
{
	struct krsi_file_id file = {};

	abi.path_ret = krsi_get_file_path(event, abi.path, sizeof(abi.path));
	abi.file_ret = krsi_get_file_id(event, &file, sizeof(file));
	abi.dev = file.dev;
	abi.ino = file.ino;
}

static __always_inline void note_task(struct krsi_event *event)
{
	struct {
		struct krsi_task_id id;
		__u64 behind;
	} task = { .behind = ABI_CANARY };

	abi.task_ret = krsi_get_task_id(event, &task.id, sizeof(task.id));
	abi.behind_task = task.behind;
	abi.start_time = task.id.start_time;
	abi.exe_dev = task.id.exe.dev;
	abi.exe_ino = task.id.exe.ino;
	abi.pid = task.id.pid;
	abi.task_tgid = task.id.tgid;
	abi.ppid = task.id.ppid;
	abi.uid = task.id.uid;
	abi.gid = task.id.gid;
	abi.euid = task.id.euid;
	abi.egid = task.id.egid;
	abi.reserved = task.id.reserved;
	__builtin_memcpy(abi.comm, task.id.comm, sizeof(abi.comm));
}

SEC("struct_ops/process_exec")
int BPF_PROG(abi1_exec, struct krsi_exec *exec)
{
	if (bpf_get_current_pid_tgid() >> 32 != abi.tgid)
		return 0;
	abi.ran++;
	note_context(exec);
	note_strings(exec);
	note_file(&exec->event);
	note_task(&exec->event);
	return abi.answer;
}

KRSI_POLICY(abi1, .process_exec = (void *)abi1_exec);
