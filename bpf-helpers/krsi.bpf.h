/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * All that a KRSI policy includes. No vmlinux.h: what a policy sees of the
 * kernel is krsi.h and the kfuncs below. Documentation/abi.rst has their
 * whole contract.
 */
#ifndef _KRSI_BPF_H
#define _KRSI_BPF_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "krsi.h"

/*
 * Readers of the arguments and the environment, in process_exec. They never
 * fault and never sleep. Names are given with their NUL. String readers copy
 * at most size-1 bytes, end them with NUL and return the string's whole
 * length: a result >= size means that it was cut. Block readers copy
 * min(size, rest) bytes and return the rest from the offset on.
 *
 * All: -EFAULT or -ENOMEM the pages could not be made available, -ENODATA the
 * block is malformed or nothing was prepared, -EINVAL a bad name or offset.
 */

/* Value of the first definition; -ENOENT: not set. */
extern int krsi_get_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			    char *buf, __u32 buf__sz) __ksym __weak;
/* Offset in the environment of the n-th definition's value, n from 0; -ENOENT. */
extern int krsi_find_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			     __u32 n) __ksym __weak;
/* How often it is set: more than once is a signal by itself. */
extern int krsi_count_env_var(struct krsi_exec *exec, const char *name,
			      __u32 name__sz) __ksym __weak;
/* The environment block from an offset on. */
extern int krsi_get_env_vars(struct krsi_exec *exec, __u32 off, char *buf,
			     __u32 buf__sz) __ksym __weak;
/* Argument n, from 0; -ENOENT: there are fewer. */
extern int krsi_get_arg(struct krsi_exec *exec, __u32 n, char *buf,
			__u32 buf__sz) __ksym __weak;
/* The block of arguments from an offset on. */
extern int krsi_get_args(struct krsi_exec *exec, __u32 off, char *buf,
			 __u32 buf__sz) __ksym __weak;

/* For every event in a task: not those of modules, which a worker tells of. */

/* Path of the event's file, as d_path gives it; its length, or -ENAMETOOLONG. */
extern int krsi_get_file_path(struct krsi_event *event, char *buf, __u32 buf__sz) __ksym __weak;
/* Fills a struct krsi_file_id; 0. */
extern int krsi_get_file_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;
/* Fills a struct krsi_task_id for the current task; 0. */
extern int krsi_get_task_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;

/*
 * For programs of type BPF_PROG_TYPE_LSM, at bprm_creds_for_exec,
 * bprm_check_security and bprm_creds_from_file, when "krsi" stands before
 * "bpf" in lsm=. The same contracts.
 */
#ifndef __VMLINUX_H__
struct linux_binprm {
};
#endif

extern int krsi_bprm_get_env_var(struct linux_binprm *bprm, const char *name, __u32 name__sz,
				 char *buf, __u32 buf__sz) __ksym __weak;
extern int krsi_bprm_find_env_var(struct linux_binprm *bprm, const char *name, __u32 name__sz,
				  __u32 n) __ksym __weak;
extern int krsi_bprm_count_env_var(struct linux_binprm *bprm, const char *name,
				   __u32 name__sz) __ksym __weak;
extern int krsi_bprm_get_env_vars(struct linux_binprm *bprm, __u32 off, char *buf,
				  __u32 buf__sz) __ksym __weak;
extern int krsi_bprm_get_arg(struct linux_binprm *bprm, __u32 n, char *buf,
			     __u32 buf__sz) __ksym __weak;
extern int krsi_bprm_get_args(struct linux_binprm *bprm, __u32 off, char *buf,
			      __u32 buf__sz) __ksym __weak;

/*
 * krsi_env(exec, "NAME", buf, size): krsi_get_env_var() with a constant name.
 * The name is put on the stack, for a kfunc wants memory that the program
 * could also write to, which constants are not.
 */
#define krsi_env(exec, name, buf, size)						\
({										\
	char ___name[] = name;							\
	krsi_get_env_var(exec, ___name, sizeof(___name), buf, size);		\
})

/*
 * krsi_copy(to, from): a string of a context, as module->name, to one of the
 * program's own of at least its size. Byte by byte, for the verifier takes no
 * wider loads of it.
 */
#define krsi_copy(to, from)							\
({										\
	_Pragma("unroll")							\
	for (int ___i = 0; ___i < sizeof(from); ___i++)				\
		(to)[___i] = *(const volatile char *)&(from)[___i];		\
})

/* struct_ops programs must be GPL-compatible, which is what this says of the object. */
char krsi_license[] SEC("license") __weak = "GPL";

/* KRSI_POLICY(policy_name, .process_exec = (void *)program, ...): attached by its link. */
#define KRSI_POLICY(policy, ...)						\
	SEC(".struct_ops.link")							\
	struct krsi_ops policy = {						\
		.name = #policy,						\
		.abi = KRSI_ABI,						\
		__VA_ARGS__							\
	}

#endif /* _KRSI_BPF_H */
