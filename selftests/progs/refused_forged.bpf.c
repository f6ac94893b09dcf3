// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts that no kfunc may be given: each program is one that the verifier
 * must refuse, and each struct_ops map, which refused_prog_test.c loads alone,
 * has one. The map's name begins with how the context was forged.
 */
#include "krsi.bpf.h"

/* Forged in a map's value: these are global, so they are one. */
struct krsi_exec exec_in_map;
struct krsi_executed executed_in_map;
struct krsi_unlink unlink_in_map;
struct krsi_exec_unlink exec_unlink_in_map;

/* Each kfunc with a context that is given. */
#define CALL_get_env_var(ctx) krsi_get_env_var(ctx, name, sizeof(name), buf, sizeof(buf))
#define CALL_find_env_var(ctx) krsi_find_env_var(ctx, name, sizeof(name), 0)
#define CALL_count_env_var(ctx) krsi_count_env_var(ctx, name, sizeof(name))
#define CALL_get_env_vars(ctx) krsi_get_env_vars(ctx, 0, buf, sizeof(buf))
#define CALL_get_arg(ctx) krsi_get_arg(ctx, 0, buf, sizeof(buf))
#define CALL_get_args(ctx) krsi_get_args(ctx, 0, buf, sizeof(buf))
#define CALL_get_file_path(ctx) krsi_get_file_path(ctx, buf, sizeof(buf))
#define CALL_get_file_id(ctx) krsi_get_file_id(ctx, buf, sizeof(buf))
#define CALL_get_task_id(ctx) krsi_get_task_id(ctx, buf, sizeof(buf))

#define EXEC_PROGRAM(way, kfunc, forged)				\
SEC("struct_ops/process_exec")						\
int BPF_PROG(way##_exec_##kfunc, struct krsi_exec *exec)		\
{									\
	struct krsi_exec on_stack = { .argc = exec->argc };		\
	char name[] = "LD_PRELOAD", buf[64] = {};			\
									\
	barrier_var(exec);						\
	asm volatile("" : : "r"(&on_stack), "r"(name), "r"(buf) : "memory"); \
	return CALL_##kfunc(forged);					\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##way##_exec_##kfunc = {				\
	.name = "forged",						\
	.abi = KRSI_ABI,						\
	.process_exec = (void *)way##_exec_##kfunc,			\
}

#define EXECUTED_PROGRAM(way, kfunc, forged)				\
SEC("struct_ops/process_executed")					\
void BPF_PROG(way##_executed_##kfunc, struct krsi_executed *executed)	\
{									\
	struct krsi_executed on_stack = { .uid = executed->uid };	\
	char name[] = "LD_PRELOAD", buf[64] = {};			\
									\
	asm volatile("" : : "r"(&on_stack), "r"(name), "r"(buf) : "memory"); \
	CALL_##kfunc(forged);						\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##way##_executed_##kfunc = {			\
	.name = "forged",						\
	.abi = KRSI_ABI,						\
	.process_executed = (void *)way##_executed_##kfunc,		\
}

/* In both ops a field that the compiler does not know is links_left. */
#define UNLINK_PROGRAM(way, type, op, kfunc, forged)			\
SEC("struct_ops/" #op)							\
int BPF_PROG(way##_##op##_##kfunc, struct krsi_##type *removal)		\
{									\
	struct krsi_##type on_stack = { .links_left = removal->links_left }; \
	char buf[64] = {};						\
									\
	asm volatile("" : : "r"(&on_stack), "r"(buf) : "memory");	\
	return CALL_##kfunc(forged);					\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##way##_##op##_##kfunc = {				\
	.name = "forged",						\
	.abi = KRSI_ABI,						\
	.op = (void *)way##_##op##_##kfunc,				\
}

/* A number that the compiler does not know. */
#define NUMBER (exec->strings_len)
#define OPAQUE (exec->event.opaque)

#define FORGE_EXEC(kfunc)						\
EXEC_PROGRAM(stack, kfunc, &on_stack);					\
EXEC_PROGRAM(value, kfunc, &exec_in_map);				\
EXEC_PROGRAM(number, kfunc, (struct krsi_exec *)NUMBER);		\
EXEC_PROGRAM(opaque, kfunc, (struct krsi_exec *)OPAQUE);		\
EXEC_PROGRAM(null, kfunc, (struct krsi_exec *)NULL);			\
EXEC_PROGRAM(inside, kfunc, (struct krsi_exec *)((void *)exec + 8))

FORGE_EXEC(get_env_var);
FORGE_EXEC(find_env_var);
FORGE_EXEC(count_env_var);
FORGE_EXEC(get_env_vars);
FORGE_EXEC(get_arg);
FORGE_EXEC(get_args);

/* The kfuncs that take a header, with that of each context. */
#define FORGE_EVENT(kfunc)						\
EXEC_PROGRAM(stack, kfunc, &on_stack.event);				\
EXEC_PROGRAM(value, kfunc, &exec_in_map.event);				\
EXEC_PROGRAM(number, kfunc, (struct krsi_event *)NUMBER);		\
EXEC_PROGRAM(opaque, kfunc, (struct krsi_event *)OPAQUE);		\
EXEC_PROGRAM(null, kfunc, (struct krsi_event *)NULL);			\
EXEC_PROGRAM(inside, kfunc, (struct krsi_event *)((void *)exec + 8));	\
EXECUTED_PROGRAM(stack, kfunc, &on_stack.event);			\
EXECUTED_PROGRAM(value, kfunc, &executed_in_map.event);			\
EXECUTED_PROGRAM(number, kfunc, (struct krsi_event *)(__u64)executed->uid); \
EXECUTED_PROGRAM(opaque, kfunc, (struct krsi_event *)executed->event.opaque); \
EXECUTED_PROGRAM(null, kfunc, (struct krsi_event *)NULL);		\
EXECUTED_PROGRAM(inside, kfunc, (struct krsi_event *)((void *)executed + 8))

FORGE_EVENT(get_file_path);
FORGE_EVENT(get_file_id);
FORGE_EVENT(get_task_id);

#define FORGE_UNLINK(type, op, kfunc)					\
UNLINK_PROGRAM(stack, type, op, kfunc, &on_stack.event);		\
UNLINK_PROGRAM(value, type, op, kfunc, &type##_in_map.event);		\
UNLINK_PROGRAM(number, type, op, kfunc,					\
	       (struct krsi_event *)(__u64)removal->links_left)

FORGE_UNLINK(unlink, file_unlink, get_file_path);
FORGE_UNLINK(unlink, file_unlink, get_file_id);
FORGE_UNLINK(unlink, file_unlink, get_task_id);
FORGE_UNLINK(exec_unlink, executable_unlink, get_file_path);
FORGE_UNLINK(exec_unlink, executable_unlink, get_file_id);
FORGE_UNLINK(exec_unlink, executable_unlink, get_task_id);

/* The readers of arguments are not for process_executed, whatever they get. */
#define AFTER_EXEC(kfunc) \
EXECUTED_PROGRAM(after, kfunc, (struct krsi_exec *)executed)

AFTER_EXEC(get_env_var);
AFTER_EXEC(find_env_var);
AFTER_EXEC(count_env_var);
AFTER_EXEC(get_env_vars);
AFTER_EXEC(get_arg);
AFTER_EXEC(get_args);
