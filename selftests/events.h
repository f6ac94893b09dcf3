/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/events.bpf.c and the tests share. */
#ifndef EVENTS_H
#define EVENTS_H

#include <linux/types.h>

#define EVENTS_RING 4096

struct events {
	__u32 tgid; /* whose exec */
	__u32 sent;
	__u32 dropped;
};

struct event {
	__u32 tgid;
	__u32 number;
	__s32 value_len; /* of the variable EVENT */
	char value[200]; /* so large that a few fill the ring */
};

#endif /* EVENTS_H */
