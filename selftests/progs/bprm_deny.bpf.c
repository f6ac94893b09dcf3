// SPDX-License-Identifier: GPL-2.0
/* Denies one process every exec in which LD_PRELOAD is not known to be unset. */
#include "krsi.bpf.h"

__u32 bprm_deny_tgid;

SEC("lsm/bprm_check_security")
int BPF_PROG(deny_preload, struct linux_binprm *bprm)
{
	char name[] = "LD_PRELOAD", value[64];

	if (bpf_get_current_pid_tgid() >> 32 != bprm_deny_tgid ||
	    krsi_bprm_get_env_var(bprm, name, sizeof(name), value, sizeof(value)) == -ENOENT)
		return 0;
	/* Keeps the compiler from arithmetic whose range the verifier can't see. */
	asm volatile("");
	return -EPERM;
}
