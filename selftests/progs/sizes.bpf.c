// SPDX-License-Identifier: GPL-2.0
/* Asks for the id of a file and of a task in the sizes that the test wants. */
#include "krsi.bpf.h"
#include "sizes.h"

struct sizes sizes;

static __always_inline void get_file_id(struct krsi_event *event, struct sized *file)
{
	__u32 size = file->size;

	/* Or the compiler checks one register and uses another. */
	barrier_var(size);
	if (size <= SIZES_ROOM)
		file->ret = krsi_get_file_id(event, file->out, size);
}

static __always_inline void get_task_id(struct krsi_event *event, struct sized *task)
{
	__u32 size = task->size;

	barrier_var(size);
	if (size <= SIZES_ROOM)
		task->ret = krsi_get_task_id(event, task->out, size);
}

SEC("struct_ops/process_exec")
int BPF_PROG(ask_sizes, struct krsi_exec *exec)
{
	if (bpf_get_current_pid_tgid() >> 32 != sizes.tgid)
		return 0;
	sizes.ran++;
	/* The verifier follows no index from the array's middle that the compiler makes of a loop. */
#pragma unroll
	for (int i = 0; i < SIZES_ASKED; i++) {
		get_file_id(&exec->event, &sizes.file[i]);
		get_task_id(&exec->event, &sizes.task[i]);
	}
	return 0;
}

KRSI_POLICY(sizes_exec, .process_exec = (void *)ask_sizes);
