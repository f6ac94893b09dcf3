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

static __always_inline void hold(__u32 tgid)
{
	__u64 end = bpf_ktime_get_ns() + blocker.limit_ns;

	__sync_fetch_and_add(&blocker.calls, 1);
	if (tgid != blocker.tgid)
		return;
	blocker.blocked = 1;
	bpf_loop(ROUNDS, outer, &end, 0);
	blocker.blocked = 0;
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(block, struct krsi_exec *exec)
{
	hold(bpf_get_current_pid_tgid() >> 32);
	return 0;
}

SEC("struct_ops.s/module_live")
void BPF_PROG(block_live, struct krsi_module *module)
{
	hold(module->loader.pid);
}

SEC(".struct_ops.link")
struct krsi_ops blocking = {
	.name = "blocking",
	.abi = KRSI_ABI,
	.process_exec = (void *)block,
};

SEC(".struct_ops.link")
struct krsi_ops blocking_live = {
	.name = "blocking",
	.abi = KRSI_ABI,
	.module_live = (void *)block_live,
};
