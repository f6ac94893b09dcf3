// SPDX-License-Identifier: GPL-2.0
/*
 * A policy as it was written for ABI 2, with the header of that time: notes what it
 * can be told of the removal of the program that one process runs, and answers what
 * the test wants it to.
 */
#include "abi2.h"
#include "abi.h"

_Static_assert(sizeof(struct krsi_exec_unlink) == 64, "of ABI 2");
_Static_assert(sizeof(struct krsi_task_id) == ABI2_TASK_SIZE, "of ABI 2");

struct abi abi;

SEC("struct_ops/executable_unlink")
int BPF_PROG(abi2_unlink, struct krsi_exec_unlink *removal)
{
	struct {
		struct krsi_task_id id;
		__u64 behind;
	} task = { .behind = ABI_CANARY };
	struct krsi_event *event = &removal->event;
	struct krsi_file_id file = {};

	if (bpf_get_current_pid_tgid() >> 32 != abi.tgid)
		return 0;
	abi.ran++;
	abi.header = !!event->opaque | event->reserved[0] | event->reserved[1] |
		     event->reserved[2];
	abi.how = removal->how;
	abi.flags = removal->flags;
	abi.links_left = removal->links_left;
	abi.whose = removal->whose;
	abi.name_now = removal->name_now;
	abi.reserved = removal->reserved;
	abi.exec_age = removal->exec_age;
	abi.path_ret = krsi_get_file_path(event, abi.path, sizeof(abi.path));
	abi.file_ret = krsi_get_file_id(event, &file, sizeof(file));
	abi.dev = file.dev;
	abi.ino = file.ino;
	abi.task_ret = krsi_get_task_id(event, &task.id, sizeof(task.id));
	abi.behind_task = task.behind;
	abi.task_tgid = task.id.tgid;
	abi.exe_dev = task.id.exe.dev;
	abi.exe_ino = task.id.exe.ino;
	abi.parent_ino = task.id.parent_exe.ino;
	return abi.answer;
}

KRSI_POLICY(abi2, .executable_unlink = (void *)abi2_unlink);
