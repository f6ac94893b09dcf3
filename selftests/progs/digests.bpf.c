// SPDX-License-Identifier: GPL-2.0
/* Notes what the kfuncs say about the contents of what one process executes and maps. */
#include "krsi.bpf.h"
#include "digests.h"

struct digests digests;

static __always_inline int note(struct krsi_event *event, __u32 op, __u32 how, __u32 flags,
				int marks)
{
	struct krsi_file_id file = {};
	struct digest_event *e;
	__u32 i;

	if (bpf_get_current_pid_tgid() >> 32 != digests.tgid || !(digests.ops & op))
		return 0;
	krsi_get_file_id(event, &file, sizeof(file));
	if (digests.ino && digests.ino != file.ino)
		return 0;
	i = __sync_fetch_and_add(&digests.n, 1);
	if (i >= DIGESTS_MAX)
		return 0;
	e = &digests.event[i];
	e->op = op;
	e->how = how;
	e->flags = flags;
	e->ino = file.ino;
	krsi_get_file_path(event, e->path, sizeof(e->path));
	e->digest_ret = krsi_get_file_digest(event, &e->digest, sizeof(e->digest));
	if (marks) {
		e->verity_ret = krsi_get_file_verity(event, &e->verity, sizeof(e->verity));
		e->build_id_ret = krsi_get_file_build_id(event, e->build_id, sizeof(e->build_id));
	}
	return digests.deny ? -EPERM : 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(digests_exec, struct krsi_exec *exec)
{
	return note(&exec->event, DIGESTS_EXEC, exec->depth, exec->flags, 1);
}

SEC("struct_ops/file_map_exec")
int BPF_PROG(digests_map, struct krsi_map_exec *map)
{
	return note(&map->event, DIGESTS_MAP, map->how, map->flags, 1);
}

KRSI_POLICY(digests_all, .process_exec = (void *)digests_exec,
	    .file_map_exec = (void *)digests_map);
