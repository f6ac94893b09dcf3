/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Who may do what a policy looks for: by the executable of who does it, and by
 * the beginning of the path that it is done to. krsi-watch -e and -p fill these.
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
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct krsi_exempt_path);
	__type(value, __u32);
} exempt_path SEC(".maps");

static __always_inline bool is_exempt(struct krsi_event *event)
{
	struct krsi_exempt_path path = { .bits = sizeof(path.path) * 8 };
	struct krsi_exempt_exe exe;
	struct krsi_task_id task;

	krsi_get_task_id(event, &task, sizeof(task));
	exe.dev = task.exe.dev;
	exe.ino = task.exe.ino;
	if (bpf_map_lookup_elem(&exempt_exe, &exe))
		return true;
	if (krsi_get_file_path(event, path.path, sizeof(path.path)) < 0)
		return false;
	return bpf_map_lookup_elem(&exempt_path, &path);
}

#endif /* _KRSI_EXEMPT_BPF_H */
