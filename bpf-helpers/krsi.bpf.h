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

/* What bpf_for() takes, where the system's headers are of Linux 6.3 or older: Debian 12's. */
#ifndef BPF_MEMSX
struct bpf_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));
#endif

/* What programs of type BPF_PROG_TYPE_LSM are called with. */
#ifndef __VMLINUX_H__
struct linux_binprm {
};
#endif

#define KRSI_READER(name, params, args)						\
	extern int krsi_##name(struct krsi_exec *exec, KRSI_UNWRAP params) __ksym __weak; \
	extern int krsi_bprm_##name(struct linux_binprm *bprm, KRSI_UNWRAP params) __ksym __weak;
#define KRSI_KFUNC(group, context, name, params, args)			\
	extern int krsi_##name(struct context *event, KRSI_UNWRAP params) __ksym __weak;
#define KRSI_FACT(group, context, name)						\
	extern int krsi_##name(struct context *event) __ksym __weak;
#include "kfuncs.h"

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
 * krsi_reason() - krsi_set_reason() with a constant
 * @event: the header of the context
 * @text: a string literal
 */
#define krsi_reason(event, text)						\
({										\
	char ___reason[] = text;						\
	krsi_set_reason(event, ___reason, sizeof(___reason));			\
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
 * @policy: its name, an identifier of at most 15 bytes
 * @...: its members: each op with its program, as in .process_exec = (void *)program,
 *	and .flags
 *
 * It is the name of the map as well, of which the kernel keeps 15 bytes, and by that
 * bpftool pins the link: two longer names could be one. A policy with a longer name, up to
 * KRSI_NAME_SIZE, is a struct krsi_ops of one's own.
 */
#define KRSI_POLICY(policy, ...)						\
	_Static_assert(sizeof(#policy) <= BPF_OBJ_NAME_LEN,			\
		       "a policy's name, by which bpftool pins it, has at most 15 bytes"); \
	SEC(".struct_ops.link")							\
	struct krsi_ops policy = {						\
		.name = #policy,						\
		.abi = KRSI_ABI,						\
		__VA_ARGS__							\
	}

#endif /* _KRSI_BPF_H */
