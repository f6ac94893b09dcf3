/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * This file never changes. It is what bpf-helpers/krsi.h and krsi.bpf.h were when
 * KRSI_ABI was 1, as far as a policy of process_exec needs them: policies that were
 * built with those must load, run and be obeyed on each later kernel. If a test of
 * abi1.bpf.c fails, mend the kernel and not this.
 */
#ifndef ABI1_H
#define ABI1_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define KRSI_ABI 1

#define KRSI_NAME_SIZE 64

/* struct krsi_ops.flags */
#define KRSI_AUDIT	 (1U << 0)
#define KRSI_FAIL_CLOSED (1U << 1)

struct krsi_opaque {
};

struct krsi_event {
	struct krsi_opaque *opaque;
	__u64 reserved[3];
};

/* struct krsi_exec.flags */
#define KRSI_EXEC_UNLINKED	(1U << 0)
#define KRSI_EXEC_MEMFD		(1U << 1)
#define KRSI_EXEC_WRITABLE	(1U << 2)
#define KRSI_EXEC_OVERLAY_UPPER	(1U << 3)
#define KRSI_EXEC_CHECK		(1U << 4)
#define KRSI_EXEC_PRIVILEGED	(1U << 5)
#define KRSI_EXEC_SCRIPT	(1U << 6)

struct krsi_exec {
	struct krsi_event event;
	__u32 depth;
	__u32 flags;
	__u32 argc;
	__u32 envc;
	__u64 strings_len;
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
};

struct krsi_executed;
struct krsi_unlink;
struct krsi_exec_unlink;

struct krsi_ops {
	char name[KRSI_NAME_SIZE];
	__u32 abi;
	__u32 flags;
	__u64 reserved[4];
	int (*process_exec)(struct krsi_exec *exec);
	void (*process_executed)(struct krsi_executed *executed);
	int (*file_unlink)(struct krsi_unlink *removal);
	int (*executable_unlink)(struct krsi_exec_unlink *removal);
};

extern int krsi_get_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			    char *buf, __u32 buf__sz) __ksym __weak;
extern int krsi_find_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			     __u32 n) __ksym __weak;
extern int krsi_count_env_var(struct krsi_exec *exec, const char *name,
			      __u32 name__sz) __ksym __weak;
extern int krsi_get_env_vars(struct krsi_exec *exec, __u32 off, char *buf,
			     __u32 buf__sz) __ksym __weak;
extern int krsi_get_arg(struct krsi_exec *exec, __u32 n, char *buf,
			__u32 buf__sz) __ksym __weak;
extern int krsi_get_args(struct krsi_exec *exec, __u32 off, char *buf,
			 __u32 buf__sz) __ksym __weak;
extern int krsi_get_file_path(struct krsi_event *event, char *buf, __u32 buf__sz) __ksym __weak;
extern int krsi_get_file_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;
extern int krsi_get_task_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;

#define krsi_env(exec, name, buf, size)						\
({										\
	char ___name[] = name;							\
	krsi_get_env_var(exec, ___name, sizeof(___name), buf, size);		\
})

char krsi_license[] SEC("license") __weak = "GPL";

#define KRSI_POLICY(policy, ...)						\
	SEC(".struct_ops.link")							\
	struct krsi_ops policy = {						\
		.name = #policy,						\
		.abi = KRSI_ABI,						\
		__VA_ARGS__							\
	}

#endif /* ABI1_H */
