// SPDX-License-Identifier: GPL-2.0
/*
 * Notes every fact of the removals of names on some devices, and denies those
 * of one inode: with both ops, and with each of them alone.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "unlinks.h"

struct unlinks unlinks;

static __always_inline bool is_watched(__u64 dev)
{
	return dev && (dev == unlinks.dev[0] || dev == unlinks.dev[1] ||
		       dev == unlinks.dev[2] || dev == unlinks.dev[3]);
}

static __always_inline struct unlinked *next(struct krsi_event *event, __u32 op)
{
	struct krsi_file_id file = {};
	struct unlinked *u;
	__u32 i;
	int ret = krsi_get_file_id(event, &file, sizeof(file));

	if (!is_watched(file.dev) && !is_watched(file.overlay_dev))
		return NULL;
	i = __sync_fetch_and_add(&unlinks.n, 1);
	if (i >= UNLINKS_MAX)
		return NULL;
	u = &unlinks.event[i];
	u->op = op;
	u->header = !!event->opaque | event->reserved[0] | event->reserved[1] |
		    event->reserved[2];
	u->file = file;
	u->file_ret = ret;
	u->task_ret = krsi_get_task_id(event, &u->task, sizeof(u->task));
	u->path_len = krsi_get_file_path(event, u->path, sizeof(u->path));
	return u;
}

static __always_inline int verdict(const struct unlinked *u)
{
	return unlinks.deny & u->op && unlinks.deny_ino == u->file.ino ? -EPERM : 0;
}

SEC("struct_ops/file_unlink")
int BPF_PROG(of_file, struct krsi_unlink *removal)
{
	struct unlinked *u = next(&removal->event, UNLINKS_FILE);

	if (!u)
		return 0;
	u->how = removal->how;
	u->flags = removal->flags;
	u->links_left = removal->links_left;
	u->reserved = removal->reserved;
	return verdict(u);
}

SEC("struct_ops/executable_unlink")
int BPF_PROG(of_executable, struct krsi_exec_unlink *removal)
{
	struct unlinked *u = next(&removal->event, UNLINKS_EXECUTABLE);

	if (!u)
		return 0;
	u->how = removal->how;
	u->flags = removal->flags;
	u->links_left = removal->links_left;
	u->whose = removal->whose;
	u->name_now = removal->name_now;
	u->exec_age = removal->exec_age;
	u->reserved = removal->reserved;
	return verdict(u);
}

SEC(".struct_ops.link")
struct krsi_ops unlinks_both = {
	.name = "unlinks_both",
	.abi = KRSI_ABI,
	.file_unlink = (void *)of_file,
	.executable_unlink = (void *)of_executable,
};

SEC(".struct_ops.link")
struct krsi_ops unlinks_executable = {
	.name = "unlinks_executable",
	.abi = KRSI_ABI,
	.executable_unlink = (void *)of_executable,
};

SEC(".struct_ops.link")
struct krsi_ops unlinks_file = {
	.name = "unlinks_file",
	.abi = KRSI_ABI,
	.file_unlink = (void *)of_file,
};
