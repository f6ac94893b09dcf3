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

#define WORKERS 4

FIXTURE(removals)
{
	struct watch watch, other;
	int each;
};

FIXTURE_SETUP(removals)
{
	ASSERT_EQ(0, unlinks_dir());
	self->each = rounds(25, 3);
}

FIXTURE_TEARDOWN(removals)
{
	watch_end(&self->watch);
	watch_end(&self->other);
}

/* Copies the program, and lets the copy remove itself: that many times. */
static int remove_often(struct watch *watch, int worker, int times)
{
	char path[64];
	int i, ret = 0;

	for (i = 0; i < times && !ret; i++) {
		snprintf(path, sizeof(path), DIR "/%d-%d", worker, i % 2);
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

TEST_F_TIMEOUT(removals, are_all_seen_while_another_policy_comes_and_goes, 120)
{
	__u32 whose = KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR;
	pid_t workers[WORKERS];
	bool ok = true;
	int i;

	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	start_workers(&self->watch, workers, self->each);
	while (are_working(workers, &ok)) {
		ASSERT_EQ(0, watch_start(&self->other, "unlinks_executable"));
		watch_end(&self->other);
	}
	EXPECT_TRUE(ok);
	EXPECT_EQ(2 * WORKERS * self->each, self->watch.seen->n);
	for (i = 0; i < seen(&self->watch, UNLINKS_EXECUTABLE); i++) {
		const struct unlinked *u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, i);

		EXPECT_REMOVAL(&self->watch, i, u->path, .whose = whose,
			       .name_now = KRSI_NAME_GONE);
	}
}

TEST_F_TIMEOUT(removals, are_seen_again_when_the_only_policy_has_come_and_gone, 120)
{
	pid_t workers[WORKERS];
	bool ok = true;

	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_file"));
	start_workers(&self->watch, workers, self->each);
	while (are_working(workers, &ok)) {
		ASSERT_EQ(0, watch_start(&self->other, "unlinks_executable"));
		watch_end(&self->other);
	}
	EXPECT_TRUE(ok);
	EXPECT_EQ(WORKERS * self->each, self->watch.seen->n);
	ASSERT_EQ(0, watch_start(&self->other, "unlinks_both"));
	ASSERT_EQ(0, RUN(&self->other, PROGRAM, "self"));
	EXPECT_ONLY(&self->other, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_HARNESS_MAIN
