// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the removal of an executable is seen whoever does it, and that
 * the event says what the program that runs it is to the one that removes it.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both", "unlinks_executable")

FIXTURE(executable)
{
	struct watch watch;
	struct running running;
};

FIXTURE_VARIANT(executable)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(executable, both_ops) { .map = "unlinks_both" };
FIXTURE_VARIANT_ADD(executable, one_op) { .map = "unlinks_executable" };
/* clang-format on */

FIXTURE_SETUP(executable)
{
	if (debug_kernel() && strcmp(variant->map, "unlinks_both"))
		SKIP(return, "both ops stand for one on a slow kernel");
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, watch_start(&self->watch, variant->map));
}

FIXTURE_TEARDOWN(executable)
{
	watch_end(&self->watch);
}

#define EXPECT_GONE(_whose) \
	do { \
		EXPECT_ONLY(&self->watch, PROGRAM, .whose = _whose, .name_now = KRSI_NAME_GONE); \
		EXPECT_NE(0, access(PROGRAM, F_OK)); \
	} while (0)

TEST_F(executable, removed_by_itself)
{
	const struct unlinked *u;
	struct stat st;

	ASSERT_EQ(0, stat(PROGRAM, &st));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN);
	u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0);
	EXPECT_TRUE(same_file(&u->file, &st));
	EXPECT_TRUE(same_file(&u->task.exe, &st));
	EXPECT_EQ(self->watch.seen->tgid, u->task.tgid);
	EXPECT_EQ(getpid(), u->task.ppid);
	EXPECT_STREQ("program", u->task.comm);
}

TEST_F(executable, removed_by_its_forked_child)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "fork", "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR);
}

TEST_F(executable, removed_by_its_vforked_child)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "vfork", "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR);
	EXPECT_NE(self->watch.seen->tgid, self->watch.seen->event[0].task.tgid);
}

TEST_F(executable, removed_by_its_grandchild_whose_parent_has_ended)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "orphan", "self"));
	EXPECT_TRUE(running_orphaned(&self->running));
	EXPECT_GONE(KRSI_WHOSE_OWN | KRSI_WHOSE_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_rm_whose_parent_has_ended)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "orphan", "exec", RM, PROGRAM));
	EXPECT_TRUE(running_orphaned(&self->running));
	EXPECT_GONE(KRSI_WHOSE_OTHER);
	EXPECT_STREQ("rm", self->watch.seen->event[0].task.comm);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_its_child_when_it_has_ended)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "daemon", "self"));
	EXPECT_TRUE(running_orphaned(&self->running));
	EXPECT_GONE(KRSI_WHOSE_OWN);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_rm_when_it_has_ended)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "daemon", "exec", RM, PROGRAM));
	EXPECT_TRUE(running_orphaned(&self->running));
	EXPECT_GONE(0);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_a_shell_that_it_starts)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "sh", RM " " PROGRAM "; true"));
	EXPECT_GONE(KRSI_WHOSE_ANCESTOR);
	EXPECT_STREQ("rm", self->watch.seen->event[0].task.comm);
}

TEST_F(executable, removed_by_its_parent_right_after_it_started)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_DESCENDANT);
	EXPECT_EQ(getpid(), self->watch.seen->event[0].task.tgid);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_an_ancestor_of_a_shell_that_started_it)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, "/usr/bin/sh", "-c",
			   PROGRAM " ready wait; true"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_DESCENDANT);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_after_it_has_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_GONE(0);
}

TEST_F(executable, removed_by_rm_that_it_becomes)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "exec", RM, PROGRAM));
	EXPECT_GONE(0);
	EXPECT_EQ(self->watch.seen->tgid, self->watch.seen->event[0].task.tgid);
}

TEST_F(executable, removed_by_its_thread_when_the_first_one_has_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "thread", "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN);
	EXPECT_NE(self->watch.seen->tgid, self->watch.seen->event[0].task.pid);
}

TEST_F(executable, removed_by_the_child_of_a_thread_when_the_first_one_has_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "thread", "fork", "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR);
}

TEST_F(executable, removed_by_rm_that_a_thread_becomes)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "second", "exec", RM, PROGRAM));
	EXPECT_GONE(0);
	EXPECT_EQ(self->watch.seen->tgid, self->watch.seen->event[0].task.pid);
}

TEST_F(executable, removed_by_itself_after_a_thread_executed_it)
{
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "second", "exec", PROGRAM, "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN);
}

TEST_F(executable, removed_by_itself_after_a_thread_executed_it_when_the_first_one_had_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "thread", "exec", PROGRAM, "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN);
}

TEST_F(executable, removed_by_another_while_only_its_thread_lives)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "thread", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "unlink", PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(executable, removed_by_itself_while_another_process_runs_it)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "self"));
	EXPECT_GONE(KRSI_WHOSE_OWN | KRSI_WHOSE_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

/*
 * What runs it is looked for among 256 ancestors; the program is executed in the
 * first of them, and its child is the first of the chain.
 */
TEST_F(executable, of_an_ancestor_as_far_as_is_looked)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "fork", "exec", TOOL, "chain", "255",
			 "unlink", PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_ANCESTOR);
}

TEST_F(executable, of_an_ancestor_farther_than_is_looked)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "fork", "exec", TOOL, "chain", "256",
			 "unlink", PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_UNKNOWN);
}

TEST_F(executable, removed_by_itself_under_a_false_proc_self_exe)
{
	struct stat st;

	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "disguise", DIR "/exit0", "unlink", PROGRAM));
	EXPECT_GONE(KRSI_WHOSE_OWN);
	ASSERT_EQ(0, stat(DIR "/exit0", &st));
	EXPECT_TRUE(same_file(&self->watch.seen->event[0].task.exe, &st));
}

static void by_uring(struct __test_metadata *_metadata, struct watch *watch, char *command)
{
	const struct unlinked *u = &watch->seen->event[0];

	ASSERT_EQ(0, RUN(watch, PROGRAM, command, PROGRAM));
	EXPECT_ONLY(watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_NE(0, access(PROGRAM, F_OK));
	EXPECT_EQ(watch->seen->tgid, u->task.tgid);
	EXPECT_NE(watch->seen->tgid, u->task.pid);
	EXPECT_EQ(0, strncmp("iou-", u->task.comm, 4));
}

TEST_F(executable, removed_by_itself_through_io_uring)
{
	by_uring(_metadata, &self->watch, "uring");
}

TEST_F(executable, removed_by_itself_through_a_polling_io_uring)
{
	by_uring(_metadata, &self->watch, "sqpoll");
}

TEST_F(executable, last_executed_some_time_ago)
{
	const struct unlinked *u;
	unsigned long long since;

	ASSERT_EQ(0, link(PROGRAM, DIR "/link"));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	usleep(300000);
	ASSERT_EQ(0, unlink(DIR "/link"));
	u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0);
	EXPECT_LE(300000000, u->exec_age);

	/* The age is that of the last exec. */
	since = boot_ns();
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	ASSERT_EQ(0, unlink(PROGRAM));
	u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, 1);
	EXPECT_LT(0, u->exec_age);
	EXPECT_GE(boot_ns() - since, u->exec_age);
	EXPECT_EQ(2, seen(&self->watch, UNLINKS_EXECUTABLE));
}

TEST_HARNESS_MAIN
