// SPDX-License-Identifier: GPL-2.0
/*
 * What no program may do with its context: write to it, have it written to,
 * and look beyond either end of it, where KRSI keeps its own. The map's name
 * begins with what is tried.
 */
#include "krsi.bpf.h"

#define PROGRAM(prog, ...)						\
SEC("struct_ops/process_exec")						\
int BPF_PROG(prog, struct krsi_exec *exec)				\
{									\
	char var[] = "LD_PRELOAD", buf[64] = {};			\
									\
	asm volatile("" : : "r"(var), "r"(buf) : "memory");		\
	__VA_ARGS__;							\
	return 0;							\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##prog = {						\
	.name = "context",						\
	.abi = KRSI_ABI,						\
	.process_exec = (void *)prog,					\
}

/* A field as a buffer of four bytes. */
#define FIELD ((char *)&exec->argc)
#define VOLATILE(field) (*(volatile typeof(field) *)&(field))
/* So far from the context's beginning; the compiler must not know better. */
#define AT(off) (*(volatile __u64 *)((void *)exec + (off)))

PROGRAM(write_flags, VOLATILE(exec->flags) = 0);
PROGRAM(write_argc, VOLATILE(exec->argc) = 1);
PROGRAM(write_strings_len, VOLATILE(exec->strings_len) = 1);
PROGRAM(write_opaque, VOLATILE(exec->event.opaque) = (void *)&exec->argc);
PROGRAM(write_reserved, VOLATILE(exec->event.reserved[0]) = 1);
PROGRAM(write_atomic, __sync_fetch_and_add(&exec->strings_len, 1));
PROGRAM(write_by_file_id, krsi_get_file_id(&exec->event, FIELD, 4));
PROGRAM(write_by_task_id, krsi_get_task_id(&exec->event, FIELD, 4));
PROGRAM(write_by_path, krsi_get_file_path(&exec->event, FIELD, 4));
PROGRAM(write_by_env_var, krsi_get_env_var(exec, var, sizeof(var), FIELD, 4));
PROGRAM(write_by_env_vars, krsi_get_env_vars(exec, 0, FIELD, 4));
PROGRAM(write_by_arg, krsi_get_arg(exec, 0, FIELD, 4));
PROGRAM(write_by_args, krsi_get_args(exec, 0, FIELD, 4));
/* What is given as a name, too, must be memory that the program may write to. */
PROGRAM(write_as_name, krsi_count_env_var(exec, FIELD, 4));
PROGRAM(beyond_end, return AT(sizeof(*exec)));
PROGRAM(beyond_end_far, return AT(4096));
PROGRAM(before_begin, return AT(-8));
PROGRAM(before_begin_far, return AT(-4096));
PROGRAM(slot_write, ctx[0] = 0);
PROGRAM(slot_second, return ((volatile __u64 *)ctx)[1]);

SEC("struct_ops/process_executed")
void BPF_PROG(write_executed, struct krsi_executed *executed)
{
	VOLATILE(executed->uid) = 0;
}

SEC(".struct_ops.link")
struct krsi_ops map_write_executed = {
	.name = "context",
	.abi = KRSI_ABI,
	.process_executed = (void *)write_executed,
};

/* The same for the other ops: a program with one of their contexts. */
#define PROGRAM_OF(op, type, ret, prog, ...)				\
SEC("struct_ops/" #op)							\
ret BPF_PROG(prog, struct krsi_##type *context)				\
{									\
	__VA_ARGS__;							\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##prog = {						\
	.name = "context",						\
	.abi = KRSI_ABI,						\
	.op = (void *)prog,						\
}

#define BEYOND(off) (*(volatile __u64 *)((void *)context + (off)))

PROGRAM_OF(file_unlink, unlink, int, write_unlink, return VOLATILE(context->how) = 0);
PROGRAM_OF(file_unlink, unlink, int, write_unlink_by_file_id,
	   return krsi_get_file_id(&context->event, &context->how, 4));
PROGRAM_OF(file_unlink, unlink, int, beyond_context_unlink,
	   return BEYOND(sizeof(*context)));
PROGRAM_OF(file_unlink, unlink, int, before_begin_unlink, return BEYOND(-8));
PROGRAM_OF(executable_unlink, exec_unlink, int, write_exec_unlink,
	   return VOLATILE(context->whose) = 0);
PROGRAM_OF(executable_unlink, exec_unlink, int, write_exec_unlink_by_task_id,
	   return krsi_get_task_id(&context->event, &context->whose, 4));
PROGRAM_OF(executable_unlink, exec_unlink, int, beyond_context_exec_unlink,
	   return BEYOND(sizeof(*context)));
PROGRAM_OF(executable_unlink, exec_unlink, int, before_begin_exec_unlink, return BEYOND(-8));
PROGRAM_OF(module_live, module, void, write_module_live, VOLATILE(context->text) = 0);
PROGRAM_OF(module_live, module, void, beyond_context_module, BEYOND(sizeof(*context)));
PROGRAM_OF(module_gone, module, void, write_module_gone, VOLATILE(context->name[0]) = 0);
PROGRAM_OF(module_gone, module, void, before_begin_module, BEYOND(-8));
PROGRAM_OF(module_hidden, module_hidden, void, write_module_hidden,
	   VOLATILE(context->missing) = 0);
PROGRAM_OF(module_hidden, module_hidden, void, beyond_context_module_hidden,
	   BEYOND(sizeof(*context)));
PROGRAM_OF(module_hidden, module_hidden, void, before_begin_module_hidden, BEYOND(-8));
PROGRAM_OF(mount, mount, int, write_mount, return VOLATILE(context->transports) = 0);
PROGRAM_OF(mount, mount, int, write_mount_by_usb_id,
	   return krsi_get_usb_id(context, &context->dev, 4));
PROGRAM_OF(mount, mount, int, beyond_context_mount, return BEYOND(sizeof(*context)));
PROGRAM_OF(mount, mount, int, before_begin_mount, return BEYOND(-8));

/* More room is asked for than the program has. */
PROGRAM(room_env_var, krsi_get_env_var(exec, var, sizeof(var), buf, 4096));
PROGRAM(room_name, krsi_count_env_var(exec, var, 4096));
PROGRAM(room_env_vars, krsi_get_env_vars(exec, 0, buf, exec->argc));
PROGRAM(room_file_id, krsi_get_file_id(&exec->event, buf, 4096));
PROGRAM(room_task_id, krsi_get_task_id(&exec->event, buf, -1));

/* Locks are held where these run. */
SEC("struct_ops.s/file_unlink")
int BPF_PROG(sleepable_file_unlink, struct krsi_unlink *removal)
{
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops map_sleepable_file_unlink = {
	.name = "context",
	.abi = KRSI_ABI,
	.file_unlink = (void *)sleepable_file_unlink,
};

SEC("struct_ops.s/executable_unlink")
int BPF_PROG(sleepable_executable_unlink, struct krsi_exec_unlink *removal)
{
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops map_sleepable_executable_unlink = {
	.name = "context",
	.abi = KRSI_ABI,
	.executable_unlink = (void *)sleepable_executable_unlink,
};

SEC("struct_ops.s/mount")
int BPF_PROG(sleepable_mount, struct krsi_mount *mount)
{
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops map_sleepable_mount = {
	.name = "context",
	.abi = KRSI_ABI,
	.mount = (void *)sleepable_mount,
};
