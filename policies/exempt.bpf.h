/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Who may do what a policy looks for: by the executable of who does it, by that
 * of its parent, and by the beginning of the path that it is done to. krsi-watch
 * -e, -E and -p fill these.
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
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct krsi_exempt_path);
	__type(value, __u32);
} exempt_path SEC(".maps");

/* Room for a whole path, which the stack has not. */
struct exempt_scratch {
	__u64 taken; /* 64 bits: clang exchanges no less without -mcpu=v3 */
	char path[4096];
};

/* One a CPU for each program that was preempted while it used its own. */
#define EXEMPT_SCRATCHES 8

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EXEMPT_SCRATCHES);
	__type(key, __u32);
	__type(value, struct exempt_scratch);
} exempt_scratch SEC(".maps");

/* One that is free; NULL if none is. The program stays on its CPU meanwhile. */
static __always_inline struct exempt_scratch *take_scratch(void)
{
	for (__u32 i = 0; i < EXEMPT_SCRATCHES; i++) {
		__u32 key = i;
		struct exempt_scratch *scratch = bpf_map_lookup_elem(&exempt_scratch, &key);

		if (scratch && !__sync_lock_test_and_set(&scratch->taken, 1))
			return scratch;
	}
	return NULL;
}

static __always_inline bool is_exempt_path(struct krsi_event *event)
{
	struct krsi_exempt_path key = { .bits = sizeof(key.path) * 8 };
	struct exempt_scratch *scratch = take_scratch();
	int len;

	if (!scratch)
		return false;
	len = krsi_get_file_path(event, scratch->path, sizeof(scratch->path));
	for (int i = 0; i < sizeof(key.path) && i < len; i++)
		key.path[i] = scratch->path[i];
	__sync_lock_test_and_set(&scratch->taken, 0);
	return len > 0 && bpf_map_lookup_elem(&exempt_path, &key);
}

static __always_inline bool is_exempt_exe(void *map, const struct krsi_file_id *exe)
{
	struct krsi_exempt_exe key = { .dev = exe->dev, .ino = exe->ino };

	return bpf_map_lookup_elem(map, &key);
}

static __always_inline bool is_exempt(struct krsi_event *event)
{
	struct krsi_task_id task;

	krsi_get_task_id(event, &task, sizeof(task));
	return is_exempt_exe(&exempt_exe, &task.exe) ||
	       is_exempt_exe(&exempt_parent, &task.parent_exe) || is_exempt_path(event);
}

#endif /* _KRSI_EXEMPT_BPF_H */
