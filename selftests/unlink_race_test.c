// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that no removal is missed while many programs remove themselves at
 * once and other policies come and go, and that the record bears to be begun
 * and ended in the midst of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both", "unlinks_file", "unlinks_executable")

#define WORKERS 4
/* Two names of each. */
#define PATH DIR "/%d-%d"
/* The child that removes it, and its parent that waits. */
#define WHOSE (KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR)

FIXTURE(removals)
{
	struct watch watch, other;
	int each;
	volatile int *times; /* that the other policy came and went, for the workers to see */
};

FIXTURE_SETUP(removals)
{
	ASSERT_EQ(0, unlinks_dir());
	/* Loaded once: what is tried is to attach it often. */
	ASSERT_EQ(0, watch_start(&self->other, "unlinks_executable"));
	policy_detach(&self->other.policy);
	self->each = rounds(25, 3);
	self->times = mmap(NULL, sizeof(*self->times), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->times);
}

FIXTURE_TEARDOWN(removals)
{
	watch_end(&self->watch);
	watch_end(&self->other);
}

#define SELF FIXTURE_DATA(removals) *self, struct __test_metadata *_metadata

/* Copies the program, and lets the copy remove itself: once for each time at least. */
static int remove_often(FIXTURE_DATA(removals) *self, int worker)
{
	char path[64];
	int i, ret = 0;

	for (i = 0; i < self->each && !ret; i++) {
		while (*self->times < i)
			usleep(1000);
		snprintf(path, sizeof(path), PATH, worker, i % 2);
		ret = file_copy(PROGRAM, path, 0755) ?: RUN(&self->watch, path, "fork", "self");
	}
	return ret;
}

static void start_workers(FIXTURE_DATA(removals) *self, pid_t *workers)
{
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (!workers[i])
			_exit(!!remove_often(self, i));
	}
}

/* True as long as one of them works; clears *ok if one failed. */
static bool are_working(pid_t *workers, bool *ok)
{
	int i, status;
	bool any = false;

	for (i = 0; i < WORKERS; i++) {
		if (!workers[i])
			continue;
		if (!waitpid(workers[i], &status, WNOHANG)) {
			any = true;
			continue;
		}
		workers[i] = 0;
		*ok &= WIFEXITED(status) && !WEXITSTATUS(status);
	}
	return any;
}

/* Lets another policy come and go until the workers are done. */
static void come_and_go(SELF)
{
	pid_t workers[WORKERS];
	bool ok = true;

	start_workers(self, workers);
	while (are_working(workers, &ok)) {
		ASSERT_EQ(0, policy_attach(&self->other.policy));
		policy_detach(&self->other.policy);
		++*self->times;
	}
	EXPECT_TRUE(ok);
}

/* How many events of that op are about this path? */
static int seen_of(const struct watch *watch, __u32 op, const char *path)
{
	int i, n = 0;

	for (i = 0; i < seen(watch, op); i++)
		n += !strcmp(path, seen_nth(watch, op, i)->path);
	return n;
}

/* Each removal of each worker was told once, with all its facts. */
static void expect_all(SELF, __u32 op)
{
	const struct watch *watch = &self->watch;
	char path[64];
	int i;

	EXPECT_EQ(WORKERS * self->each, seen(watch, op));
	for (i = 0; i < seen(watch, op); i++) {
		struct removal expected = {
			.path = seen_nth(watch, op, i)->path,
			.whose = WHOSE,
			.name_now = KRSI_NAME_GONE,
		};

		EXPECT_TRUE(is_removal(watch, op, i, &expected));
	}
	for (i = 0; i < 2 * WORKERS; i++) {
		snprintf(path, sizeof(path), PATH, i / 2, i % 2);
		EXPECT_EQ((self->each + 1 - i % 2) / 2, seen_of(watch, op, path));
	}
}

/* What the other policy was told is true, however little it was; flags as these. */
static void expect_some(SELF, __u32 flags)
{
	struct watch *other = &self->other;
	int i;

	/* The record may be older than this attachment. */
	other->since = self->watch.since;
	for (i = 0; i < seen(other, UNLINKS_EXECUTABLE); i++) {
		const struct unlinked *u = seen_nth(other, UNLINKS_EXECUTABLE, i);

		EXPECT_REMOVAL(other, i, u->path, .flags = u->flags & flags, .whose = WHOSE,
			       .name_now = KRSI_NAME_GONE);
	}
}

TEST_F(removals, are_all_seen_while_another_policy_comes_and_goes)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	come_and_go(self, _metadata);
	expect_all(self, _metadata, UNLINKS_FILE);
	expect_all(self, _metadata, UNLINKS_EXECUTABLE);
	expect_some(self, _metadata, 0);
}

TEST_F(removals, are_seen_again_when_the_only_policy_has_come_and_gone)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_file"));
	come_and_go(self, _metadata);
	expect_all(self, _metadata, UNLINKS_FILE);
	EXPECT_EQ(0, seen(&self->watch, UNLINKS_EXECUTABLE));
	expect_some(self, _metadata, KRSI_SEEDED);

	watch_clear(&self->other);
	ASSERT_EQ(0, policy_attach(&self->other.policy));
	ASSERT_EQ(0, RUN(&self->other, PROGRAM, "self"));
	EXPECT_ONLY(&self->other, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(removals, are_seen_right_after_the_program_was_spawned)
{
	int i, leash[2], times = rounds(200, 50);
	char path[64];
	pid_t pid;

	ASSERT_EQ(0, pipe2(leash, O_CLOEXEC));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	for (i = 0; i < times; i++) {
		snprintf(path, sizeof(path), PATH, 0, i);
		ASSERT_EQ(0, file_copy(PROGRAM, path, 0755));
		ASSERT_EQ(0, spawn_waiting(path, leash[0], &pid));
		ASSERT_EQ(0, unlink(path));
		ASSERT_EQ(1, write(leash[1], "", 1));
		ASSERT_EQ(0, run_wait(pid));
	}
	ASSERT_EQ(times, self->watch.seen->n);
	for (i = 0; i < times; i++) {
		snprintf(path, sizeof(path), PATH, 0, i);
		EXPECT_REMOVAL(&self->watch, i, path, .whose = KRSI_WHOSE_DESCENDANT,
			       .name_now = KRSI_NAME_GONE);
	}
}

TEST_HARNESS_MAIN
