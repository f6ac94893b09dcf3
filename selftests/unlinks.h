/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/unlinks.bpf.c and the tests share: all facts of each removal. */
#ifndef UNLINKS_H
#define UNLINKS_H

#include "krsi.h"

#define UNLINKS_MAX 256
#define UNLINKS_PATH 256
#define UNLINKS_DEVICES 4

/* Ops, as bits. */
#define UNLINKS_FILE 1
#define UNLINKS_EXECUTABLE 2

struct unlinked {
	__u32 op;
	__u32 how;
	__u32 flags;
	__u32 links_left;
	__u32 whose;
	__u32 name_now;
	__s32 path_len;
	__s32 file_ret;
	__s32 task_ret;
	__u32 reserved; /* all reserved words of the context, or-ed */
	__u64 exec_age;
	__u64 header; /* all words of the context's header, or-ed */
	struct krsi_file_id file;
	struct krsi_task_id task;
	char path[UNLINKS_PATH];
};

struct unlinks {
	/* Files on these are noted: their own device, or an overlay's. */
	__u64 dev[UNLINKS_DEVICES];
	/* Removals of this inode are denied by these ops. */
	__u64 deny_ino;
	__u32 deny;
	__u32 tgid; /* of the program that the test ran last; the policy has no use for it */
	__u32 n;
	struct unlinked event[UNLINKS_MAX];
};

#endif /* UNLINKS_H */
