// SPDX-License-Identifier: GPL-2.0
/*
 * The BTF surface of KRSI. pahole leaves Rust out of BTF, so what the verifier
 * must know by type stands here, in C: the kfuncs' prototypes, the sets they
 * are registered in, and the stubs of struct krsi_ops. Each kfunc forwards to
 * Rust; nothing is decided here.
 */

#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>

#include "../rust-lsm/kernel/bindings.h"

__bpf_kfunc_start_defs();

/**
 * krsi_get_env_var() - value of the first definition of a variable
 * @exec: context of process_exec
 * @name: its name, with the NUL; at most KRSI_ENV_NAME_SIZE bytes
 * @name__sz: size of @name
 * @buf: for the value, which is ended by a NUL and cut to fit
 * @buf__sz: size of @buf
 *
 * Context: Any; never faults or sleeps.
 * Return: the length of the whole value, so a result >= @buf__sz means cut;
 * -ENOENT if it is not set, -EINVAL for a name that is empty, has a '=' or no
 * NUL. -EFAULT or -ENOMEM if the strings could not be made available, -ENODATA
 * if they are malformed or were not prepared.
 */
__bpf_kfunc int krsi_get_env_var(struct krsi_exec *exec, const char *name, u32 name__sz,
				 char *buf, u32 buf__sz)
{
	return krsi_rs_get_env_var(exec, name, name__sz, buf, buf__sz);
}

/**
 * krsi_find_env_var() - where the n-th definition of a variable begins
 * @exec: context of process_exec
 * @name: its name, with the NUL
 * @name__sz: size of @name
 * @n: which definition, from 0
 *
 * Context: Any; never faults or sleeps.
 * Return: the offset of its value in the block of krsi_get_env_vars(); -ENOENT
 * if there are fewer, -EINVAL for a wrong name. -EFAULT or -ENOMEM if the
 * strings could not be made available, -ENODATA if they are malformed or were
 * not prepared.
 */
__bpf_kfunc int krsi_find_env_var(struct krsi_exec *exec, const char *name, u32 name__sz, u32 n)
{
	return krsi_rs_find_env_var(exec, name, name__sz, n);
}

/**
 * krsi_count_env_var() - how often a variable is defined
 * @exec: context of process_exec
 * @name: its name, with the NUL
 * @name__sz: size of @name
 *
 * Context: Any; never faults or sleeps.
 * Return: the number, which may be 0; -EINVAL for a wrong name. -EFAULT or
 * -ENOMEM if the strings could not be made available, -ENODATA if they are
 * malformed or were not prepared.
 */
__bpf_kfunc int krsi_count_env_var(struct krsi_exec *exec, const char *name, u32 name__sz)
{
	return krsi_rs_count_env_var(exec, name, name__sz);
}

/**
 * krsi_get_env_vars() - the environment from an offset on
 * @exec: context of process_exec
 * @off: offset in the block of NUL-terminated strings
 * @buf: for the bytes, as they are
 * @buf__sz: size of @buf
 *
 * Context: Any; never faults or sleeps.
 * Return: the bytes from @off to the end, of which as many as fit are copied;
 * -EINVAL beyond the end. -EFAULT or -ENOMEM if the strings could not be made
 * available, -ENODATA if they are malformed or were not prepared.
 */
__bpf_kfunc int krsi_get_env_vars(struct krsi_exec *exec, u32 off, char *buf, u32 buf__sz)
{
	return krsi_rs_get_env_vars(exec, off, buf, buf__sz);
}

/**
 * krsi_get_arg() - argument n of this round
 * @exec: context of process_exec
 * @n: which, from 0
 * @buf: for the string, which is ended by a NUL and cut to fit
 * @buf__sz: size of @buf
 *
 * Context: Any; never faults or sleeps.
 * Return: the length of the whole string; -ENOENT if there are fewer. -EFAULT
 * or -ENOMEM if the strings could not be made available, -ENODATA if they are
 * malformed or were not prepared.
 */
__bpf_kfunc int krsi_get_arg(struct krsi_exec *exec, u32 n, char *buf, u32 buf__sz)
{
	return krsi_rs_get_arg(exec, n, buf, buf__sz);
}

/**
 * krsi_get_args() - the arguments from an offset on
 * @exec: context of process_exec
 * @off: offset in the block of NUL-terminated strings
 * @buf: for the bytes, as they are
 * @buf__sz: size of @buf
 *
 * Context: Any; never faults or sleeps.
 * Return: the bytes from @off to the end, of which as many as fit are copied;
 * -EINVAL beyond the end. -EFAULT or -ENOMEM if the strings could not be made
 * available, -ENODATA if they are malformed or were not prepared.
 */
__bpf_kfunc int krsi_get_args(struct krsi_exec *exec, u32 off, char *buf, u32 buf__sz)
{
	return krsi_rs_get_args(exec, off, buf, buf__sz);
}

/**
 * krsi_get_file_path() - path of the event's file
 * @event: header of any context but a module's
 * @buf: for the path as d_path() gives it, ended by a NUL
 * @buf__sz: size of @buf
 *
 * Context: Any; never sleeps.
 * Return: its length without the NUL; -ENAMETOOLONG if it does not fit (@buf
 * is then empty), -ENODATA for a removal whose mount is not known (nfsd, ksmbd,
 * kernel threads).
 */
__bpf_kfunc int krsi_get_file_path(struct krsi_event *event, char *buf, u32 buf__sz)
{
	return krsi_rs_get_file_path(event, buf, buf__sz);
}

/**
 * krsi_get_file_id() - which file the event is about
 * @event: header of any context but a module's
 * @out: for a struct krsi_file_id; the shorter size wins, the rest is zeroed
 * @out__sz: size of @out
 *
 * Context: Any; never sleeps.
 * Return: 0.
 */
__bpf_kfunc int krsi_get_file_id(struct krsi_event *event, void *out, u32 out__sz)
{
	return krsi_rs_get_file_id(event, out, out__sz);
}

/**
 * krsi_get_task_id() - who does it: the current task
 * @event: header of any context but a module's
 * @out: for a struct krsi_task_id; the shorter size wins, the rest is zeroed
 * @out__sz: size of @out
 *
 * Context: Any; never sleeps.
 * Return: 0.
 */
__bpf_kfunc int krsi_get_task_id(struct krsi_event *event, void *out, u32 out__sz)
{
	return krsi_rs_get_task_id(event, out, out__sz);
}

/*
 * The same, with the same contracts, for BPF LSM programs at the hooks where bprm
 * still has its memory, on the bprm that they are called with.
 */

__bpf_kfunc int krsi_bprm_get_env_var(struct linux_binprm *bprm, const char *name, u32 name__sz,
				      char *buf, u32 buf__sz)
{
	return krsi_rs_bprm_get_env_var(bprm, name, name__sz, buf, buf__sz);
}

__bpf_kfunc int krsi_bprm_find_env_var(struct linux_binprm *bprm, const char *name, u32 name__sz,
				       u32 n)
{
	return krsi_rs_bprm_find_env_var(bprm, name, name__sz, n);
}

__bpf_kfunc int krsi_bprm_count_env_var(struct linux_binprm *bprm, const char *name, u32 name__sz)
{
	return krsi_rs_bprm_count_env_var(bprm, name, name__sz);
}

__bpf_kfunc int krsi_bprm_get_env_vars(struct linux_binprm *bprm, u32 off, char *buf, u32 buf__sz)
{
	return krsi_rs_bprm_get_env_vars(bprm, off, buf, buf__sz);
}

__bpf_kfunc int krsi_bprm_get_arg(struct linux_binprm *bprm, u32 n, char *buf, u32 buf__sz)
{
	return krsi_rs_bprm_get_arg(bprm, n, buf, buf__sz);
}

__bpf_kfunc int krsi_bprm_get_args(struct linux_binprm *bprm, u32 off, char *buf, u32 buf__sz)
{
	return krsi_rs_bprm_get_args(bprm, off, buf, buf__sz);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(krsi_exec_ids)
BTF_ID_FLAGS(func, krsi_get_env_var)
BTF_ID_FLAGS(func, krsi_find_env_var)
BTF_ID_FLAGS(func, krsi_count_env_var)
BTF_ID_FLAGS(func, krsi_get_env_vars)
BTF_ID_FLAGS(func, krsi_get_arg)
BTF_ID_FLAGS(func, krsi_get_args)
BTF_KFUNCS_END(krsi_exec_ids)

BTF_KFUNCS_START(krsi_event_ids)
BTF_ID_FLAGS(func, krsi_get_file_path)
BTF_ID_FLAGS(func, krsi_get_file_id)
BTF_ID_FLAGS(func, krsi_get_task_id)
BTF_KFUNCS_END(krsi_event_ids)

BTF_KFUNCS_START(krsi_bprm_ids)
BTF_ID_FLAGS(func, krsi_bprm_get_env_var)
BTF_ID_FLAGS(func, krsi_bprm_find_env_var)
BTF_ID_FLAGS(func, krsi_bprm_count_env_var)
BTF_ID_FLAGS(func, krsi_bprm_get_env_vars)
BTF_ID_FLAGS(func, krsi_bprm_get_arg)
BTF_ID_FLAGS(func, krsi_bprm_get_args)
BTF_KFUNCS_END(krsi_bprm_ids)

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
	if (btf_id_set8_contains(&krsi_exec_ids, id))
		return KRSI_KFUNCS_EXEC;
	if (btf_id_set8_contains(&krsi_event_ids, id))
		return KRSI_KFUNCS_EVENT;
	if (btf_id_set8_contains(&krsi_bprm_ids, id))
		return KRSI_KFUNCS_BPRM;
	if (btf_id_set_contains(&krsi_common_ids, id))
		return KRSI_KFUNCS_COMMON;
	return KRSI_KFUNC_GROUPS;
}

bool krsi_is_bprm_hook(u32 id)
{
	return btf_id_set_contains(&krsi_bprm_hooks, id);
}

const struct btf_kfunc_id_set krsi_exec_kfuncs = {
	.owner = THIS_MODULE,
	.set = &krsi_exec_ids,
	.filter = krsi_rs_kfunc_filter,
};

/* Also registered for all program types: what makes the filter see the common kfuncs. */
const struct btf_kfunc_id_set krsi_event_kfuncs = {
	.owner = THIS_MODULE,
	.set = &krsi_event_ids,
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

struct krsi_ops krsi_cfi_stubs = {
	.process_exec = process_exec_stub,
	.process_executed = process_executed_stub,
	.file_unlink = file_unlink_stub,
	.executable_unlink = executable_unlink_stub,
	.module_live = module_stub,
	.module_gone = module_stub,
	.module_hidden = module_hidden_stub,
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
