// SPDX-License-Identifier: GPL-2.0
/*
 * Measures functions of the LSM framework for one process: the time from entry
 * to exit. Where the guest's clock counts instructions (qemu/bench.sh) that is
 * how many it takes, with a constant part that is the probes' own.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cost.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MEASURED);
	__type(key, __u32);
	__type(value, struct cost);
} costs SEC(".maps");

static __always_inline struct cost *mine(__u32 measured)
{
	struct cost *cost = bpf_map_lookup_elem(&costs, &measured);

	return cost && bpf_get_current_pid_tgid() >> 32 == cost->tgid ? cost : NULL;
}

static __always_inline void note(struct cost *cost, __u64 now)
{
	now -= cost->entered;
	if (!cost->count || now < cost->least)
		cost->least = now;
	cost->sum += now;
	cost->count++;
}

#define MEASURE(function, measured)			\
SEC("fentry/" #function)				\
int BPF_PROG(enter_##function)				\
{							\
	struct cost *cost = mine(measured);		\
							\
	if (cost)					\
		cost->entered = bpf_ktime_get_ns();	\
	return 0;					\
}							\
							\
SEC("fexit/" #function)					\
int BPF_PROG(leave_##function)				\
{							\
	__u64 now = bpf_ktime_get_ns();			\
	struct cost *cost = mine(measured);		\
							\
	if (cost)					\
		note(cost, now);			\
	return 0;					\
}

MEASURE(security_bprm_check, BPRM_CHECK)
MEASURE(security_path_unlink, PATH_UNLINK)
MEASURE(security_inode_unlink, INODE_UNLINK)
MEASURE(security_file_open, FILE_OPEN)
MEASURE(security_mmap_file, MMAP_FILE)
MEASURE(security_file_mprotect, FILE_MPROTECT)
MEASURE(security_sb_open_bdev, SB_OPEN_BDEV)
MEASURE(security_sb_kern_mount, SB_KERN_MOUNT)
MEASURE(security_kernel_post_read_file, MODULE_READ)
MEASURE(security_kernel_module_request, MODULE_REQUEST)
