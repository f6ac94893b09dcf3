/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/blocks.bpf.c and the tests share: whole blocks, as they were read. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include <linux/types.h>

/* The most that an exec can have of either, and a piece more. */
#define BLOCKS_MAX (6 * 1024 * 1024)
#define BLOCKS_PIECE 65536

struct blocks {
	__u32 tgid; /* whose exec */
	__u32 ran;
	__u32 argc;
	__u32 envc;
	__u64 strings_len;
	/* How much there is of them; a negative errno if they were not to be read. */
	__s64 args_len;
	__s64 env_len;
	char args[BLOCKS_MAX + BLOCKS_PIECE];
	char env[BLOCKS_MAX + BLOCKS_PIECE];
};

#endif /* BLOCKS_H */
