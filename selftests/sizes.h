/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/sizes.bpf.c and the test share: structs that are asked for in many sizes. */
#ifndef SIZES_H
#define SIZES_H

#include <linux/types.h>

#define SIZES_ASKED 8
#define SIZES_ROOM 256

struct sized {
	__u32 size;
	__s32 ret;
	/* The rest after size must stay as it was. */
	__u8 out[SIZES_ROOM];
};

struct sizes {
	__u32 tgid; /* whose exec */
	__u32 ran;
	struct sized file[SIZES_ASKED];
	struct sized task[SIZES_ASKED];
};

#endif /* SIZES_H */
