// SPDX-License-Identifier: GPL-2.0
/*
 * Measures security_bprm_check() for one process: the time from its entry to its
 * exit. Where the guest's clock counts instructions (qemu/bench.sh) that is how
 * many it takes, with a constant part that is the probes' own.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cost.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cost);
} costs SEC(".maps");

static __always_inline struct cost *mine(void)
{
	__u32 zero = 0;
	struct cost *cost = bpf_map_lookup_elem(&costs, &zero);

	return cost && bpf_get_current_pid_tgid() >> 32 == cost->tgid ? cost : NULL;
}

SEC("fentry/security_bprm_check")
int BPF_PROG(enter)
{
	struct cost *cost = mine();

	if (cost)
		cost->entered = bpf_ktime_get_ns();
	return 0;
}

SEC("fexit/security_bprm_check")
int BPF_PROG(leave)
{
	__u64 now = bpf_ktime_get_ns();
	struct cost *cost = mine();

	if (!cost)
		return 0;
	now -= cost->entered;
	if (!cost->count || now < cost->least)
		cost->least = now;
	cost->sum += now;
	cost->count++;
	return 0;
}
