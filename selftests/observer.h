/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/observer.bpf.c and the tests share: all facts of each event. */
#ifndef OBSERVER_H
#define OBSERVER_H

#include "krsi.h"

#define OBSERVED_MAX 16
#define OBSERVED_PATH 256

struct observed {
	__u32 executed; /* 0: process_exec, 1: process_executed */
	__u32 depth;
	__u32 flags;
	__u32 argc;
	__u32 envc;
	__u32 links;
	__u32 name_now;
	__s32 path_len;
	__s32 unknown_facts_ret; /* what is answered for facts that there are not */
	__s32 file_ret;
	__s32 task_ret;
	__s32 below; /* what krsi_is_below() answers of `dir` */
	__u64 header; /* all words of the context's header, or-ed */
	struct krsi_file_id file;
	struct krsi_task_id task;
	struct krsi_executed ids;
	char path[OBSERVED_PATH];
};

struct observer {
	/* Whose exec, or of which file if that is not 0. */
	__u32 tgid;
	__u32 n;
	__u64 dev;
	__u64 ino;
	struct krsi_file_id dir;
	__u32 raw_flags; /* those of the context alone, nothing is asked for */
	__u32 dir_size; /* bytes of it that are given; 0: it is not asked about */
	struct observed event[OBSERVED_MAX];
};

#endif /* OBSERVER_H */
