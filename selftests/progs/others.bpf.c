// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of other kinds, which KRSI has no say in: they call what its filter refuses
 * to policies.
 */
#include "krsi.bpf.h"

/* Not declared by anybody else; what is in it does not matter here. */
struct task_struct {
};

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

/* Takes a task of the kernel and reads from it; whether there is one. */
static __always_inline int look(void)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	(void)*(volatile char *)bpf_rdonly_cast(task, 0);
	bpf_task_release(task);
	return 1;
}

SEC("syscall")
int of_syscall(void *ctx)
{
	return look();
}

SEC("fentry/security_bprm_check")
int BPF_PROG(of_tracing, struct linux_binprm *bprm)
{
	look();
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(of_lsm, struct linux_binprm *bprm)
{
	look();
	return 0;
}

/* Of these two kfuncs only the first is for socket filters. */
SEC("socket")
int of_socket(void *ctx)
{
	(void)*(volatile char *)bpf_rdonly_cast(ctx, 0);
	return 0;
}
