// SPDX-License-Identifier: GPL-2.0
/*
 * Each way to kernel memory or to the kernel's objects, and out of the program:
 * none may be loaded. The map's name begins with what it is that is called:
 * helper, kfunc or, where the verifier finds another reason, that.
 */
#include "krsi.bpf.h"

/* Not declared by anybody else; what is in them does not matter here. */
struct task_struct {
};

struct cgroup {
};

struct file {
};

struct cpumask {
};

struct bpf_iter_task {
	__u64 opaque[3];
};

struct cgroup_subsys_state {
};

struct bpf_iter_css_task {
	__u64 opaque;
};

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
extern void *bpf_cast_to_kern_ctx(void *obj) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
extern struct task_struct *bpf_task_from_vpid(__s32 pid) __ksym __weak;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym __weak;
extern struct file *bpf_get_task_exe_file(struct task_struct *task) __ksym __weak;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym __weak;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *css,
				 unsigned int flags) __ksym __weak;
extern int bpf_probe_read_kernel_dynptr(struct bpf_dynptr *dptr, __u64 off, __u64 size,
					const void *unsafe_ptr) __ksym __weak;
extern int bpf_probe_read_kernel_str_dynptr(struct bpf_dynptr *dptr, __u64 off, __u64 size,
					    const void *unsafe_ptr) __ksym __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tail SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 127 * 8);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

/* What the calls below work with; as an address, any number will do. */
#define PROGRAM(prog, ...)						\
SEC("struct_ops/process_exec")					\
int BPF_PROG(prog, struct krsi_exec *exec)				\
{									\
	void *address = (void *)exec->strings_len;			\
	char buf[128] = {};						\
									\
	asm volatile("" : : "r"(buf), "r"(address) : "memory");		\
	__VA_ARGS__;							\
	return 0;							\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##prog = {						\
	.name = "memory",						\
	.abi = KRSI_ABI,						\
	.process_exec = (void *)prog,					\
}

PROGRAM(helper_probe_read, bpf_probe_read(buf, 8, address));
PROGRAM(helper_probe_read_str, bpf_probe_read_str(buf, 8, address));
PROGRAM(helper_probe_read_kernel, bpf_probe_read_kernel(buf, 8, address));
PROGRAM(helper_probe_read_kernel_str, bpf_probe_read_kernel_str(buf, 8, address));
PROGRAM(helper_get_current_task, return bpf_get_current_task());
PROGRAM(helper_get_current_task_btf, return bpf_get_current_task_btf() != NULL);
PROGRAM(helper_task_pt_regs, return bpf_task_pt_regs(address) != 0);
PROGRAM(helper_get_task_stack, bpf_get_task_stack(address, buf, sizeof(buf), 0));
PROGRAM(helper_get_stack, bpf_get_stack(ctx, buf, sizeof(buf), 0));
PROGRAM(helper_get_stackid, bpf_get_stackid(ctx, &stacks, 0));
PROGRAM(helper_task_storage_get, return bpf_task_storage_get(&storage, address, 0, 0) != NULL);
PROGRAM(helper_snprintf_btf, bpf_snprintf_btf(buf, sizeof(buf), address, 16, 0));
PROGRAM(helper_copy_from_user_task, bpf_copy_from_user_task(buf, 8, address, address, 0));
PROGRAM(helper_find_vma, bpf_find_vma(address, 0, address, buf, 0));
PROGRAM(helper_send_signal, bpf_send_signal(9));
PROGRAM(helper_d_path, bpf_d_path(address, buf, sizeof(buf)));
PROGRAM(helper_probe_write_user, bpf_probe_write_user(address, buf, 8));
PROGRAM(helper_override_return, bpf_override_return(address, 0));
PROGRAM(helper_sys_bpf, bpf_sys_bpf(0, buf, sizeof(buf)));
PROGRAM(helper_kallsyms_lookup_name,
	bpf_kallsyms_lookup_name("jiffies", 8, 0, (__u64 *)buf));
PROGRAM(helper_this_cpu_ptr, return bpf_this_cpu_ptr(address) != NULL);
PROGRAM(helper_per_cpu_ptr, return bpf_per_cpu_ptr(address, 0) != NULL);
PROGRAM(helper_get_func_arg, bpf_get_func_arg(ctx, 0, (__u64 *)buf));
PROGRAM(helper_tail_call, bpf_tail_call(ctx, &tail, 0));
/* With %s and the like these follow any address. */
PROGRAM(helper_snprintf, {
	static const char format[] = "%s";
	__u64 args[1] = { (__u64)address };

	bpf_snprintf(buf, sizeof(buf), format, args, sizeof(args));
});

PROGRAM(kfunc_rdonly_cast, return bpf_rdonly_cast(address, 1) != NULL);
PROGRAM(kfunc_cast_to_kern_ctx, return bpf_cast_to_kern_ctx(ctx) != NULL);
PROGRAM(kfunc_task_from_pid, return bpf_task_from_pid(1) != NULL);
PROGRAM(kfunc_task_from_vpid, return bpf_task_from_vpid(1) != NULL);
PROGRAM(kfunc_cgroup_from_id, return bpf_cgroup_from_id(1) != NULL);
PROGRAM(kfunc_get_task_exe_file, return bpf_get_task_exe_file(address) != NULL);
PROGRAM(kfunc_iter_task_new, bpf_iter_task_new((void *)buf, NULL, 0));
PROGRAM(kfunc_iter_css_task_new, bpf_iter_css_task_new((void *)buf, NULL, 0));
PROGRAM(kfunc_probe_read_kernel_dynptr, {
	struct bpf_dynptr dynptr;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &dynptr);
	bpf_probe_read_kernel_dynptr(&dynptr, 0, 8, address);
	bpf_ringbuf_discard_dynptr(&dynptr, 0);
});
PROGRAM(kfunc_probe_read_kernel_str_dynptr, {
	struct bpf_dynptr dynptr;

	bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &dynptr);
	bpf_probe_read_kernel_str_dynptr(&dynptr, 0, 8, address);
	bpf_ringbuf_discard_dynptr(&dynptr, 0);
});

/* A number is no pointer that could be followed. */
PROGRAM(follow_number, return *(volatile __u8 *)address);
