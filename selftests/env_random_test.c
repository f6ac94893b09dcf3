// SPDX-License-Identifier: GPL-2.0
/*
 * Proves on randomly made arguments and environments that policies which may
 * sleep and which may not read the same bytes, that these are what the started
 * program itself finds, and that the readers of single variables agree with a
 * plain search through them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "blocks.h"
#include "common.h"
#include "run.h"

#define SEED 20261124
#define MAX_STRINGS 300
#define MAX_BLOCK (512 * 1024)

struct strings {
	char *pointers[MAX_STRINGS + 1];
	int n;
	char block[MAX_BLOCK];
	size_t len;
};

FIXTURE(random)
{
	struct policy blocks[2];
	struct policy probes[2];
	struct strings *args, *env;
	int env_fd, args_fd;
};

FIXTURE_SETUP(random)
{
	ASSERT_EQ(0, policy_start(&self->blocks[0], "blocks.bpf.o", "blocks_sleep"));
	ASSERT_EQ(0, policy_start(&self->blocks[1], "blocks.bpf.o", "blocks_no_sleep"));
	ASSERT_EQ(0, policy_start(&self->probes[0], "probe.bpf.o", "sleep"));
	ASSERT_EQ(0, policy_start(&self->probes[1], "probe.bpf.o", "no_sleep"));
	self->args = calloc(1, sizeof(*self->args));
	self->env = calloc(1, sizeof(*self->env));
	ASSERT_TRUE(self->args && self->env);
	/* dump_self writes to 3 and 4; they may be in use here. */
	self->env_fd = memfd_create("env", 0);
	self->args_fd = memfd_create("args", 0);
	ASSERT_LT(0, self->env_fd);
	ASSERT_LT(0, self->args_fd);
}

FIXTURE_TEARDOWN(random)
{
	int i;

	for (i = 0; i < 2; i++) {
		policy_close(&self->blocks[i]);
		policy_close(&self->probes[i]);
	}
	free(self->args);
	free(self->env);
}

/* Few names, so that many are defined more than once or are prefixes. */
static const char *const names[] = {
	"A", "AA", "AB", "B", "PATH", "LD_PRELOAD", "LD_PRELOADX", "LD_", "_", "x y", "\xff",
};

static int random_name(void)
{
	return random() % ARRAY_SIZE(names);
}

static size_t random_length(void)
{
	switch (random() % 20) {
	case 0:
		return 0;
	case 1:
		return random() % 20000;
	case 2:
		return 4000 + random() % 200;
	default:
		return random() % 60;
	}
}

/* A definition, or bytes of any kind but NUL. */
static size_t random_string(char *string)
{
	size_t len = 0, end;

	if (random() % 4)
		len = sprintf(string, "%s=", names[random_name()]);
	/* Rarely without its '='. */
	if (len && !(random() % 16))
		len--;
	for (end = len + random_length(); len < end; len++)
		string[len] = random() % 16 ? 1 + random() % 255 : '=';
	string[len] = '\0';
	return len + 1;
}

static void random_strings(struct strings *strings, int least)
{
	strings->n = least + random() % (random() % 4 ? 20 : MAX_STRINGS - least);
	strings->len = 0;
	for (int i = 0; i < strings->n; i++) {
		if (strings->len + 25000 > MAX_BLOCK) {
			strings->n = i;
			break;
		}
		strings->pointers[i] = strings->block + strings->len;
		strings->len += random_string(strings->pointers[i]);
	}
	strings->pointers[strings->n] = NULL;
}

/* The plain search: value of the n-th definition, NULL if there are fewer. */
static const char *plain_find(const struct strings *strings, const char *name, int n)
{
	size_t len = strlen(name);

	for (int i = 0; i < strings->n; i++) {
		const char *string = strings->pointers[i];

		if (!strncmp(string, name, len) && string[len] == '=' && !n--)
			return string + len + 1;
	}
	return NULL;
}

static int set_descriptors(void *arg)
{
	int *fds = arg;

	/* First out of the way of each other. */
	fds[0] = fcntl(fds[0], F_DUPFD, 10);
	fds[1] = fcntl(fds[1], F_DUPFD, 10);
	return dup2(fds[0], 3) != 3 || dup2(fds[1], 4) != 4;
}

static bool same_as_file(int fd, const char *block, size_t len)
{
	char *found = mmap(NULL, MAX_BLOCK, PROT_READ, MAP_SHARED, fd, 0);
	bool same;

	if (found == MAP_FAILED)
		return false;
	same = lseek(fd, 0, SEEK_END) == (off_t)len && !memcmp(found, block, len);
	munmap(found, MAX_BLOCK);
	return same;
}

#define QUESTIONS 3 /* of each name */

static void ask_all(struct probe *probe)
{
	probe_clear(probe);
	for (int i = 0; i < ARRAY_SIZE(names); i++) {
		ask_env(probe, names[i], 100);
		ask_find(probe, names[i], i % 3);
		ask_count(probe, names[i]);
	}
}

static void check_answers(struct __test_metadata *_metadata, const struct probe *probe,
			  const struct strings *env)
{
	EXPECT_EQ(1, probe->ran);
	for (int i = 0; i < ARRAY_SIZE(names); i++) {
		const struct probe_query *q = &probe->query[QUESTIONS * i];
		const char *value = plain_find(env, names[i], 0);
		const char *nth = plain_find(env, names[i], i % 3);
		int count = 0;

		EXPECT_EQ(value ? (int)strlen(value) : -ENOENT, q[0].ret);
		if (value)
			EXPECT_EQ(0, strncmp(value, q[0].buf, 99));
		EXPECT_EQ(nth ? (int)(nth - env->block) : -ENOENT, q[1].ret);
		while (plain_find(env, names[i], count))
			count++;
		EXPECT_EQ(count, q[2].ret);
	}
}

TEST_F(random, environments_are_read_alike_by_all)
{
	struct blocks *blocks[2] = { self->blocks[0].data, self->blocks[1].data };
	struct probe *probes[2] = { self->probes[0].data, self->probes[1].data };
	struct run how = { .path = test_path("dump_self"), .before = set_descriptors };
	int round, n = rounds(300, 40), i;
	int fds[2] = { self->env_fd, self->args_fd };

	TH_LOG("seed %d, %d rounds", SEED, n);
	srandom(SEED);
	how.argv = self->args->pointers;
	how.envp = self->env->pointers;
	how.arg = fds;
	for (i = 0; i < 2; i++) {
		how.tgid[i] = &blocks[i]->tgid;
		how.tgid[2 + i] = &probes[i]->tgid;
	}
	for (round = 0; round < n; round++) {
		random_strings(self->args, 1);
		random_strings(self->env, 0);
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, ftruncate(fds[i], 0));
			ASSERT_EQ(0, lseek(fds[i], 0, SEEK_SET));
			blocks[i]->ran = 0;
			ask_all(probes[i]);
		}
		ASSERT_EQ(0, run(&how));
		EXPECT_TRUE(same_as_file(self->env_fd, self->env->block, self->env->len));
		EXPECT_TRUE(same_as_file(self->args_fd, self->args->block, self->args->len));
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(1, blocks[i]->ran);
			EXPECT_EQ(self->args->n, blocks[i]->argc);
			EXPECT_EQ(self->env->n, blocks[i]->envc);
			EXPECT_EQ(self->env->len, blocks[i]->env_len);
			EXPECT_EQ(self->args->len, blocks[i]->args_len);
			EXPECT_EQ(0, memcmp(self->env->block, blocks[i]->env, self->env->len));
			EXPECT_EQ(0, memcmp(self->args->block, blocks[i]->args, self->args->len));
			check_answers(_metadata, probes[i], self->env);
		}
		ASSERT_EQ(0, _metadata->exit_code) {
			TH_LOG("round %d of seed %d", round, SEED);
		}
	}
}

TEST_HARNESS_MAIN
