// SPDX-License-Identifier: GPL-2.0
/*
 * Proves the contract of the readers of arguments, and that an exec without
 * any is shown as the kernel completes it: with one empty argument.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "common.h"
#include "loop.h"
#include "run.h"

KEEP_POLICIES("probe.bpf.o", "no_sleep", "sleep", "sleep_rcu")

FIXTURE(arg)
{
	struct policy policy;
	struct probe *probe;
};

FIXTURE_VARIANT(arg)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(arg, no_sleep) { .map = "no_sleep" };
FIXTURE_VARIANT_ADD(arg, sleep) { .map = "sleep" };
FIXTURE_VARIANT_ADD(arg, sleep_in_rcu_section) { .map = "sleep_rcu" };
/* clang-format on */

FIXTURE_SETUP(arg)
{
	ASSERT_EQ(0, policy_start(&self->policy, "probe.bpf.o", variant->map));
	self->probe = self->policy.data;
	probe_clear(self->probe);
}

FIXTURE_TEARDOWN(arg)
{
	policy_close(&self->policy);
}

TEST_F(arg, each_is_given_by_its_number)
{
	struct probe_query *q[4], *beyond = ask_arg(self->probe, 4, 64);
	struct probe_query *far = ask_arg(self->probe, ~0U, 64);
	static char *const args[] = { "exit0", "", "-x=y z", "last", NULL };
	int i;

	for (i = 0; i < 4; i++)
		q[i] = ask_arg(self->probe, i, 64);
	ASSERT_EQ(0, probe_run(self->probe, args, STRINGS("ENV=no argument")));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(strlen(args[i]), q[i]->ret);
		EXPECT_STREQ(args[i], q[i]->buf);
	}
	EXPECT_EQ(-ENOENT, beyond->ret);
	EXPECT_EQ(-ENOENT, far->ret);
	EXPECT_EQ(4, self->probe->argc);
	EXPECT_EQ(1, self->probe->envc);
}

TEST_F(arg, that_does_not_fit_is_cut)
{
	struct probe_query *fits = ask_arg(self->probe, 1, 7);
	struct probe_query *cut = ask_arg(self->probe, 1, 6);
	struct probe_query *one = ask_arg(self->probe, 1, 1);
	struct probe_query *nothing = ask_arg(self->probe, 1, 0);

	ASSERT_EQ(0, probe_run(self->probe, STRINGS("exit0", "abcdef"), NULL));
	EXPECT_EQ(6, fits->ret);
	EXPECT_STREQ("abcdef", fits->buf);
	EXPECT_EQ(6, cut->ret);
	EXPECT_STREQ("abcde", cut->buf);
	EXPECT_EQ(6, one->ret);
	EXPECT_STREQ("", one->buf);
	EXPECT_EQ(6, nothing->ret);
}

TEST_F(arg, block_is_read_at_its_beginning_middle_end_and_not_beyond)
{
	static const char block[] = "exit0\0\0two";
	struct probe_query *whole = ask_arg_block(self->probe, 0, 64);
	struct probe_query *middle = ask_arg_block(self->probe, 5, 3);
	struct probe_query *last = ask_arg_block(self->probe, sizeof(block) - 1, 64);
	struct probe_query *end = ask_arg_block(self->probe, sizeof(block), 64);
	struct probe_query *beyond = ask_arg_block(self->probe, sizeof(block) + 1, 64);
	struct probe_query *far = ask_arg_block(self->probe, ~0U, 64);

	/* The environment lies right behind it and must not show. */
	ASSERT_EQ(0, probe_run(self->probe, STRINGS("exit0", "", "two"), STRINGS("E=1", "F=2")));
	EXPECT_EQ(sizeof(block), whole->ret);
	EXPECT_EQ(0, memcmp(block, whole->buf, sizeof(block)));
	/* Nor is anything put behind the copied bytes. */
	EXPECT_EQ((char)0xaa, whole->buf[sizeof(block)]);
	EXPECT_EQ(sizeof(block) - 5, middle->ret);
	EXPECT_EQ(0, memcmp("\0\0t", middle->buf, 3));
	EXPECT_EQ(1, last->ret);
	EXPECT_EQ(0, end->ret);
	EXPECT_EQ(-EINVAL, beyond->ret);
	EXPECT_EQ(-EINVAL, far->ret);
	EXPECT_EQ(sizeof(block) + 8, self->probe->strings_len);
}

TEST_F(arg, list_that_is_empty_has_one_empty_argument)
{
	struct probe_query *first = ask_arg(self->probe, 0, 64);
	struct probe_query *second = ask_arg(self->probe, 1, 64);
	struct probe_query *block = ask_arg_block(self->probe, 0, 64);
	struct probe_query *env = ask_env(self->probe, "E", 64);

	ASSERT_EQ(0, probe_run(self->probe, STRINGS(), STRINGS("E=1")));
	EXPECT_EQ(1, self->probe->argc);
	EXPECT_EQ(0, first->ret);
	EXPECT_STREQ("", first->buf);
	EXPECT_EQ(-ENOENT, second->ret);
	EXPECT_EQ(1, block->ret);
	EXPECT_EQ(1, env->ret);
	EXPECT_STREQ("1", env->buf);
	EXPECT_EQ(5, self->probe->strings_len);
}

TEST_F(arg, of_an_interpreter_are_those_of_its_round)
{
	struct probe_query *q[6];
	const char *script = "/tmp/krsi_arg_test";
	struct run how = { .path = script, .argv = STRINGS("mine", "given") };
	char text[4200];
	int i;

	snprintf(text, sizeof(text), "#!%s one argument\n", test_path("exit0"));
	ASSERT_EQ(0, file_make(script, text, 0755));
	for (i = 0; i < 5; i++)
		q[i] = ask_arg(self->probe, i, 256);
	q[5] = ask_env(self->probe, "E", 64);
	how.envp = STRINGS("E=1");
	how.tgid[0] = &self->probe->tgid;

	self->probe->depth = 1;
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(1, self->probe->ran);
	EXPECT_EQ(4, self->probe->argc);
	EXPECT_STREQ(test_path("exit0"), q[0]->buf);
	EXPECT_STREQ("one argument", q[1]->buf);
	EXPECT_STREQ(script, q[2]->buf);
	EXPECT_STREQ("given", q[3]->buf);
	EXPECT_EQ(-ENOENT, q[4]->ret);
	EXPECT_STREQ("1", q[5]->buf);

	self->probe->depth = 0;
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(2, self->probe->argc);
	EXPECT_STREQ("mine", q[0]->buf);
	EXPECT_STREQ("given", q[1]->buf);
	EXPECT_EQ(-ENOENT, q[2]->ret);
	EXPECT_STREQ("1", q[5]->buf);
	unlink(script);
}

/* If each question began at the first string, this would take ten seconds. */
#define MANY 20000

TEST(each_of_many_arguments_and_definitions_is_read_in_one_walk)
{
	char **argv = calloc(MANY + 1, sizeof(*argv)), **envp = calloc(MANY + 1, sizeof(*envp));
	unsigned long long begin;
	struct policy policy;
	struct loop *loop;

	ASSERT_EQ(0, policy_start(&policy, "loop.bpf.o", "loop_policy"));
	loop = policy.data;
	for (int i = 0; i < MANY; i++) {
		argv[i] = "";
		envp[i] = LOOP_ENV "=";
	}
	begin = now_ms();
	EXPECT_EQ(0, run_exit0(&loop->tgid, argv, envp));
	EXPECT_GT(rounds(1500, 15000), now_ms() - begin);
	EXPECT_EQ(MANY, loop->args);
	EXPECT_EQ(MANY, loop->definitions);
	policy_close(&policy);
}

TEST_HARNESS_MAIN
