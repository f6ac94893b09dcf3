/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/loads.bpf.c and the tests share. */
#ifndef LOADS_H
#define LOADS_H

#include <linux/types.h>

#include "krsi.h"

/* A load, by the context and by what the kfuncs answer. */
struct load {
	__u64 size;
	__u32 source, flags;
	__u32 tgid;
	__s32 digest_ret, short_digest_ret, info_ret, path_ret, id_ret, below_ret;
	struct krsi_file_id id;
	char name[64], path[256], info[64];
	__u8 digest[KRSI_DIGEST_SIZE];
};

struct request {
	__u32 tgid;
	__s32 path_ret, id_ret;
	char alias[64];
};

struct loads {
	/* What is asked for and answered. */
	__s32 load_verdict, request_verdict;
	__u32 key_size, info_size;
	char key[512];
	/* What came: how many, and the last. */
	__u32 loads, requests;
	struct load load;
	struct request request;
};

#endif /* LOADS_H */
