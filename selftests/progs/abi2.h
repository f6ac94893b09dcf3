/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * This file never changes. It is what bpf-helpers/krsi.h and krsi.bpf.h were when
 * KRSI_ABI was 2, as far as a policy of executable_unlink needs them: see abi1.h.
 */
#ifndef ABI2_H
#define ABI2_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define KRSI_ABI 2

#define KRSI_NAME_SIZE 64

struct krsi_opaque {
};

struct krsi_event {
	struct krsi_opaque *opaque;
	__u64 reserved[3];
};

#define KRSI_UNLINK_UNLINK	1
#define KRSI_UNLINK_RENAME_OVER	2
#define KRSI_UNLINK_RETRY	(1U << 0)

#define KRSI_WHOSE_OWN		(1U << 0)
#define KRSI_WHOSE_ANCESTOR	(1U << 1)
#define KRSI_WHOSE_DESCENDANT	(1U << 2)
#define KRSI_WHOSE_OTHER	(1U << 3)
#define KRSI_WHOSE_UNKNOWN	(1U << 4)

#define KRSI_NAME_UNKNOWN	0
#define KRSI_NAME_SAME		1
#define KRSI_NAME_OTHER		2
#define KRSI_NAME_GONE		3

struct krsi_exec_unlink {
	struct krsi_event event;
	__u32 how;
	__u32 flags;
	__u32 links_left;
	__u32 whose;
	__u32 name_now;
	__u32 reserved;
	__u64 exec_age;
};

struct krsi_file_id {
	__u64 dev;
	__u64 ino;
	__u64 overlay_dev;
	__u64 overlay_ino;
	__u32 generation;
	__u32 overlay_generation;
};

struct krsi_task_id {
	__u64 cgroup_id;
	__u64 start_time;
	struct krsi_file_id exe;
	__u32 pid;
	__u32 tgid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 reserved;
	char comm[16];
	struct krsi_file_id parent_exe;
};

struct krsi_exec;
struct krsi_executed;
struct krsi_unlink;
struct krsi_module;
struct krsi_module_hidden;

struct krsi_ops {
	char name[KRSI_NAME_SIZE];
	__u32 abi;
	__u32 flags;
	__u64 reserved[4];
	int (*process_exec)(struct krsi_exec *exec);
	void (*process_executed)(struct krsi_executed *executed);
	int (*file_unlink)(struct krsi_unlink *removal);
	int (*executable_unlink)(struct krsi_exec_unlink *removal);
	void (*module_live)(struct krsi_module *module);
	void (*module_gone)(struct krsi_module *module);
	void (*module_hidden)(struct krsi_module_hidden *hidden);
};

extern int krsi_get_file_path(struct krsi_event *event, char *buf, __u32 buf__sz) __ksym __weak;
extern int krsi_get_file_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;
extern int krsi_get_task_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;

char krsi_license[] SEC("license") __weak = "GPL";

#define KRSI_POLICY(policy, ...)						\
	SEC(".struct_ops.link")							\
	struct krsi_ops policy = {						\
		.name = #policy,						\
		.abi = KRSI_ABI,						\
		__VA_ARGS__							\
	}

#endif /* ABI2_H */
