/* SPDX-License-Identifier: GPL-2.0 */
/* What hook_cost.bpf.c counts and hook-cost prints. */
#ifndef _HOOK_COST_H
#define _HOOK_COST_H

#include <linux/types.h>

/* The functions that are measured. */
enum measured {
	BPRM_CHECK,
	PATH_UNLINK,
	INODE_UNLINK,
	FILE_OPEN,
	MMAP_FILE,
	FILE_MPROTECT,
	SB_OPEN_BDEV,
	SB_KERN_MOUNT,
	MODULE_READ,
	MODULE_REQUEST,
	MEASURED
};

struct cost {
	__u64 entered;
	__u64 least;
	__u64 sum;
	__u64 count;
	__u32 tgid;
	__u32 reserved;
};

#endif /* _HOOK_COST_H */
