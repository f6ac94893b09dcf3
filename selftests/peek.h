/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/refused_peek.bpf.c and the tests share. */
#ifndef PEEK_H
#define PEEK_H

#include <linux/types.h>

struct peek {
	__u64 address; /* what is wanted */
	__u64 word; /* what was found there */
	__u32 done;
};

#endif /* PEEK_H */
