// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that programs of the BPF LSM read an exec's strings with the readers
 * on struct linux_binprm, at the hooks they are for, with no policy attached.
 *
 * Needs "krsi" before "bpf" in lsm=, but for the tests of that order itself:
 * `make test` runs them once more in a guest that has the other one.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "bprm.h"
#include "common.h"
#include "run.h"

FIXTURE(bprm)
{
	struct policy policy;
	struct bpf_link *links[BPRM_HOOKS];
	struct bprm_test *test;
};

FIXTURE_SETUP(bprm)
{
	struct bpf_program *prog;
	int n = 0;

	self->policy.obj = bpf_object__open_file(test_path("bprm.bpf.o"), NULL);
	ASSERT_NE(NULL, self->policy.obj);
	ASSERT_EQ(0, policy_load(&self->policy));
	self->test = self->policy.data;
	bpf_object__for_each_program(prog, self->policy.obj) {
		self->links[n] = bpf_program__attach(prog);
		ASSERT_NE(NULL, self->links[n]);
		n++;
	}
	ASSERT_EQ(BPRM_HOOKS, n);
}

FIXTURE_TEARDOWN(bprm)
{
	for (int i = 0; i < BPRM_HOOKS; i++)
		bpf_link__destroy(self->links[i]);
	policy_close(&self->policy);
}

TEST_F(bprm, strings_are_read_at_each_hook)
{
	char *argv[] = { "exit0", "argument", NULL };
	char *envp[] = { "A=b", "BPRM_TEST=first", "BPRM_TEST=2", NULL };
	static const char env[] = "A=b\0BPRM_TEST=first\0BPRM_TEST=2";
	static const char args[] = "exit0\0argument";

	ASSERT_EQ(0, run_exit0(&self->test->tgid, argv, envp));
	for (int i = 0; i < BPRM_HOOKS; i++) {
		const struct bprm_answers *a = &self->test->hook[i];

		EXPECT_EQ(1, a->ran);
		EXPECT_EQ(5, a->value_ret);
		EXPECT_STREQ("first", a->value);
		EXPECT_EQ(-ENOENT, a->none_ret);
		EXPECT_EQ(-EINVAL, a->bad_ret);
		EXPECT_EQ(30, a->find_ret);
		EXPECT_EQ(2, a->count_ret);
		EXPECT_EQ(sizeof(env), a->env_ret);
		EXPECT_EQ(0, memcmp(env, a->env, sizeof(env)));
		EXPECT_EQ(8, a->arg_ret);
		EXPECT_STREQ("argument", a->arg);
		EXPECT_EQ(sizeof(args), a->args_ret);
		EXPECT_EQ(0, memcmp(args, a->args, sizeof(args)));
	}
}

#define SCRIPT "/tmp/krsi_bprm_script"

/* A script that exit0 interprets, so with two rounds. */
static int run_script(__u32 *tgid)
{
	char text[4200], *argv[] = { "mine", "given", NULL };
	struct run how = {
		.path = SCRIPT,
		.argv = argv,
		.tgid = { tgid },
	};
	int ret;

	snprintf(text, sizeof(text), "#!%s\n", test_path("exit0"));
	ret = file_make(SCRIPT, text, 0755) ?: run(&how);
	unlink(SCRIPT);
	return ret;
}

TEST_F(bprm, strings_of_each_round_are_its_own)
{
	const struct bprm_answers *a = self->test->hook;

	ASSERT_EQ(0, run_script(&self->test->tgid));
	EXPECT_EQ(1, a[BPRM_CREDS_FOR_EXEC].ran);
	EXPECT_STREQ("given", a[BPRM_CREDS_FOR_EXEC].arg);
	/* The last round: argument 1 is the script's path. */
	EXPECT_EQ(2, a[BPRM_CHECK_SECURITY].ran);
	EXPECT_STREQ(SCRIPT, a[BPRM_CHECK_SECURITY].arg);
	EXPECT_EQ(-ENOENT, a[BPRM_CHECK_SECURITY].value_ret);
	EXPECT_EQ(1, a[BPRM_CREDS_FROM_FILE].ran);
	EXPECT_STREQ(SCRIPT, a[BPRM_CREDS_FROM_FILE].arg);
}

/* In KiB. */
static long free_memory(void)
{
	char text[4096];
	const char *line;

	if (file_read("/proc/meminfo", text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "MemFree:");
	return line ? atol(line + strlen("MemFree:")) : -1;
}

#define NO_PROGRAM "/tmp/krsi_bprm_no_program"
#define STRINGS 14
#define STRING_SIZE (127 << 10)

/* An exec with 1.7 MB of strings that fails, whereupon the process lives on. */
static pid_t fail_to_execute(char *const *envp, int done)
{
	char *argv[] = { NO_PROGRAM, NULL };
	pid_t pid = fork_bound();

	if (pid)
		return pid;
	execve(NO_PROGRAM, argv, envp);
	if (write(done, &errno, sizeof(errno)) != sizeof(errno))
		_exit(1);
	for (;;)
		pause();
}

TEST_F(bprm, strings_of_an_exec_that_failed_take_no_memory)
{
	static char strings[STRINGS][STRING_SIZE];
	char *envp[STRINGS + 1] = {};
	int done[2], error, n = rounds(40, 20);
	pid_t pid[40];
	long before;

	for (int i = 0; i < STRINGS; i++) {
		memset(strings[i], 'x', STRING_SIZE - 1);
		envp[i] = strings[i];
	}
	ASSERT_EQ(0, file_make(NO_PROGRAM, "neither a script nor a program\n", 0755));
	ASSERT_EQ(0, pipe(done));
	before = free_memory();
	for (int i = 0; i < n; i++) {
		pid[i] = fail_to_execute(envp, done[1]);
		ASSERT_LT(0, pid[i]);
		ASSERT_EQ(sizeof(error), read(done[0], &error, sizeof(error)));
		EXPECT_EQ(ENOEXEC, error);
	}
	/* A process takes less than 0.5 MB. */
	EXPECT_GT(n * STRINGS * (STRING_SIZE >> 10) / 2, before - free_memory());
	for (int i = 0; i < n; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	unlink(NO_PROGRAM);
}

/* Does "bpf" stand before "krsi" among the LSMs that are on? */
static bool bpf_is_first(void)
{
	char lsms[4096];

	return file_read("/sys/kernel/security/lsm", lsms, sizeof(lsms)) > 0 &&
	       strstr(lsms, "bpf") < strstr(lsms, "krsi");
}

TEST_F(bprm, order_of_lsms_decides_where_strings_are_there)
{
	char *argv[] = { "exit0", "argument", NULL }, *envp[] = { BPRM_NAME "=value", NULL };
	const struct bprm_answers *a = self->test->hook;

	ASSERT_EQ(0, run_exit0(&self->test->tgid, argv, envp));
	EXPECT_EQ(bpf_is_first() ? -ENODATA : 5, a[BPRM_CREDS_FOR_EXEC].value_ret);
	/* The same strings, which KRSI has prepared before in either order. */
	EXPECT_EQ(5, a[BPRM_CHECK_SECURITY].value_ret);
	EXPECT_STREQ("argument", a[BPRM_CHECK_SECURITY].arg);
	EXPECT_EQ(5, a[BPRM_CREDS_FROM_FILE].value_ret);
}

TEST_F(bprm, order_of_lsms_brings_no_strings_of_another_round)
{
	const struct bprm_answers *a = self->test->hook;

	ASSERT_EQ(0, run_script(&self->test->tgid));
	/* The interpreter's round, whose argument 1 is the script. */
	EXPECT_EQ(2, a[BPRM_CHECK_SECURITY].ran);
	if (bpf_is_first()) {
		EXPECT_EQ(-ENODATA, a[BPRM_CHECK_SECURITY].arg_ret);
	} else {
		EXPECT_STREQ(SCRIPT, a[BPRM_CHECK_SECURITY].arg);
	}
	EXPECT_STREQ(SCRIPT, a[BPRM_CREDS_FROM_FILE].arg);
}

TEST_HARNESS_MAIN
