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
 * Readers of the arguments and the environment, for programs of process_exec.
 * None faults and none sleeps. A name is given with its NUL, at most
 * KRSI_ENV_NAME_SIZE bytes; names and buffers must be memory that the program could
 * write to: the stack, a map value, a ring buffer record.
 *
 * Which results make the run of a program an error of its policy, counted in "errors"
 * and denied under KRSI_FAIL_CLOSED: -EFAULT, -ENOMEM (the pages could not be made
 * available) and -ENODATA (nothing was prepared). -ENOENT, -EINVAL and a value that
 * was cut are answers. -ENOENT alone says that something is not set.
 */

/**
 * krsi_get_env_var() - value of the first definition of a variable
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 * @buf: for the value; at most @buf__sz - 1 bytes and a NUL are copied
 * @buf__sz: size of @buf
 *
 * Return: the length of the whole value, so a result >= @buf__sz means that it was
 * cut; -ENOENT if it is not set, -EINVAL for a name that is empty, has a '=' or no
 * NUL; or an error as above.
 */
extern int krsi_get_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			    char *buf, __u32 buf__sz) __ksym __weak;

/**
 * krsi_find_env_var() - where the value of the n-th definition of a variable begins
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 * @n: which definition, from 0
 *
 * Return: an offset for krsi_get_env_vars(); -ENOENT if there are fewer, -EINVAL for a
 * wrong name; or an error as above.
 */
extern int krsi_find_env_var(struct krsi_exec *exec, const char *name, __u32 name__sz,
			     __u32 n) __ksym __weak;

/**
 * krsi_count_env_var() - how often a variable is defined
 * @exec: the context
 * @name: its name
 * @name__sz: size of @name
 *
 * Return: the number: 0 if it is not set, and more than 1 is suspicious by itself;
 * -EINVAL for a wrong name; or an error as above.
 */
extern int krsi_count_env_var(struct krsi_exec *exec, const char *name,
			      __u32 name__sz) __ksym __weak;

/**
 * krsi_get_env_vars() - the block of all environment strings from an offset on
 * @exec: the context
 * @off: offset in the block of strings, each with its NUL
 * @buf: for the bytes as they are, to which no NUL is added
 * @buf__sz: size of @buf
 *
 * Return: the number of bytes from @off to the end, of which as many as fit are
 * copied: 0 at the end, -EINVAL beyond it; or an error as above.
 */
extern int krsi_get_env_vars(struct krsi_exec *exec, __u32 off, char *buf,
			     __u32 buf__sz) __ksym __weak;

/**
 * krsi_get_arg() - an argument of this round
 * @exec: the context
 * @n: which, from 0
 * @buf: for the string; at most @buf__sz - 1 bytes and a NUL are copied
 * @buf__sz: size of @buf
 *
 * Return: the length of the whole string; -ENOENT if there are fewer; or an error as
 * above.
 */
extern int krsi_get_arg(struct krsi_exec *exec, __u32 n, char *buf,
			__u32 buf__sz) __ksym __weak;

/**
 * krsi_get_args() - the block of all arguments of this round from an offset on
 * @exec: the context
 * @off: offset in the block of strings, each with its NUL
 * @buf: for the bytes as they are, to which no NUL is added
 * @buf__sz: size of @buf
 *
 * Return: as krsi_get_env_vars().
 */
extern int krsi_get_args(struct krsi_exec *exec, __u32 off, char *buf,
			 __u32 buf__sz) __ksym __weak;

/* For every event in a task, so not for those of modules, which a worker tells of. */

/**
 * krsi_get_file_path() - path of the event's file
 * @event: the header of the context
 * @buf: for the path, as d_path() gives it, with a NUL
 * @buf__sz: size of @buf
 *
 * A path is never cut. On an error @buf is an empty string, if it has any size.
 *
 * Return: the length without the NUL; -ENAMETOOLONG if path and NUL do not fit;
 * -ENODATA for a removal whose mount is not known, as of nfsd, ksmbd and kernel
 * threads. Both are answers: neither makes the run an error.
 */
extern int krsi_get_file_path(struct krsi_event *event, char *buf, __u32 buf__sz) __ksym __weak;

/**
 * krsi_get_file_id() - which file the event is about
 * @event: the header of the context
 * @out: for a struct krsi_file_id
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Return: 0.
 */
extern int krsi_get_file_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;

/**
 * krsi_get_task_id() - who does it: the current task
 * @event: the header of the context
 * @out: for a struct krsi_task_id
 * @out__sz: size of @out: the shorter size wins, the rest is zeroed
 *
 * Return: 0.
 */
extern int krsi_get_task_id(struct krsi_event *event, void *out, __u32 out__sz) __ksym __weak;

/*
 * The same readers, with the same results, for programs of type
 * BPF_PROG_TYPE_LSM, on the bprm that they are called with, at the hooks
 * bprm_creds_for_exec, bprm_check_security and bprm_creds_from_file. "krsi" must
 * stand before "bpf" in lsm=. No policy is there whose errors could be counted.
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

/**
 * krsi_env() - krsi_get_env_var() with a constant name
 * @exec: the context
 * @name: a string literal of at most 255 bytes
 * @buf: for the value
 * @size: size of @buf
 *
 * The name is copied to the stack, for a kfunc wants memory that the program could
 * also write to, which constants are not. The stack has 512 bytes, for @name, @buf and
 * all else.
 *
 * Return: as krsi_get_env_var().
 */
#define krsi_env(exec, name, buf, size)						\
({										\
	char ___name[] = name;							\
	krsi_get_env_var(exec, ___name, sizeof(___name), buf, size);		\
})

/**
 * krsi_copy() - copies a string of a context, such as module->name
 * @to: memory of the program of at least sizeof(@from) bytes
 * @from: the array itself: sizeof(@from) bytes are copied, so a pointer is wrong
 *
 * Byte by byte, for the verifier takes no wider loads of it.
 */
#define krsi_copy(to, from)							\
({										\
	_Pragma("unroll")							\
	for (int ___i = 0; ___i < sizeof(from); ___i++)				\
		(to)[___i] = *(const volatile char *)&(from)[___i];		\
})

/* struct_ops programs must be GPL-compatible, which is what this says of the object. */
char krsi_license[] SEC("license") __weak = "GPL";

/**
 * KRSI_POLICY() - defines a policy, a map that is attached by its link
 * @policy: its name, an identifier of at most 63 bytes
 * @...: its members: each op with its program, as in .process_exec = (void *)program,
 *	and .flags
 */
#define KRSI_POLICY(policy, ...)						\
	SEC(".struct_ops.link")							\
	struct krsi_ops policy = {						\
		.name = #policy,						\
		.abi = KRSI_ABI,						\
		__VA_ARGS__							\
	}

#endif /* _KRSI_BPF_H */
