/* SPDX-License-Identifier: GPL-2.0 */
/* What hook_cost.bpf.c counts and hook-cost reads. */
#ifndef _HOOK_COST_H
#define _HOOK_COST_H

#include <linux/types.h>

/* The functions that are measured. */
enum measured {
	TASK_ALLOC,
	PREPARE_CREDS,
	INODE_ALLOC,
	CREDS_FOR_EXEC,
	CREDS_FROM_FILE,
	BPRM_CHECK,
	COMMITTING_CREDS,
	COMMITTED_CREDS,
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

struct costs {
	__u32 tgid; /* whose calls are measured; 0: nobody's */
	__u32 functions; /* which, a bit for each of enum measured */
	struct {
		__u64 entered;
		__u64 sum;
		__u64 count;
	} of[MEASURED];
};

#endif /* _HOOK_COST_H */
