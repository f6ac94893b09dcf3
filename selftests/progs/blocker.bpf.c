// SPDX-License-Identifier: GPL-2.0
/*
 * A sleepable policy that does not come back before it is let: it turns round
 * in nested loops, which is as long as any program can take.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "blocker.h"

#define ROUNDS (1 << 20)

struct blocker blocker;

static long inner(__u64 i, void *unused)
{
	return *(volatile __u32 *)&blocker.release != 0;
}

static long outer(__u64 i, __u64 *end)
{
	bpf_loop(ROUNDS, inner, NULL, 0);
	return blocker.release || bpf_ktime_get_ns() > *end;
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(block, struct krsi_exec *exec)
{
	__u64 end = bpf_ktime_get_ns() + blocker.limit_ns;

	__sync_fetch_and_add(&blocker.calls, 1);
	if (bpf_get_current_pid_tgid() >> 32 != blocker.tgid)
		return 0;
	blocker.blocked = 1;
	bpf_loop(ROUNDS, outer, &end, 0);
	blocker.blocked = 0;
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops blocking = {
	.name = "blocking",
	.abi = KRSI_ABI,
	.process_exec = (void *)block,
};
