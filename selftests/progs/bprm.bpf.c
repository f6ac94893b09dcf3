// SPDX-License-Identifier: GPL-2.0
/*
 * The readers for programs of the BPF LSM: one program for each hook that they
 * are for. Each fills its own answers while one process executes.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "bprm.h"

struct bprm_test bprm_test;

static __always_inline void answer(struct linux_binprm *bprm, struct bprm_answers *a)
{
	char name[] = BPRM_NAME, none[] = "NONE", bad[] = "A=B";

	if (bpf_get_current_pid_tgid() >> 32 != bprm_test.tgid)
		return;
	a->ran++;
	a->value_ret = krsi_bprm_get_env_var(bprm, name, sizeof(name), a->value,
					     sizeof(a->value));
	a->none_ret = krsi_bprm_get_env_var(bprm, none, sizeof(none), a->arg, sizeof(a->arg));
	a->bad_ret = krsi_bprm_get_env_var(bprm, bad, sizeof(bad), a->arg, sizeof(a->arg));
	a->find_ret = krsi_bprm_find_env_var(bprm, name, sizeof(name), 1);
	a->count_ret = krsi_bprm_count_env_var(bprm, name, sizeof(name));
	a->env_ret = krsi_bprm_get_env_vars(bprm, 0, a->env, sizeof(a->env));
	a->arg_ret = krsi_bprm_get_arg(bprm, 1, a->arg, sizeof(a->arg));
	a->args_ret = krsi_bprm_get_args(bprm, 0, a->args, sizeof(a->args));
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(for_exec, struct linux_binprm *bprm)
{
	answer(bprm, &bprm_test.hook[BPRM_CREDS_FOR_EXEC]);
	return 0;
}

SEC("lsm.s/bprm_check_security")
int BPF_PROG(check, struct linux_binprm *bprm)
{
	answer(bprm, &bprm_test.hook[BPRM_CHECK_SECURITY]);
	return 0;
}

SEC("lsm/bprm_creds_from_file")
int BPF_PROG(from_file, struct linux_binprm *bprm, const void *file)
{
	answer(bprm, &bprm_test.hook[BPRM_CREDS_FROM_FILE]);
	return 0;
}
