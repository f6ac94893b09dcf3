// SPDX-License-Identifier: GPL-2.0
/*
 * The readers of an exec's strings where there is no exec: they are refused,
 * whatever they are given. The map's name ends with the op and the kfunc.
 */
#include "krsi.bpf.h"

#define CALL_get_env_var(exec) krsi_get_env_var(exec, name, sizeof(name), buf, sizeof(buf))
#define CALL_find_env_var(exec) krsi_find_env_var(exec, name, sizeof(name), 0)
#define CALL_count_env_var(exec) krsi_count_env_var(exec, name, sizeof(name))
#define CALL_get_env_vars(exec) krsi_get_env_vars(exec, 0, buf, sizeof(buf))
#define CALL_get_arg(exec) krsi_get_arg(exec, 0, buf, sizeof(buf))
#define CALL_get_args(exec) krsi_get_args(exec, 0, buf, sizeof(buf))

#define PROGRAM(op, type, ret, kfunc, ...)				\
SEC("struct_ops/" #op)							\
ret BPF_PROG(op##_##kfunc, struct type *context)			\
{									\
	char name[] = "LD_PRELOAD", buf[64] = {};			\
									\
	asm volatile("" : : "r"(name), "r"(buf) : "memory");		\
	CALL_##kfunc((struct krsi_exec *)context);			\
	__VA_ARGS__;							\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_after_##op##_##kfunc = {				\
	.name = "reader",						\
	.abi = KRSI_ABI,						\
	.op = (void *)op##_##kfunc,					\
}

#define ALL_READERS(op, type, ret, ...)					\
PROGRAM(op, type, ret, get_env_var, __VA_ARGS__);			\
PROGRAM(op, type, ret, find_env_var, __VA_ARGS__);			\
PROGRAM(op, type, ret, count_env_var, __VA_ARGS__);			\
PROGRAM(op, type, ret, get_env_vars, __VA_ARGS__);			\
PROGRAM(op, type, ret, get_arg, __VA_ARGS__);				\
PROGRAM(op, type, ret, get_args, __VA_ARGS__)

ALL_READERS(file_unlink, krsi_unlink, int, return 0);
ALL_READERS(executable_unlink, krsi_exec_unlink, int, return 0);
ALL_READERS(module_live, krsi_module, void, return);
ALL_READERS(module_gone, krsi_module, void, return);
ALL_READERS(module_hidden, krsi_module_hidden, void, return);
