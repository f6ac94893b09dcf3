// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that may not call the readers on a bprm, each in its own way, or no
 * reader of policies. env_bprm_refused_test.c loads one after the other.
 */
#include "krsi.bpf.h"

/* Each kfunc with a bprm that is given. */
#define CALL_get_env_var(bprm) krsi_bprm_get_env_var(bprm, name, sizeof(name), buf, sizeof(buf))
#define CALL_find_env_var(bprm) krsi_bprm_find_env_var(bprm, name, sizeof(name), 0)
#define CALL_count_env_var(bprm) krsi_bprm_count_env_var(bprm, name, sizeof(name))
#define CALL_get_env_vars(bprm) krsi_bprm_get_env_vars(bprm, 0, buf, sizeof(buf))
#define CALL_get_arg(bprm) krsi_bprm_get_arg(bprm, 0, buf, sizeof(buf))
#define CALL_get_args(bprm) krsi_bprm_get_args(bprm, 0, buf, sizeof(buf))

/* One stands for all where it is the program that may not call them. */
#define CALL(bprm) ({ \
	char name[] = "LD_PRELOAD"; \
	\
	CALL_count_env_var((struct linux_binprm *)(bprm)); \
})

/* bprm has lost its memory at these hooks. */
SEC("lsm/bprm_committing_creds")
int BPF_PROG(bprm_committing, struct linux_binprm *bprm)
{
	CALL(bprm);
	return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(bprm_committed, struct linux_binprm *bprm)
{
	CALL(bprm);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(bprm_other_hook, void *file)
{
	return CALL(file) & 0;
}

SEC("fentry/security_bprm_check")
int BPF_PROG(bprm_tracing, struct linux_binprm *bprm)
{
	CALL(bprm);
	return 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(bprm_policy, struct krsi_exec *exec)
{
	return CALL(exec) & 0;
}

SEC(".struct_ops.link")
struct krsi_ops map_bprm_policy = {
	.name = "refused",
	.abi = KRSI_ABI,
	.process_exec = (void *)bprm_policy,
};

/* At a hook that they are for, with what is no bprm. */
#define PROGRAM(way, kfunc, forged)					\
SEC("lsm/bprm_check_security")						\
int BPF_PROG(forged_##way##_##kfunc, struct linux_binprm *bprm)		\
{									\
	char on_stack[64] = {}, name[] = "LD_PRELOAD", buf[16] = {};	\
									\
	asm volatile("" : : "r"(on_stack), "r"(name), "r"(buf) : "memory"); \
	return CALL_##kfunc((struct linux_binprm *)(forged)) & 0;	\
}

char in_map[64];

#define FORGE(kfunc)							\
PROGRAM(stack, kfunc, on_stack);					\
PROGRAM(value, kfunc, in_map);						\
PROGRAM(number, kfunc, bpf_ktime_get_ns());				\
PROGRAM(null, kfunc, NULL);						\
PROGRAM(inside, kfunc, (void *)bprm + 8)

FORGE(get_env_var);
FORGE(find_env_var);
FORGE(count_env_var);
FORGE(get_env_vars);
FORGE(get_arg);
FORGE(get_args);

/* And the other way round. */
SEC("lsm/bprm_check_security")
int BPF_PROG(exec_lsm, struct linux_binprm *bprm)
{
	char name[] = "LD_PRELOAD";

	return krsi_count_env_var((struct krsi_exec *)bprm, name, sizeof(name)) & 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(event_lsm, struct linux_binprm *bprm)
{
	char buf[16] = {};

	return krsi_get_task_id((struct krsi_event *)bprm, buf, sizeof(buf)) & 0;
}

SEC("fentry/security_bprm_check")
int BPF_PROG(event_tracing, struct linux_binprm *bprm)
{
	char buf[16] = {};

	krsi_get_file_path((struct krsi_event *)bprm, buf, sizeof(buf));
	return 0;
}
