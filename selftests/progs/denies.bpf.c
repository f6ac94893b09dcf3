// SPDX-License-Identifier: GPL-2.0
/*
 * Denies the exec of one process and the removal of one file, for a reason. The
 * maps: denier doesn't ask for paths, denier_by_path does.
 */
#include "krsi.bpf.h"
#include "denies.h"

struct denies denies;

static __always_inline int answer(struct krsi_event *event)
{
	if (denies.reason[0])
		denies.kept = krsi_set_reason(event, denies.reason, sizeof(denies.reason));
	return denies.answer;
}

static __always_inline int of_file(struct krsi_event *event)
{
	struct krsi_file_id id = {};

	krsi_get_file_id(event, &id, sizeof(id));
	return denies.ino && id.ino == denies.ino ? answer(event) : 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(denies_exec, struct krsi_exec *exec)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return denies.tgid == tgid ? answer(&exec->event) : 0;
}

SEC("struct_ops/file_unlink")
int BPF_PROG(denies_unlink, struct krsi_unlink *removal)
{
	return of_file(&removal->event);
}

SEC("struct_ops/file_unlink")
int BPF_PROG(denies_unlink_path, struct krsi_unlink *removal)
{
	krsi_get_file_path(&removal->event, denies.path, sizeof(denies.path));
	return of_file(&removal->event);
}

KRSI_POLICY(denier, .process_exec = (void *)denies_exec, .file_unlink = (void *)denies_unlink);
KRSI_POLICY(denier_by_path, .file_unlink = (void *)denies_unlink_path);
