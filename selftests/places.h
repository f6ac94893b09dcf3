/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What progs/places.bpf.c and the tests share: what is said of where a file lies while
 * somebody moves it, and how the kernel is held up on its way to the answer.
 */
#ifndef PLACES_H
#define PLACES_H

#include "krsi.h"

#define PLACES_PATH 256

/* Where that process is held, if anywhere. */
enum {
	PLACES_PATH_HALF = 1, /* it is known whether its root leads to the file, but not the path */
	PLACES_BELOW_HALF, /* on the way up from the file, at a directory */
};

struct places {
	__u32 tgid; /* whose events */
	__u32 deny; /* the answer is -EPERM */
	struct krsi_file_id dir; /* what krsi_is_below() is asked about */
	/* What was said last. */
	__u32 n;
	__s32 below;
	__s32 path_len;
	char path[PLACES_PATH];
	/* Where, and so often, until the other has come or the time is over. */
	__u32 hold;
	__u32 pass; /* but not the first so many times that it comes there */
	__u32 times;
	__u64 hold_ns;
	__u32 asked; /* what the program is asking now */
	__u32 passed;
	__u32 held; /* how often it was */
	__u32 moved; /* how often the other has come */
};

#endif /* PLACES_H */
