/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/verdict.bpf.c and the tests share: what to answer to whom. */
#ifndef VERDICT_H
#define VERDICT_H

#include <linux/types.h>

struct verdict {
	__u32 tgid; /* whose exec; 0: everybody's */
	__s32 answer; /* what the program returns */
	__u32 depth; /* from which round on; before it, 0 */
	__u32 seen; /* how many of these rounds it saw */
	__u32 calls; /* how often it ran at all */
	__u32 executed; /* how often process_executed ran at all */
	__s32 value; /* what krsi_get_env_var() said about VERDICT_TEST */
};

#endif /* VERDICT_H */
