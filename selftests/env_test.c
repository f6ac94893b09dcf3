// SPDX-License-Identifier: GPL-2.0
/*
 * Proves the contract of the readers of environment variables, for policies
 * that may sleep and that may not: which definition is found, what is cut,
 * how strange strings are taken, which names and offsets are refused.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "common.h"
#include "run.h"

KEEP_POLICIES("probe.bpf.o", "no_sleep", "sleep", "sleep_rcu")

FIXTURE(env)
{
	struct policy policy;
	struct probe *probe;
};

FIXTURE_VARIANT(env)
{
	const char *policy;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(env, no_sleep) { .policy = "no_sleep" };
FIXTURE_VARIANT_ADD(env, sleep) { .policy = "sleep" };
FIXTURE_VARIANT_ADD(env, sleep_in_rcu_section) { .policy = "sleep_rcu" };
/* clang-format on */

FIXTURE_SETUP(env)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "probe.bpf.o", variant->policy));
	self->probe = self->policy.data;
	ASSERT_NE(NULL, self->probe);
	probe_clear(self->probe);
}

FIXTURE_TEARDOWN(env)
{
	policy_close(&self->policy);
	mode_restore();
}

#define ARGS STRINGS("exit0", "LD_PRELOAD=/argument.so")

#define EXPECT_VALUE(value, q) do { \
	EXPECT_EQ(strlen(value), (q)->ret); \
	EXPECT_STREQ(value, (q)->buf); \
} while (0)

TEST_F(env, finds_a_variable_first_last_and_in_the_middle)
{
	struct probe_query *first = ask_env(self->probe, "FIRST", 64);
	struct probe_query *middle = ask_env(self->probe, "MIDDLE", 64);
	struct probe_query *last = ask_env(self->probe, "LAST", 64);
	struct probe_query *none = ask_env(self->probe, "NONE", 64);

	ASSERT_EQ(0, probe_run(self->probe, ARGS,
			       STRINGS("FIRST=1st", "A=b", "MIDDLE=2nd=3rd", "C=d", "LAST=end")));
	EXPECT_VALUE("1st", first);
	EXPECT_VALUE("2nd=3rd", middle);
	EXPECT_VALUE("end", last);
	EXPECT_EQ(-ENOENT, none->ret);
	EXPECT_EQ(2, self->probe->argc);
	EXPECT_EQ(5, self->probe->envc);
}

TEST_F(env, tells_how_long_a_value_is_that_does_not_fit)
{
	struct probe_query *fits = ask_env(self->probe, "NAME", 7);
	struct probe_query *cut = ask_env(self->probe, "NAME", 6);
	struct probe_query *one = ask_env(self->probe, "NAME", 1);
	struct probe_query *nothing = ask_env(self->probe, "NAME", 0);

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("NAME=abcdef")));
	EXPECT_VALUE("abcdef", fits);
	EXPECT_EQ(6, cut->ret);
	EXPECT_STREQ("abcde", cut->buf);
	EXPECT_EQ(6, one->ret);
	EXPECT_STREQ("", one->buf);
	EXPECT_EQ(6, nothing->ret);
}

TEST_F(env, gives_an_empty_value)
{
	struct probe_query *empty = ask_env(self->probe, "EMPTY", 64);
	struct probe_query *find = ask_find(self->probe, "EMPTY", 0);

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("EMPTY=", "A=b")));
	EXPECT_VALUE("", empty);
	EXPECT_EQ(6, find->ret);
}

TEST_F(env, does_not_take_a_longer_or_shorter_name_for_it)
{
	struct probe_query *value = ask_env(self->probe, "LD_PRELOAD", 64);
	struct probe_query *count = ask_count(self->probe, "LD_PRELOAD");
	struct probe_query *longer = ask_env(self->probe, "LD_PRELOADX", 64);

	ASSERT_EQ(0, probe_run(self->probe, ARGS,
			       STRINGS("LD_PRELOADX=longer", "LD_PRELOA=shorter",
				       "XLD_PRELOAD=other", "ld_preload=small")));
	EXPECT_EQ(-ENOENT, value->ret);
	EXPECT_EQ(0, count->ret);
	EXPECT_VALUE("longer", longer);

	probe_clear(self->probe);
	value = ask_env(self->probe, "LD_PRELOAD", 64);
	ASSERT_EQ(0, probe_run(self->probe, ARGS,
			       STRINGS("LD_PRELOADX=longer", "LD_PRELOAD=it",
				       "LD_PRELOA=shorter")));
	EXPECT_VALUE("it", value);
}

TEST_F(env, does_not_take_an_argument_for_a_variable)
{
	struct probe_query *value = ask_env(self->probe, "LD_PRELOAD", 64);
	struct probe_query *find = ask_find(self->probe, "LD_PRELOAD", 0);
	struct probe_query *count = ask_count(self->probe, "LD_PRELOAD");

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("A=LD_PRELOAD=/value.so")));
	EXPECT_EQ(-ENOENT, value->ret);
	EXPECT_EQ(-ENOENT, find->ret);
	EXPECT_EQ(0, count->ret);
}

TEST_F(env, gives_the_first_of_many_definitions_and_finds_each)
{
	struct probe_query *value = ask_env(self->probe, "X", 64);
	struct probe_query *count = ask_count(self->probe, "X");
	struct probe_query *find[4];
	int i;

	for (i = 0; i < 4; i++)
		find[i] = ask_find(self->probe, "X", i);
	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("X=one", "Y=2", "X=two")));
	EXPECT_VALUE("one", value);
	EXPECT_EQ(2, count->ret);
	EXPECT_EQ(2, find[0]->ret);
	EXPECT_EQ(12, find[1]->ret);
	EXPECT_EQ(-ENOENT, find[2]->ret);

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("X=", "X=two", "X=three")));
	EXPECT_VALUE("", value);
	EXPECT_EQ(3, count->ret);
	EXPECT_EQ(2, find[0]->ret);
	EXPECT_EQ(5, find[1]->ret);
	EXPECT_EQ(11, find[2]->ret);
	EXPECT_EQ(-ENOENT, find[3]->ret);
}

TEST_F(env, reads_the_block_from_where_a_definition_was_found)
{
	struct probe_query *at_first = ask_env_block(self->probe, 2, 4);
	struct probe_query *at_second = ask_env_block(self->probe, 12, 64);

	/* The offsets are those that the test above found. */
	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("X=one", "Y=2", "X=two")));
	EXPECT_EQ(14, at_first->ret);
	EXPECT_EQ(0, memcmp("one\0", at_first->buf, 4));
	EXPECT_EQ(4, at_second->ret);
	EXPECT_EQ(0, memcmp("two\0", at_second->buf, 4));
}

TEST_F(env, is_not_misled_by_strings_that_define_nothing)
{
	struct probe_query *no_equals = ask_env(self->probe, "NOEQUALS", 64);
	struct probe_query *hidden = ask_env(self->probe, "HIDDEN", 64);
	struct probe_query *after = ask_env(self->probe, "AFTER", 64);
	struct probe_query *count = ask_count(self->probe, "HIDDEN");

	ASSERT_EQ(0, probe_run(self->probe, ARGS,
			       STRINGS("NOEQUALS", "=HIDDEN=1", "=", "", "", "=NOEQUALS=2", "",
				       "AFTER=all", "")));
	EXPECT_EQ(-ENOENT, no_equals->ret);
	EXPECT_EQ(-ENOENT, hidden->ret);
	EXPECT_EQ(0, count->ret);
	EXPECT_VALUE("all", after);
	EXPECT_EQ(9, self->probe->envc);
}

TEST_F(env, knows_an_empty_environment)
{
	struct probe_query *value = ask_env(self->probe, "LD_PRELOAD", 64);
	struct probe_query *count = ask_count(self->probe, "LD_PRELOAD");
	struct probe_query *find = ask_find(self->probe, "LD_PRELOAD", 0);
	struct probe_query *block = ask_env_block(self->probe, 0, 64);
	struct probe_query *beyond = ask_env_block(self->probe, 1, 64);

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS()));
	EXPECT_EQ(-ENOENT, value->ret);
	EXPECT_EQ(0, count->ret);
	EXPECT_EQ(-ENOENT, find->ret);
	EXPECT_EQ(0, block->ret);
	EXPECT_EQ(-EINVAL, beyond->ret);
	EXPECT_EQ(0, self->probe->envc);
}

TEST_F(env, reads_the_block_at_its_beginning_middle_end_and_not_beyond)
{
	static const char block[] = "A=1\0\0B=22\0C"; /* and the NUL of the literal */
	struct probe_query *whole = ask_env_block(self->probe, 0, 64);
	struct probe_query *exact = ask_env_block(self->probe, 0, sizeof(block));
	struct probe_query *middle = ask_env_block(self->probe, 5, 3);
	struct probe_query *last = ask_env_block(self->probe, sizeof(block) - 1, 64);
	struct probe_query *end = ask_env_block(self->probe, sizeof(block), 64);
	struct probe_query *beyond = ask_env_block(self->probe, sizeof(block) + 1, 64);
	struct probe_query *far = ask_env_block(self->probe, ~0U, 64);
	struct probe_query *no_room = ask_env_block(self->probe, 1, 0);

	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("A=1", "", "B=22", "C")));
	EXPECT_EQ(sizeof(block), whole->ret);
	EXPECT_EQ(0, memcmp(block, whole->buf, sizeof(block)));
	EXPECT_EQ(sizeof(block), exact->ret);
	EXPECT_EQ(0, memcmp(block, exact->buf, sizeof(block)));
	EXPECT_EQ(sizeof(block) - 5, middle->ret);
	EXPECT_EQ(0, memcmp("B=2", middle->buf, 3));
	EXPECT_EQ(1, last->ret);
	EXPECT_EQ(0, last->buf[0]);
	EXPECT_EQ(0, end->ret);
	EXPECT_EQ(-EINVAL, beyond->ret);
	EXPECT_EQ(-EINVAL, far->ret);
	EXPECT_EQ(sizeof(block) - 1, no_room->ret);
}

/* Each of them is asked of the three kfuncs that take a name. */
static void refuses(struct __test_metadata *_metadata, struct probe *probe, const char *name,
		    __u32 size)
{
	struct probe_query *q[3];
	int i;

	probe_clear(probe);
	q[0] = ask_env(probe, "", 64);
	q[1] = ask_find(probe, "", 0);
	q[2] = ask_count(probe, "");
	for (i = 0; i < 3; i++) {
		memcpy(q[i]->name, name, size);
		q[i]->name_size = size;
	}
	ASSERT_EQ(0, probe_run(probe, ARGS, STRINGS("NAME=value", "=odd", "A")));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EINVAL, q[i]->ret) {
			TH_LOG("kfunc %d, name \"%.20s\" of %u bytes", i, name, size);
		}
}

TEST_F(env, refuses_names_that_are_none)
{
	char longest[PROBE_NAME];

	refuses(_metadata, self->probe, "", 1);
	refuses(_metadata, self->probe, "", 0);
	refuses(_metadata, self->probe, "=", 2);
	refuses(_metadata, self->probe, "NAME=", 6);
	refuses(_metadata, self->probe, "NA=ME", 6);
	refuses(_metadata, self->probe, "=odd", 5);
	/* No NUL. */
	refuses(_metadata, self->probe, "NAME", 4);

	memset(longest, 'N', sizeof(longest));
	longest[KRSI_ENV_NAME_SIZE] = '\0';
	refuses(_metadata, self->probe, longest, KRSI_ENV_NAME_SIZE + 1);
}

TEST_F(env, takes_the_longest_name)
{
	char name[KRSI_ENV_NAME_SIZE], string[KRSI_ENV_NAME_SIZE + 8];
	struct probe_query *value;

	memset(name, 'N', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(string, sizeof(string), "%s=it", name);
	value = ask_env(self->probe, name, 64);
	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("N=no", string)));
	EXPECT_VALUE("it", value);
}

TEST_F(env, takes_no_error_of_its_own_for_the_policys)
{
	struct policy_line line;

	ask_env(self->probe, "NONE", 64);
	ask_env(self->probe, "CUT", 1);
	ask_env(self->probe, "=", 64);
	ask_env_block(self->probe, 4000, 64);
	ASSERT_EQ(0, probe_run(self->probe, ARGS, STRINGS("CUT=long")));
	ASSERT_EQ(0, policy_line(variant->policy, &line));
	EXPECT_EQ(0, line.errors);
	EXPECT_LE(1, line.runs);
}

TEST_HARNESS_MAIN
