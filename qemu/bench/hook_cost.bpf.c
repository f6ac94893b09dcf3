// SPDX-License-Identifier: GPL-2.0
/*
 * Measures functions of the LSM framework for one process: the time from entry
 * to exit. Where the guest's clock counts instructions (qemu/bench.sh) that is
 * how many it takes, with a constant part that is the probes' own.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "cost.h"

char _license[] SEC("license") = "GPL";

struct costs costs;

static __always_inline bool is_wanted(__u32 measured)
{
	return costs.functions & 1U << measured && bpf_get_current_pid_tgid() >> 32 == costs.tgid;
}

#define MEASURE(function, measured)					\
SEC("fentry/" #function)						\
int BPF_PROG(enter_##function)						\
{									\
	if (is_wanted(measured))					\
		costs.of[measured].entered = bpf_ktime_get_ns();	\
	return 0;							\
}									\
									\
SEC("fexit/" #function)							\
int BPF_PROG(leave_##function)						\
{									\
	__u64 now = bpf_ktime_get_ns();					\
									\
	if (is_wanted(measured)) {					\
		costs.of[measured].sum += now - costs.of[measured].entered; \
		costs.of[measured].count++;				\
	}								\
	return 0;							\
}

MEASURE(security_task_alloc, TASK_ALLOC)
MEASURE(security_prepare_creds, PREPARE_CREDS)
MEASURE(security_inode_alloc, INODE_ALLOC)
MEASURE(security_bprm_creds_for_exec, CREDS_FOR_EXEC)
MEASURE(security_bprm_creds_from_file, CREDS_FROM_FILE)
MEASURE(security_bprm_check, BPRM_CHECK)
MEASURE(security_bprm_committing_creds, COMMITTING_CREDS)
MEASURE(security_bprm_committed_creds, COMMITTED_CREDS)
MEASURE(security_path_unlink, PATH_UNLINK)
MEASURE(security_inode_unlink, INODE_UNLINK)
MEASURE(security_file_open, FILE_OPEN)
MEASURE(security_mmap_file, MMAP_FILE)
MEASURE(security_file_mprotect, FILE_MPROTECT)
MEASURE(security_sb_open_bdev, SB_OPEN_BDEV)
MEASURE(security_sb_kern_mount, SB_KERN_MOUNT)
MEASURE(security_kernel_post_read_file, MODULE_READ)
MEASURE(security_kernel_module_request, MODULE_REQUEST)
