// SPDX-License-Identifier: GPL-2.0
/*
 * What is told of by a worker has no file and no task to ask for, and what has
 * happened already can't be denied for a reason. The map's name ends with the op
 * and the kfunc.
 */
#include "krsi.bpf.h"

#define PROGRAM(op, context, kfunc)					\
SEC("struct_ops/" #op)							\
void BPF_PROG(op##_##kfunc, struct context *module)			\
{									\
	char buf[64] = {};						\
									\
	krsi_##kfunc(&module->event, buf, sizeof(buf));			\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_after_##op##_##kfunc = {				\
	.name = "module",						\
	.abi = KRSI_ABI,						\
	.op = (void *)op##_##kfunc,					\
}

PROGRAM(module_live, krsi_module, get_task_id);
PROGRAM(module_live, krsi_module, get_file_id);
PROGRAM(module_live, krsi_module, get_file_path);
PROGRAM(module_live, krsi_module, set_reason);
PROGRAM(module_gone, krsi_module, get_task_id);
PROGRAM(module_gone, krsi_module, get_file_id);
PROGRAM(module_gone, krsi_module, get_file_path);
PROGRAM(module_gone, krsi_module, set_reason);
PROGRAM(module_hidden, krsi_module_hidden, get_task_id);
PROGRAM(module_hidden, krsi_module_hidden, get_file_id);
PROGRAM(module_hidden, krsi_module_hidden, get_file_path);
PROGRAM(module_hidden, krsi_module_hidden, set_reason);
PROGRAM(process_executed, krsi_executed, set_reason);
