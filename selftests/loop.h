/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/loop.bpf.c and the test share. */
#ifndef LOOP_H
#define LOOP_H

#include <linux/types.h>

#define LOOP_ENV "LOOP"
#define LOOP_MAX 100000

struct loop {
	__u32 tgid; /* whose exec */
	__u32 args; /* how many arguments, and definitions of LOOP, were read one by one */
	__u32 definitions;
};

#endif /* LOOP_H */
