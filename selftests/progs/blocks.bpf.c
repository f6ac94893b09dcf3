// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the whole block of arguments and the whole environment, in pieces, as
 * a policy that may sleep and as one that may not.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "blocks.h"

struct blocks blocks;

static long read_args(__u64 i, struct krsi_exec **exec)
{
	__u64 off = i * BLOCKS_PIECE;
	int rest;

	if (off > BLOCKS_MAX)
		return 1;
	rest = krsi_get_args(*exec, off, blocks.args + off, BLOCKS_PIECE);
	if (!i || rest < 0)
		blocks.args_len = rest;
	return rest <= BLOCKS_PIECE;
}

static long read_env(__u64 i, struct krsi_exec **exec)
{
	__u64 off = i * BLOCKS_PIECE;
	int rest;

	if (off > BLOCKS_MAX)
		return 1;
	rest = krsi_get_env_vars(*exec, off, blocks.env + off, BLOCKS_PIECE);
	if (!i || rest < 0)
		blocks.env_len = rest;
	return rest <= BLOCKS_PIECE;
}

static __always_inline int read_both(struct krsi_exec *exec)
{
	if (bpf_get_current_pid_tgid() >> 32 != blocks.tgid || exec->depth)
		return 0;
	blocks.ran++;
	blocks.argc = exec->argc;
	blocks.envc = exec->envc;
	blocks.strings_len = exec->strings_len;
	bpf_loop(BLOCKS_MAX / BLOCKS_PIECE + 1, read_args, &exec, 0);
	bpf_loop(BLOCKS_MAX / BLOCKS_PIECE + 1, read_env, &exec, 0);
	return 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(read_no_sleep, struct krsi_exec *exec)
{
	return read_both(exec);
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(read_sleep, struct krsi_exec *exec)
{
	return read_both(exec);
}

SEC(".struct_ops.link")
struct krsi_ops blocks_no_sleep = {
	.name = "blocks_no_sleep",
	.abi = KRSI_ABI,
	.process_exec = (void *)read_no_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops blocks_sleep = {
	.name = "blocks_sleep",
	.abi = KRSI_ABI,
	.process_exec = (void *)read_sleep,
};
