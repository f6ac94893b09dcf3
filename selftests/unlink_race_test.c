// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that no removal is missed while many programs remove themselves at
 * once and other policies come and go, and that the record bears to be begun
 * and ended in the midst of it.
 */

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

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
};

FIXTURE_SETUP(removals)
{
	ASSERT_EQ(0, unlinks_dir());
	/* Loaded once: what is tried is to attach it often. */
	ASSERT_EQ(0, watch_start(&self->other, "unlinks_executable"));
	policy_detach(&self->other.policy);
	self->each = rounds(25, 3);
}

FIXTURE_TEARDOWN(removals)
{
	watch_end(&self->watch);
	watch_end(&self->other);
}

#define SELF FIXTURE_DATA(removals) *self, struct __test_metadata *_metadata

/* Copies the program, and lets the copy remove itself: that many times. */
static int remove_often(struct watch *watch, int worker, int times)
{
	char path[64];
	int i, ret = 0;

	for (i = 0; i < times && !ret; i++) {
		snprintf(path, sizeof(path), PATH, worker, i % 2);
		ret = file_copy(PROGRAM, path, 0755) ?: RUN(watch, path, "fork", "self");
	}
	return ret;
}

static void start_workers(struct watch *watch, pid_t *workers, int each)
{
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (!workers[i])
			_exit(!!remove_often(watch, i, each));
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
	int times = 0;
	bool ok = true;

	start_workers(&self->watch, workers, self->each);
	while (are_working(workers, &ok)) {
		ASSERT_EQ(0, policy_attach(&self->other.policy));
		policy_detach(&self->other.policy);
		times++;
	}
	EXPECT_TRUE(ok);
	/* Not just before and after. */
	EXPECT_LE(self->each, times);
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

TEST_F_TIMEOUT(removals, are_all_seen_while_another_policy_comes_and_goes, 120)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	come_and_go(self, _metadata);
	expect_all(self, _metadata, UNLINKS_FILE);
	expect_all(self, _metadata, UNLINKS_EXECUTABLE);
	expect_some(self, _metadata, 0);
}

TEST_F_TIMEOUT(removals, are_seen_again_when_the_only_policy_has_come_and_gone, 120)
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

TEST_HARNESS_MAIN
