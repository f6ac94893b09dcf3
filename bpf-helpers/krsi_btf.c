// SPDX-License-Identifier: GPL-2.0
/*
 * The BTF surface of KRSI. pahole leaves Rust out of BTF, so what the verifier
 * must know by type stands here, in C: the kfuncs of kfuncs.h, the sets they
 * are registered in, and the stubs of struct krsi_ops. Each kfunc forwards to
 * Rust; nothing is decided here.
 */

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>

#include "../rust-lsm/kernel/bindings.h"

__bpf_kfunc_start_defs();

#define KRSI_READER(name, params, args)						\
__bpf_kfunc int krsi_##name(struct krsi_exec *exec, KRSI_UNWRAP params)		\
{										\
	return krsi_rs_##name(exec, KRSI_UNWRAP args);				\
}										\
__bpf_kfunc int krsi_bprm_##name(struct linux_binprm *bprm, KRSI_UNWRAP params)	\
{										\
	return krsi_rs_bprm_##name(bprm, KRSI_UNWRAP args);			\
}
#define KRSI_KFUNC(group, context, name, params, args)			\
__bpf_kfunc int krsi_##name(struct context *event, KRSI_UNWRAP params)	\
{										\
	return krsi_rs_##name(event, KRSI_UNWRAP args);				\
}
#define KRSI_FACT(group, context, name)						\
__bpf_kfunc int krsi_##name(struct context *event)				\
{										\
	return krsi_rs_##name(event);						\
}
#include "kfuncs.h"

__bpf_kfunc_end_defs();

/* The ids: of what policies may call, and of what BPF LSM programs may. */

BTF_KFUNCS_START(krsi_policy_ids)
#define KRSI_READER(name, params, args) BTF_ID_FLAGS(func, krsi_##name)
#define KRSI_KFUNC(group, context, name, params, args) BTF_ID_FLAGS(func, krsi_##name)
#define KRSI_FACT(group, context, name) BTF_ID_FLAGS(func, krsi_##name)
#include "kfuncs.h"
BTF_KFUNCS_END(krsi_policy_ids)

BTF_KFUNCS_START(krsi_bprm_ids)
#define KRSI_READER(name, params, args) BTF_ID_FLAGS(func, krsi_bprm_##name)
#define KRSI_KFUNC(group, context, name, params, args)
#define KRSI_FACT(group, context, name)
#include "kfuncs.h"
BTF_KFUNCS_END(krsi_bprm_ids)

/* Those of policies once more, in the order of kfuncs.h, and the group of each. */

BTF_ID_LIST(krsi_ordered_ids)
#define KRSI_READER(name, params, args) BTF_ID(func, krsi_##name)
#define KRSI_KFUNC(group, context, name, params, args) BTF_ID(func, krsi_##name)
#define KRSI_FACT(group, context, name) BTF_ID(func, krsi_##name)
#include "kfuncs.h"

static const u8 krsi_groups[] = {
#define KRSI_READER(name, params, args) KRSI_KFUNCS_EXEC,
#define KRSI_KFUNC(group, context, name, params, args) KRSI_KFUNCS_##group,
#define KRSI_FACT(group, context, name) KRSI_KFUNCS_##group,
#include "kfuncs.h"
};

/* The hooks at which bprm still has its memory. */
BTF_SET_START(krsi_bprm_hooks)
#ifdef CONFIG_BPF_LSM
BTF_ID(func, bpf_lsm_bprm_creds_for_exec)
BTF_ID(func, bpf_lsm_bprm_check_security)
BTF_ID(func, bpf_lsm_bprm_creds_from_file)
#endif
BTF_SET_END(krsi_bprm_hooks)

/*
 * Of the kernel's common kfuncs a policy may call these: they work on the
 * program's own memory and hand out nothing of the kernel's.
 */
BTF_SET_START(krsi_common_ids)
BTF_ID(func, bpf_obj_new)
BTF_ID(func, bpf_obj_new_impl)
BTF_ID(func, bpf_percpu_obj_new)
BTF_ID(func, bpf_percpu_obj_new_impl)
BTF_ID(func, bpf_obj_drop)
BTF_ID(func, bpf_obj_drop_impl)
BTF_ID(func, bpf_percpu_obj_drop)
BTF_ID(func, bpf_percpu_obj_drop_impl)
BTF_ID(func, bpf_refcount_acquire)
BTF_ID(func, bpf_refcount_acquire_impl)
BTF_ID(func, bpf_list_push_front)
BTF_ID(func, bpf_list_push_front_impl)
BTF_ID(func, bpf_list_push_back)
BTF_ID(func, bpf_list_push_back_impl)
BTF_ID(func, bpf_list_pop_front)
BTF_ID(func, bpf_list_pop_back)
BTF_ID(func, bpf_list_front)
BTF_ID(func, bpf_list_back)
BTF_ID(func, bpf_rbtree_remove)
BTF_ID(func, bpf_rbtree_add)
BTF_ID(func, bpf_rbtree_add_impl)
BTF_ID(func, bpf_rbtree_first)
BTF_ID(func, bpf_rcu_read_lock)
BTF_ID(func, bpf_rcu_read_unlock)
BTF_ID(func, bpf_iter_num_new)
BTF_ID(func, bpf_iter_num_next)
BTF_ID(func, bpf_iter_num_destroy)
BTF_ID(func, bpf_dynptr_slice)
BTF_ID(func, bpf_dynptr_slice_rdwr)
BTF_ID(func, bpf_dynptr_adjust)
BTF_ID(func, bpf_dynptr_is_null)
BTF_ID(func, bpf_dynptr_is_rdonly)
BTF_ID(func, bpf_dynptr_size)
BTF_ID(func, bpf_dynptr_clone)
BTF_ID(func, bpf_dynptr_copy)
BTF_ID(func, bpf_dynptr_memset)
BTF_ID(func, bpf_wq_init)
BTF_ID(func, bpf_wq_set_callback)
BTF_ID(func, bpf_wq_start)
BTF_SET_END(krsi_common_ids)

int krsi_kfunc_group(u32 id)
{
	for (int i = 0; i < ARRAY_SIZE(krsi_groups); i++)
		if (krsi_ordered_ids[i] == id)
			return krsi_groups[i];
	if (btf_id_set8_contains(&krsi_bprm_ids, id))
		return KRSI_KFUNCS_BPRM;
	if (btf_id_set_contains(&krsi_common_ids, id))
		return KRSI_KFUNCS_COMMON;
	return KRSI_KFUNCS_FOREIGN;
}

bool krsi_is_bprm_hook(u32 id)
{
	return btf_id_set_contains(&krsi_bprm_hooks, id);
}

/* Registered twice, for struct_ops and for all: a filter sees what is registered where it is. */
const struct btf_kfunc_id_set krsi_policy_kfuncs = {
	.owner = THIS_MODULE,
	.set = &krsi_policy_ids,
	.filter = krsi_rs_kfunc_filter,
};

const struct btf_kfunc_id_set krsi_bprm_kfuncs = {
	.owner = THIS_MODULE,
	.set = &krsi_bprm_ids,
	.filter = krsi_rs_kfunc_filter,
};

/* What struct_ops calls through: one a member, of the member's prototype. */

static int process_exec_stub(struct krsi_exec *exec)
{
	return 0;
}

static void process_executed_stub(struct krsi_executed *executed)
{
}

static int file_unlink_stub(struct krsi_unlink *removal)
{
	return 0;
}

static int executable_unlink_stub(struct krsi_exec_unlink *removal)
{
	return 0;
}

static void module_stub(struct krsi_module *module)
{
}

static void module_hidden_stub(struct krsi_module_hidden *hidden)
{
}

static int mount_stub(struct krsi_mount *mount)
{
	return 0;
}

static int module_load_stub(struct krsi_module_load *load)
{
	return 0;
}

static int module_request_stub(struct krsi_module_request *request)
{
	return 0;
}

static int file_map_exec_stub(struct krsi_map_exec *map)
{
	return 0;
}

struct krsi_ops krsi_cfi_stubs = {
	.process_exec = process_exec_stub,
	.process_executed = process_executed_stub,
	.file_unlink = file_unlink_stub,
	.executable_unlink = executable_unlink_stub,
	.module_live = module_stub,
	.module_gone = module_stub,
	.module_hidden = module_hidden_stub,
	.mount = mount_stub,
	.module_load = module_load_stub,
	.module_request = module_request_stub,
	.file_map_exec = file_map_exec_stub,
};

/*
 * The verifier calls these by a prototype with an enum, which is a type of its
 * own for CFI in C and an integer in Rust.
 */
static const struct bpf_func_proto *get_func_proto(enum bpf_func_id id,
						   const struct bpf_prog *prog)
{
	return krsi_rs_helper_proto(id, prog);
}

const struct bpf_verifier_ops krsi_verifier_ops = {
	.get_func_proto = get_func_proto,
	.is_valid_access = bpf_tracing_btf_ctx_access,
};

int krsi_register_struct_ops(struct bpf_struct_ops *ops)
{
	return register_bpf_struct_ops(ops, krsi_ops);
}
