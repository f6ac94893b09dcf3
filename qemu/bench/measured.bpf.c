// SPDX-License-Identifier: GPL-2.0
/* What is measured: KRSI policies, and BPF LSM programs that do the same. */
#include "krsi.bpf.h"

SEC("struct_ops/process_exec")
int BPF_PROG(empty_exec, struct krsi_exec *exec)
{
	return 0;
}

KRSI_POLICY(krsi_empty, .process_exec = (void *)empty_exec);

SEC("struct_ops/process_exec")
int BPF_PROG(env_exec, struct krsi_exec *exec)
{
	char value[64];

	return krsi_env(exec, "LD_PRELOAD", value, sizeof(value)) == -ENOENT ? 0 : -EPERM;
}

KRSI_POLICY(krsi_env_read, .process_exec = (void *)env_exec);

static long read_arg(__u32 n, struct krsi_exec **exec)
{
	char arg[16];

	return krsi_get_arg(*exec, n, arg, sizeof(arg)) < 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(args_exec, struct krsi_exec *exec)
{
	bpf_loop(exec->argc, read_arg, &exec, 0);
	return 0;
}

KRSI_POLICY(krsi_args_read, .process_exec = (void *)args_exec);

SEC("struct_ops/process_exec")
int BPF_PROG(denied_exec, struct krsi_exec *exec)
{
	return -EPERM;
}

KRSI_POLICY(krsi_denies, .process_exec = (void *)denied_exec,
	    .flags = KRSI_AUDIT | KRSI_NO_RECORD);
KRSI_POLICY(krsi_records, .process_exec = (void *)denied_exec, .flags = KRSI_AUDIT);

SEC("struct_ops/file_unlink")
int BPF_PROG(empty_unlink, struct krsi_unlink *removal)
{
	return 0;
}

KRSI_POLICY(krsi_unlink, .file_unlink = (void *)empty_unlink);

SEC("struct_ops/executable_unlink")
int BPF_PROG(empty_exec_unlink, struct krsi_exec_unlink *removal)
{
	return 0;
}

KRSI_POLICY(krsi_exe_unlink, .executable_unlink = (void *)empty_exec_unlink);

SEC("lsm/inode_unlink")
int BPF_PROG(lsm_unlink_empty)
{
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(lsm_empty)
{
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(lsm_env_read, struct linux_binprm *bprm)
{
	char name[] = "LD_PRELOAD", value[64];

	if (krsi_bprm_get_env_var(bprm, name, sizeof(name), value, sizeof(value)) == -ENOENT)
		return 0;
	/* Keeps the compiler from arithmetic whose range the verifier can't see. */
	asm volatile("");
	return -EPERM;
}
