/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/bprm.bpf.c and the tests share. */
#ifndef BPRM_H
#define BPRM_H

#include <linux/types.h>

#define BPRM_NAME "BPRM_TEST"

enum bprm_hook {
	BPRM_CREDS_FOR_EXEC,
	BPRM_CHECK_SECURITY,
	BPRM_CREDS_FROM_FILE,
	BPRM_HOOKS,
};

struct bprm_answers {
	__u32 ran;
	__s32 value_ret, none_ret, bad_ret, find_ret, count_ret, env_ret, arg_ret, args_ret;
	char value[32], env[64], arg[32], args[64];
};

struct bprm_test {
	__u32 tgid; /* whose exec */
	struct bprm_answers hook[BPRM_HOOKS];
};

#endif /* BPRM_H */
