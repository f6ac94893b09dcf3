/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What progs/probe.bpf.c and the tests share: a list of questions that the
 * policy puts to the readers of arguments and environment while one process
 * executes, and the answers.
 */
#ifndef PROBE_H
#define PROBE_H

#include <linux/types.h>

#define PROBE_QUERIES 80
#define PROBE_NAME 512
#define PROBE_BUF 4096
#define PROBE_CANARY 64

enum probe_op {
	PROBE_NONE,
	PROBE_GET_ENV_VAR,
	PROBE_FIND_ENV_VAR,
	PROBE_COUNT_ENV_VAR,
	PROBE_GET_ENV_VARS,
	PROBE_GET_ARG,
	PROBE_GET_ARGS,
};

struct probe_query {
	__u32 op;
	__u32 name_size;
	__u32 n; /* which definition or argument, or the offset in the block */
	__u32 buf_size;
	__s32 ret;
	char name[PROBE_NAME];
	/* The rest after buf_size must stay as it was. */
	char buf[PROBE_BUF + PROBE_CANARY];
};

struct probe {
	__u32 tgid; /* whose exec */
	__u32 depth; /* which round of it */
	__u32 ran; /* how often the questions were put */
	__u32 argc;
	__u32 envc;
	__u64 strings_len;
	struct probe_query query[PROBE_QUERIES];
};

#endif /* PROBE_H */
