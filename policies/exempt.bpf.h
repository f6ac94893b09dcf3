/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Who may do what a policy looks for: by the executable of who does it, by that
 * of its parent, each for one user or for anyone, by the cgroup in or below which it is
 * done, and by the directory below which the file lies that it is done to.
 *
 * Whoever may write to the cgroup.procs of an exempt cgroup, or of one below it, makes
 * himself exempt: name none that is delegated to a user.
 */
#ifndef _KRSI_EXEMPT_BPF_H
#define _KRSI_EXEMPT_BPF_H

#include <stdbool.h>

#include "krsi.bpf.h"
#include "report.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct krsi_exempt_exe);
	__type(value, __u32);
} exempt_exe SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct krsi_exempt_exe);
	__type(value, __u32);
} exempt_parent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct krsi_exempt_cgroup);
	__type(value, __u32);
} exempt_cgroup SEC(".maps");

/* The first that is all 0 ends them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_EXEMPT_DIRS);
	__type(key, __u32);
	__type(value, struct krsi_file_id);
} exempt_dir SEC(".maps");

/* A path would be what the task makes of it, by a root and mounts of its own. */
static __always_inline bool is_exempt_file(struct krsi_event *event)
{
	for (__u32 i = 0; i < KRSI_EXEMPT_DIRS; i++) {
		__u32 key = i;
		struct krsi_file_id *dir = bpf_map_lookup_elem(&exempt_dir, &key);

		if (!dir || !dir->ino)
			return false;
		/* What can't be told is not exempt. */
		if (krsi_is_below(event, dir, sizeof(*dir)) == 1)
			return true;
	}
	return false;
}

static __always_inline bool is_exempt_exe(void *map, const struct krsi_file_id *exe, __u32 uid)
{
	struct krsi_exempt_exe key = {
		.dev = exe->dev, .ino = exe->ino, .generation = exe->generation, .uid = uid,
	};

	if (bpf_map_lookup_elem(map, &key))
		return true;
	key.uid = KRSI_EXEMPT_ANYONE;
	return bpf_map_lookup_elem(map, &key);
}

/* Whether a cgroup is exempt that the task is in or below. All are below the root. */
static __always_inline bool is_exempt_cgroup(void)
{
	struct krsi_exempt_cgroup key;

	for (int level = 1; level <= KRSI_EXEMPT_CGROUP_DEPTH; level++) {
		key.id = bpf_get_current_ancestor_cgroup_id(level);
		if (!key.id)
			return false;
		if (bpf_map_lookup_elem(&exempt_cgroup, &key))
			return true;
	}
	return false;
}

static __always_inline bool is_exempt(struct krsi_event *event)
{
	struct krsi_task_id task;

	krsi_get_task_id(event, &task, sizeof(task));
	return is_exempt_exe(&exempt_exe, &task.exe, task.uid) ||
	       is_exempt_exe(&exempt_parent, &task.parent_exe, task.uid) ||
	       is_exempt_cgroup() || is_exempt_file(event);
}

#endif /* _KRSI_EXEMPT_BPF_H */
