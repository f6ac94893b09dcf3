// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the readers do not mind where pages end, and that they serve as
 * much as the kernel lets through: 6 MB of arguments and environment.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "blocks.h"
#include "common.h"
#include "run.h"

#define PAGE 4096

KEEP_POLICIES("probe.bpf.o", "no_sleep", "sleep")

FIXTURE(pages)
{
	struct policy policy;
	struct probe *probe;
};

FIXTURE_VARIANT(pages)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(pages, no_sleep) { .map = "no_sleep" };
FIXTURE_VARIANT_ADD(pages, sleep) { .map = "sleep" };
/* clang-format on */

FIXTURE_SETUP(pages)
{
	ASSERT_EQ(0, policy_start(&self->policy, "probe.bpf.o", variant->map));
	self->probe = self->policy.data;
	probe_clear(self->probe);
}

FIXTURE_TEARDOWN(pages)
{
	policy_close(&self->policy);
}

/* "Snn=<nn>yyyyyyyyyyyyy": that it is this one, whole, can be seen from it. */
#define STRING 24
#define VALUE (STRING - 5)
#define STRINGS_MAX 64

static void make_string(char *string, int nr)
{
	snprintf(string, STRING, "S%02u=<%02u>yyyyyyyyyyyyyyy", nr % 100U, nr % 100U);
}

/*
 * Lays out an environment in which string nr begins nr bytes before a page
 * border, for each nr up to its whole length, with fillers between them. The
 * block ends 8 bytes and the path below the top of the stack, which is a page
 * border: fs/exec.c.
 */
static int lay_out(char **envp, const char *path)
{
	size_t below = 8 + strlen(path) + 1;
	int nr, n = 0, i;

	/* From the last string, the highest one, downwards. */
	for (nr = 0; nr <= STRING; nr++) {
		size_t begins = (nr + 1) * PAGE + nr, filler = begins - STRING - below;

		envp[n] = malloc(filler);
		memset(envp[n], 'f', filler - 1);
		envp[n++][filler - 1] = '\0';
		envp[n] = malloc(STRING);
		make_string(envp[n++], nr);
		below = begins;
	}
	for (i = 0; i < n / 2; i++) {
		char *swap = envp[i];

		envp[i] = envp[n - 1 - i];
		envp[n - 1 - i] = swap;
	}
	envp[n] = NULL;
	return n;
}

static void expect_string(struct __test_metadata *_metadata, struct probe_query *q, int nr)
{
	char string[STRING];

	make_string(string, nr);
	EXPECT_EQ(VALUE, q->ret);
	EXPECT_STREQ(string + 4, q->buf);
}

TEST_F(pages, a_string_may_cross_a_border_at_each_of_its_bytes)
{
	struct probe_query *value[STRING + 1], *find[STRING + 1];
	char *envp[STRINGS_MAX], *argv[] = { "exit0", NULL };
	int nr, n = lay_out(envp, test_path("exit0"));
	char name[4];

	for (nr = 0; nr <= STRING; nr++) {
		snprintf(name, sizeof(name), "S%02d", nr);
		value[nr] = ask_env(self->probe, name, 64);
		find[nr] = ask_find(self->probe, name, 0);
	}
	ASSERT_EQ(0, probe_run(self->probe, argv, envp));
	for (nr = 0; nr <= STRING; nr++) {
		expect_string(_metadata, value[nr], nr);
		EXPECT_LE(4, find[nr]->ret);
	}

	/* The same from where they were found, with the block's reader. */
	for (nr = 0; nr <= STRING; nr++) {
		__u32 off = find[nr]->ret;

		*find[nr] = (struct probe_query){};
		value[nr]->op = PROBE_GET_ENV_VARS;
		value[nr]->n = off;
		value[nr]->buf_size = VALUE + 1;
		memset(value[nr]->buf, 0xaa, sizeof(value[nr]->buf));
	}
	ASSERT_EQ(0, probe_run(self->probe, argv, envp));
	for (nr = 0; nr <= STRING; nr++) {
		EXPECT_LT(VALUE, value[nr]->ret);
		value[nr]->ret = VALUE;
		expect_string(_metadata, value[nr], nr);
	}
	while (n--)
		free(envp[n]);
}

/* Does one of the strings below the filler cross a border, or end or begin at it? */
static bool at_border(int filler, const char *path)
{
	size_t below = 8 + strlen(path) + 1 + filler + 1;

	return (below - 1) / PAGE != (below + 2 * STRING + sizeof("exit0") + 1) / PAGE;
}

/*
 * The same for the arguments: a filler behind them moves all by one byte. Each
 * place is tried where they meet a border, and some of the others.
 */
TEST_F(pages, everything_may_lie_at_any_offset_in_a_page)
{
	char argument[STRING], variable[STRING], filler[PAGE + 8];
	char *argv[] = { "exit0", argument, NULL };
	char *envp[] = { variable, filler, NULL };
	struct probe_query *arg, *env;
	int len, step = rounds(61, 509), met = 0;

	make_string(argument, 1);
	make_string(variable, 2);
	arg = ask_arg(self->probe, 1, 64);
	env = ask_env(self->probe, "S02", 64);
	memset(filler, 'f', sizeof(filler));
	for (len = 1; len < PAGE + 2; len++) {
		bool border = at_border(len, test_path("exit0"));

		if (!border && len % step)
			continue;
		met += border;
		filler[len] = '\0';
		ASSERT_EQ(0, probe_run(self->probe, argv, envp));
		filler[len] = 'f';
		EXPECT_EQ(STRING - 1, arg->ret);
		EXPECT_STREQ(argument, arg->buf);
		expect_string(_metadata, env, 2);
	}
	EXPECT_LE(2 * STRING, met);
}

TEST_F(pages, a_value_of_128_kb_is_read_in_pieces)
{
	static char big[128 * 1024];
	char *argv[] = { "exit0", NULL }, *envp[] = { "A=b", big, "C=d", NULL };
	struct probe_query *piece[40], *value, *after;
	int i, at;

	memcpy(big, "BIG=", 4);
	for (i = 4; i < sizeof(big) - 1; i++)
		big[i] = 'a' + i % 23;
	value = ask_env(self->probe, "BIG", PROBE_BUF);
	after = ask_env(self->probe, "C", 64);
	for (i = 0, at = 4; at < 4 + sizeof(big); i++, at += PROBE_BUF)
		piece[i] = ask_env_block(self->probe, at, PROBE_BUF);
	ASSERT_EQ(0, probe_run(self->probe, argv, envp));
	EXPECT_EQ(sizeof(big) - 5, value->ret);
	EXPECT_EQ(PROBE_BUF - 1, strlen(value->buf));
	EXPECT_EQ(0, memcmp(big + 4, value->buf, PROBE_BUF - 1));
	EXPECT_STREQ("d", after->buf);
	for (i = 0, at = 4; at < 4 + sizeof(big); i++, at += PROBE_BUF) {
		int len = 4 + sizeof(big) - at;

		EXPECT_EQ(sizeof(big) + 8 - at, piece[i]->ret);
		if (len > PROBE_BUF)
			len = PROBE_BUF;
		EXPECT_EQ(0, memcmp(big + at - 4, piece[i]->buf, len));
	}
}

/* What all strings together may take, with their pointers: fs/exec.c. */
#define MOST (6 * 1024 * 1024)
#define LONGEST (128 * 1024)

FIXTURE(most)
{
	struct policy policy;
	struct blocks *blocks;
	char **argv, **envp;
	char *args, *env;
	size_t args_len, env_len;
};

FIXTURE_VARIANT(most)
{
	const char *map;
	size_t string; /* length of most of the strings, with NUL */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(most, few_long_strings_no_sleep) {
	.map = "blocks_no_sleep", .string = LONGEST,
};
FIXTURE_VARIANT_ADD(most, few_long_strings_sleep) {
	.map = "blocks_sleep", .string = LONGEST,
};
FIXTURE_VARIANT_ADD(most, many_short_strings_no_sleep) {
	.map = "blocks_no_sleep", .string = 40,
};
FIXTURE_VARIANT_ADD(most, many_short_strings_sleep) {
	.map = "blocks_sleep", .string = 40,
};
/* clang-format on */

/* A block of strings, and pointers to them; all differ. */
static char **fill(size_t total, size_t string, char *block, size_t *len)
{
	char **pointers = calloc(total / string + 2, sizeof(*pointers));
	size_t at = 0;
	int n = 0;

	while (at + string <= total) {
		memset(block + at, 'a' + n % 26, string - 1);
		block[at + snprintf(block + at, string, "N%06d=", n)] = 'z';
		block[at + string - 1] = '\0';
		pointers[n++] = block + at;
		at += string;
	}
	*len = at;
	return pointers;
}

FIXTURE_SETUP(most)
{
	struct rlimit stack = { .rlim_cur = 8 * MOST, .rlim_max = RLIM_INFINITY };
	size_t room, each = variant->string + sizeof(char *);

	ASSERT_EQ(0, setrlimit(RLIMIT_STACK, &stack));
	ASSERT_EQ(0, policy_start(&self->policy, "blocks.bpf.o", variant->map));
	self->blocks = self->policy.data;
	/* Some strings are left out, for the program's name. */
	room = (MOST / each - (variant->string == LONGEST ? 1 : 20)) * variant->string;
	self->args = calloc(1, room);
	self->env = calloc(1, room);
	ASSERT_TRUE(self->args && self->env);
	self->argv = fill(room / 2, variant->string, self->args, &self->args_len);
	self->envp = fill(room / 2, variant->string, self->env, &self->env_len);
}

FIXTURE_TEARDOWN(most)
{
	policy_close(&self->policy);
	free(self->argv);
	free(self->envp);
	free(self->args);
	free(self->env);
}

TEST_F(most, of_what_may_be_passed_is_read_whole)
{
	ASSERT_LT(MOST / 5 * 4, self->args_len + self->env_len);
	ASSERT_EQ(0, run_exit0(&self->blocks->tgid, self->argv, self->envp));
	EXPECT_EQ(1, self->blocks->ran);
	EXPECT_EQ(self->args_len + self->env_len, self->blocks->strings_len);
	EXPECT_EQ(self->args_len, self->blocks->args_len);
	EXPECT_EQ(self->env_len, self->blocks->env_len);
	EXPECT_EQ(0, memcmp(self->args, self->blocks->args, self->args_len));
	EXPECT_EQ(0, memcmp(self->env, self->blocks->env, self->env_len));
}

TEST_HARNESS_MAIN
