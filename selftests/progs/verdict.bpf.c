// SPDX-License-Identifier: GPL-2.0
/*
 * Answers what the test wants it to, also what no policy should. The maps:
 * verdict_no_sleep and verdict_sleep judge; verdict_full reads the environment
 * besides, and has all ops.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "verdict.h"

struct verdict verdict;

static __always_inline int judge(struct krsi_exec *exec)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	__sync_fetch_and_add(&verdict.calls, 1);
	if ((verdict.tgid && verdict.tgid != tgid) || exec->depth < verdict.depth)
		return 0;
	__sync_fetch_and_add(&verdict.seen, 1);
	return verdict.answer;
}

SEC("struct_ops/process_exec")
int BPF_PROG(judge_no_sleep, struct krsi_exec *exec)
{
	return judge(exec);
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(judge_sleep, struct krsi_exec *exec)
{
	return judge(exec);
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(judge_and_read, struct krsi_exec *exec)
{
	char value[16];

	verdict.value = krsi_env(exec, "VERDICT_TEST", value, sizeof(value));
	return judge(exec);
}

SEC("struct_ops/process_executed")
void BPF_PROG(count_executed, struct krsi_executed *executed)
{
	__sync_fetch_and_add(&verdict.executed, 1);
}

SEC(".struct_ops.link")
struct krsi_ops verdict_no_sleep = {
	.name = "verdict",
	.abi = KRSI_ABI,
	.process_exec = (void *)judge_no_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops verdict_sleep = {
	.name = "verdict",
	.abi = KRSI_ABI,
	.process_exec = (void *)judge_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops verdict_full = {
	.name = "verdict",
	.abi = KRSI_ABI,
	.process_exec = (void *)judge_and_read,
	.process_executed = (void *)count_executed,
};
