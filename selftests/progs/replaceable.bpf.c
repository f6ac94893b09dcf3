// SPDX-License-Identifier: GPL-2.0
/*
 * A policy and a socket filter that call one global subprogram, which
 * progs/extension.bpf.c could replace if it were let.
 */
#include "krsi.bpf.h"

__noinline int replaceable(int value)
{
	barrier_var(value);
	return value;
}

SEC("struct_ops/process_exec")
int BPF_PROG(policy_program, struct krsi_exec *exec)
{
	return replaceable(exec->argc) ? 0 : 0;
}

SEC("socket")
int socket_program(void *skb)
{
	return replaceable(1);
}

SEC(".struct_ops.link")
struct krsi_ops replaceable_policy = {
	.name = "replaceable",
	.abi = KRSI_ABI,
	.process_exec = (void *)policy_program,
};
