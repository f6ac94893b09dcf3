// SPDX-License-Identifier: GPL-2.0
/*
 * What no program may do at module_load and module_request: forge a context, write to
 * it, look beyond it, and ask there for what is told elsewhere; nor may others ask for
 * what is told there. The map's name begins with what is tried.
 */
#include "krsi.bpf.h"

/* Forged in a map's value: it is global, so it is one. */
struct krsi_module_load load_in_map;

#define PROGRAM(op, type, prog, ...)					\
SEC("struct_ops/" #op)							\
int BPF_PROG(prog, struct krsi_##type *context)				\
{									\
	char name[] = "license", buf[64] = {};				\
									\
	asm volatile("" : : "r"(name), "r"(buf) : "memory");		\
	return ({ __VA_ARGS__; });					\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##prog = {						\
	.name = "load",							\
	.abi = KRSI_ABI,						\
	.op = (void *)prog,						\
}

#define VOLATILE(field) (*(volatile typeof(field) *)&(field))
#define AT(off) (*(volatile __u64 *)((void *)context + (off)))

/* The kfuncs, with a context that is given. */
#define CALL_get_module_digest(ctx) krsi_get_module_digest(ctx, buf, sizeof(buf))
#define CALL_get_module_info(ctx) krsi_get_module_info(ctx, name, sizeof(name), buf, sizeof(buf))
#define CALL_get_env_var(ctx) krsi_get_env_var(ctx, name, sizeof(name), buf, sizeof(buf))
#define CALL_find_env_var(ctx) krsi_find_env_var(ctx, name, sizeof(name), 0)
#define CALL_count_env_var(ctx) krsi_count_env_var(ctx, name, sizeof(name))
#define CALL_get_env_vars(ctx) krsi_get_env_vars(ctx, 0, buf, sizeof(buf))
#define CALL_get_arg(ctx) krsi_get_arg(ctx, 0, buf, sizeof(buf))
#define CALL_get_args(ctx) krsi_get_args(ctx, 0, buf, sizeof(buf))

#define FORGED(way, kfunc, ...)						\
PROGRAM(module_load, module_load, way##_##kfunc,			\
	struct krsi_module_load on_stack = { .size = context->size };	\
	asm volatile("" : : "r"(&on_stack) : "memory");			\
	CALL_##kfunc((struct krsi_module_load *)(__VA_ARGS__)))

#define FORGE(kfunc)							\
FORGED(stack, kfunc, &on_stack);					\
FORGED(value, kfunc, &load_in_map);					\
FORGED(number, kfunc, context->size);					\
FORGED(opaque, kfunc, context->event.opaque);				\
FORGED(null, kfunc, NULL);						\
FORGED(inside, kfunc, (void *)context + 8)

FORGE(get_module_digest);
FORGE(get_module_info);

#define AFTER(op, type, kfunc, other)					\
PROGRAM(op, type, after_##op##_##kfunc, CALL_##kfunc((struct krsi_##other *)context))

#define READERS(op)							\
AFTER(op, op, get_env_var, exec);					\
AFTER(op, op, find_env_var, exec);					\
AFTER(op, op, count_env_var, exec);					\
AFTER(op, op, get_env_vars, exec);					\
AFTER(op, op, get_arg, exec);						\
AFTER(op, op, get_args, exec)

READERS(module_load);
READERS(module_request);
AFTER(module_request, module_request, get_module_digest, module_load);
AFTER(module_request, module_request, get_module_info, module_load);
AFTER(process_exec, exec, get_module_digest, module_load);
AFTER(process_exec, exec, get_module_info, module_load);

PROGRAM(module_load, module_load, write_load, VOLATILE(context->size) = 0);
PROGRAM(module_load, module_load, write_load_by_digest,
	krsi_get_module_digest(context, context->name, sizeof(context->name)));
PROGRAM(module_load, module_load, write_load_as_key,
	krsi_get_module_info(context, context->name, sizeof(context->name), buf, sizeof(buf)));
PROGRAM(module_load, module_load, beyond_context_module_load, AT(sizeof(*context)));
PROGRAM(module_load, module_load, before_begin_load, AT(-8));
PROGRAM(module_request, module_request, write_request, VOLATILE(context->alias[0]) = 0);
PROGRAM(module_request, module_request, beyond_context_module_request, AT(sizeof(*context)));
PROGRAM(module_request, module_request, before_begin_request, AT(-8));
PROGRAM(module_load, module_load, room_digest, krsi_get_module_digest(context, buf, 4096));
PROGRAM(module_load, module_load, room_key,
	krsi_get_module_info(context, name, 4096, buf, sizeof(buf)));
PROGRAM(module_load, module_load, room_info,
	krsi_get_module_info(context, name, sizeof(name), buf, 4096));
