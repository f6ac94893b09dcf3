// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that may not call the readers on a bprm, each in its own way, or no
 * reader of policies. env_bprm_test.c loads one after the other.
 */
#include "krsi.bpf.h"

#define CALL(bprm) ({ \
	char name[] = "LD_PRELOAD"; \
	\
	krsi_bprm_count_env_var((struct linux_binprm *)(bprm), name, sizeof(name)); \
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
#define FORGED(way, forged)						\
SEC("lsm/bprm_check_security")						\
int BPF_PROG(forged_##way, struct linux_binprm *bprm)			\
{									\
	char on_stack[64] = {};						\
									\
	asm volatile("" : : "r"(on_stack) : "memory");			\
	return CALL(forged) & 0;					\
}

char in_map[64];

FORGED(stack, on_stack);
FORGED(value, in_map);
FORGED(number, bpf_ktime_get_ns());
FORGED(null, NULL);

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
