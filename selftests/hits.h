/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/hits.bpf.c and the tests share: how often functions of the kernel were called. */
#ifndef HITS_H
#define HITS_H

#include <linux/types.h>

#define HITS_MAX 64

struct hits {
	__u32 tgid; /* by whom */
	__u32 reserved;
	__u64 anyone; /* mask of cookies that are counted whoever calls */
	__u32 n[HITS_MAX]; /* by the cookie that the probe was attached with */
};

#endif /* HITS_H */
