/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/denies.bpf.c and the tests share: whom to deny what, and why. */
#ifndef DENIES_H
#define DENIES_H

#include <linux/types.h>

struct denies {
	__u64 ino; /* whose removal */
	__u32 tgid; /* whose exec */
	__s32 answer; /* what the program returns */
	__s32 kept; /* what krsi_set_reason() said */
	char reason[100]; /* "": it isn't called */
	char path[256];
};

#endif /* DENIES_H */
