// SPDX-License-Identifier: GPL-2.0
/*
 * Notes every fact of the execs of one process, or of one file, as a policy
 * that may not sleep and as one that may.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "observer.h"

struct observer observer;

/* All that krsi_get_exec_facts() may be asked for. */
#define ASKED									\
	(KRSI_EXEC_WRITABLE | KRSI_EXEC_OVERLAY_UPPER | KRSI_EXEC_DETACHED |	\
	 KRSI_EXEC_ELSEWHERE | KRSI_EXEC_MOUNT_ROOT | KRSI_EXEC_USER_MOUNT)

static __always_inline __u64 header_of(struct krsi_event *event)
{
	return !!event->opaque | event->reserved[0] | event->reserved[1] |
	       event->reserved[2];
}

static __always_inline struct observed *next(struct krsi_event *event)
{
	struct krsi_file_id file = {};
	struct observed *o;
	__u32 i;
	int ret = krsi_get_file_id(event, &file, sizeof(file));

	if (observer.ino ? observer.ino != file.ino || observer.dev != file.dev :
			   observer.tgid != bpf_get_current_pid_tgid() >> 32)
		return NULL;
	i = __sync_fetch_and_add(&observer.n, 1);
	if (i >= OBSERVED_MAX)
		return NULL;
	o = &observer.event[i];
	o->file = file;
	o->file_ret = ret;
	o->task_ret = krsi_get_task_id(event, &o->task, sizeof(o->task));
	o->path_len = krsi_get_file_path(event, o->path, sizeof(o->path));
	if (observer.dir_size == sizeof(observer.dir))
		o->below = krsi_is_below(event, &observer.dir, sizeof(observer.dir));
	else if (observer.dir_size)
		o->below = krsi_is_below(event, &observer.dir, sizeof(observer.dir) / 2);
	return o;
}

static __always_inline int note_exec(struct krsi_exec *exec)
{
	struct observed *o = next(&exec->event);

	if (!o)
		return 0;
	o->executed = 0;
	o->header = header_of(&exec->event);
	o->depth = exec->depth;
	o->flags = exec->flags;
	if (!observer.raw_flags) {
		o->flags |= krsi_get_exec_facts(exec, ASKED);
		if (krsi_is_privileged(exec) == 1)
			o->flags |= KRSI_EXEC_PRIVILEGED;
	}
	o->unknown_facts_ret = krsi_get_exec_facts(exec, ~ASKED);
	o->argc = exec->argc;
	o->envc = exec->envc;
	o->links = exec->links;
	o->name_now = krsi_get_name_now(exec);
	return 0;
}

static __always_inline void note_executed(struct krsi_executed *executed)
{
	struct observed *o = next(&executed->event);

	if (!o)
		return;
	o->executed = 1;
	o->header = header_of(&executed->event);
	o->ids.uid = executed->uid;
	o->ids.gid = executed->gid;
	o->ids.euid = executed->euid;
	o->ids.egid = executed->egid;
	o->ids.suid = executed->suid;
	o->ids.sgid = executed->sgid;
	o->ids.secure = executed->secure;
	o->ids.reserved = executed->reserved;
}

SEC("struct_ops/process_exec")
int BPF_PROG(exec_no_sleep, struct krsi_exec *exec)
{
	return note_exec(exec);
}

SEC("struct_ops/process_executed")
void BPF_PROG(executed_no_sleep, struct krsi_executed *executed)
{
	note_executed(executed);
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(exec_sleep, struct krsi_exec *exec)
{
	return note_exec(exec);
}

SEC("struct_ops.s/process_executed")
void BPF_PROG(executed_sleep, struct krsi_executed *executed)
{
	note_executed(executed);
}

SEC(".struct_ops.link")
struct krsi_ops observer_no_sleep = {
	.name = "observer",
	.abi = KRSI_ABI,
	.process_exec = (void *)exec_no_sleep,
	.process_executed = (void *)executed_no_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops observer_sleep = {
	.name = "observer",
	.abi = KRSI_ABI,
	.process_exec = (void *)exec_sleep,
	.process_executed = (void *)executed_sleep,
};
