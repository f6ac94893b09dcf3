/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/blocker.bpf.c and the tests share. */
#ifndef BLOCKER_H
#define BLOCKER_H

#include <linux/types.h>

struct blocker {
	__u32 tgid; /* whose exec, or whose module, is held up */
	__u32 blocked; /* 1 while it is */
	__u32 release; /* lets it go on */
	__u32 calls;
	__u64 limit_ns; /* after which it goes on in any case */
};

#endif /* BLOCKER_H */
