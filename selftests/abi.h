/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What progs/abi1.bpf.c, abi2.bpf.c and the test share: what a policy of ABI 1 sees of
 * the exec of one process, and one of ABI 2 of the removal of what it runs. Without a
 * type of KRSI's: they have different headers.
 */
#ifndef ABI_H
#define ABI_H

#include <linux/types.h>

#define ABI_ENV "ABI_TEST"
/* Of struct krsi_task_id in ABI 1. */
#define ABI1_TASK_SIZE 104
#define ABI2_TASK_SIZE 144
/* What lies behind it; a kernel that fills too much would change that. */
#define ABI_CANARY 0xabababababababab

struct abi {
	__u32 tgid; /* whose exec or removal */
	__s32 answer; /* to it */
	__u32 ran;

	/* The context. */
	__u32 depth, flags, argc, envc;
	__u64 strings_len;
	__u32 how, links_left, whose, name_now;
	__u64 exec_age;
	__u64 header; /* all its words, or-ed */

	/* What each kfunc returns and gives. */
	__s32 value_ret, find_ret, count_ret, env_ret, arg_ret, args_ret, path_ret;
	char value[32], env[64], arg[32], args[64], path[256];
	__s32 file_ret, task_ret;
	__u64 dev, ino;
	__u64 start_time, exe_dev, exe_ino, parent_ino;
	__u32 pid, task_tgid, ppid, uid, gid, euid, egid, reserved;
	char comm[16];
	__u64 behind_task;
};

#endif /* ABI_H */
