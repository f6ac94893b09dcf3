// SPDX-License-Identifier: GPL-2.0
/* A policy that denies every exec: in enforce mode nobody can do anything any more. */
#include "krsi.bpf.h"

SEC("struct_ops/process_exec")
int BPF_PROG(locked_out_exec, struct krsi_exec *exec)
{
	return -EPERM;
}

KRSI_POLICY(locked_out, .process_exec = (void *)locked_out_exec);
