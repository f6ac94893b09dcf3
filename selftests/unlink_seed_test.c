// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what is executed is recorded while a policy asks for it and no
 * longer, and that what runs already when the record begins is known.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_executable")

FIXTURE(record)
{
	struct watch watch, second;
	struct running running;
};

FIXTURE_SETUP(record)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, link(PROGRAM, DIR "/link"));
	/* What other tests attached is gone, so that a record begins with this one's. */
	ASSERT_TRUE(policy_gone(NULL));
}

FIXTURE_TEARDOWN(record)
{
	watch_end(&self->watch);
	watch_end(&self->second);
	mode_restore();
}

#define START_AND_WAIT(...) \
	do { \
		ASSERT_EQ(0, START(&self->running, &self->watch, __VA_ARGS__)); \
		ASSERT_TRUE(running_ready(&self->running)); \
	} while (0)

static void attach_again(struct __test_metadata *_metadata, struct watch *watch)
{
	watch_end(watch);
	ASSERT_TRUE(policy_gone(NULL));
	ASSERT_EQ(0, watch_start(watch, "unlinks_executable"));
}

TEST_F(record, begins_with_what_runs)
{
	START_AND_WAIT(PROGRAM, "ready", "wait", "unlink", PROGRAM);
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(DIR "/link"));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_REMOVAL(&self->watch, 0, DIR "/link", .flags = KRSI_SEEDED, .links_left = 1,
		       .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_SAME);
	EXPECT_REMOVAL(&self->watch, 1, PROGRAM, .flags = KRSI_SEEDED, .whose = KRSI_WHOSE_OWN,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(2, self->watch.seen->n);
}

TEST_F(record, begins_anew_with_what_runs_when_a_policy_is_attached_again)
{
	START_AND_WAIT(PROGRAM, "ready", "wait");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(DIR "/link"));
	EXPECT_EQ(1, self->watch.seen->n);
	attach_again(_metadata, &self->watch);
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_SEEDED, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(record, begins_with_what_was_executed_while_an_earlier_one_was_kept)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	START_AND_WAIT(PROGRAM, "ready", "wait");
	attach_again(_metadata, &self->watch);
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_SEEDED, .links_left = 1,
		    .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(record, begins_with_all_processes_that_run_a_file)
{
	START_AND_WAIT(PROGRAM, "fork", "ready", "wait", "self");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_SEEDED, .links_left = 1,
		    .whose = KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR, .name_now = KRSI_NAME_GONE);
}

TEST_F(record, begins_with_a_process_of_which_only_a_thread_lives)
{
	START_AND_WAIT(PROGRAM, "thread", "ready", "wait", "self");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_SEEDED, .links_left = 1,
		    .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(record, begins_with_a_program_of_an_overlay_and_its_layer)
{
	ASSERT_EQ(0, overlay_mount(DIR));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/merged/program", 0755));
	START_AND_WAIT(DIR "/merged/program", "ready", "wait");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(DIR "/upper/program"));
	EXPECT_ONLY(&self->watch, DIR "/upper/program", .flags = KRSI_SEEDED,
		    .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
	umount2(DIR "/merged", MNT_DETACH);
}

TEST_F(record, begins_with_the_interpreter_of_a_script_and_not_the_script)
{
	ASSERT_EQ(0, file_copy("/usr/bin/sh", DIR "/sh", 0755));
	ASSERT_EQ(0, file_make(DIR "/script", "#!" DIR "/sh\n" PROGRAM " ready wait\ntrue\n",
			       0755));
	START_AND_WAIT(DIR "/script");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(DIR "/script"));
	EXPECT_QUIET(&self->watch);
	ASSERT_EQ(0, unlink(DIR "/sh"));
	EXPECT_ONLY(&self->watch, DIR "/sh", .flags = KRSI_SEEDED,
		    .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(record, has_what_is_executed_again_from_then_on)
{
	START_AND_WAIT(PROGRAM, "ready", "wait");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .links_left = 1, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(record, has_nothing_of_what_ended_before_it_began)
{
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/ended", 0755));
	START_AND_WAIT(DIR "/ended", "ready");
	EXPECT_EQ(0, running_end(&self->running));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(DIR "/ended"));
	EXPECT_QUIET(&self->watch);
}

TEST_F(record, has_nothing_of_what_ended_while_an_earlier_one_was_kept)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	attach_again(_metadata, &self->watch);
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_QUIET(&self->watch);
}

#define NAMES 200
#define OTHERS 40

/* A program that will remove all of its other names, when it may. */
static void start_remover(struct __test_metadata *_metadata, struct running *running)
{
	static char path[NAMES][sizeof(DIR "/123")];
	char *argv[2 * NAMES + 4] = { PROGRAM, "ready", "wait" }, **arg = argv + 3;
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(path[i], sizeof(path[i]), DIR "/%d", i);
		ASSERT_EQ(0, link(PROGRAM, path[i]));
		*arg++ = "unlink";
		*arg++ = path[i];
	}
	ASSERT_EQ(0, running_start(running, NULL, argv));
	ASSERT_TRUE(running_ready(running));
}

/* Programs of their own, each later in the list of processes than those before. */
static void start_others(struct __test_metadata *_metadata, pid_t *others, int leash)
{
	char path[64];
	int i;

	for (i = 0; i < OTHERS; i++) {
		snprintf(path, sizeof(path), DIR "/other%d", i);
		ASSERT_EQ(0, file_copy(PROGRAM, path, 0755));
		ASSERT_EQ(0, spawn_waiting(path, leash, &others[i]));
	}
}

/* The remover comes first, and removes while the others are not recorded yet. */
TEST_F(record, takes_no_other_program_for_who_runs_a_file_while_it_begins)
{
	siginfo_t ended = {};
	pid_t others[OTHERS];
	char path[64];
	int i, leash[2];

	ASSERT_EQ(0, pipe2(leash, O_CLOEXEC));
	start_remover(_metadata, &self->running);
	start_others(_metadata, others, leash[0]);
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(1, write(self->running.leash, "", 1));
	while (!ended.si_pid) {
		ASSERT_EQ(0, waitid(P_PID, self->running.pid, &ended, WEXITED | WNOHANG | WNOWAIT));
		/* The first time when it has begun to remove. */
		if (!*(volatile __u32 *)&self->watch.seen->n)
			continue;
		policy_detach(&self->watch.policy);
		ASSERT_EQ(0, policy_attach(&self->watch.policy));
	}
	EXPECT_EQ(0, running_end(&self->running));
	close(leash[1]);
	for (i = 0; i < OTHERS; i++)
		EXPECT_EQ(0, run_wait(others[i]));

	EXPECT_NE(0, self->watch.seen->n);
	for (i = 0; i < self->watch.seen->n; i++) {
		const struct unlinked *u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, i);

		/* The names go away in their order; PROGRAM and DIR/link stay. */
		snprintf(path, sizeof(path), DIR "/%u", NAMES + 1 - u->links_left);
		/* Of one under way when the record began the mount is not known. */
		EXPECT_REMOVAL(&self->watch, i, u->path[0] ? path : NULL, .flags = KRSI_SEEDED,
			       .links_left = u->links_left, .whose = KRSI_WHOSE_OWN,
			       .name_now = KRSI_NAME_SAME);
	}
}

TEST_F(record, is_not_kept_for_file_unlink)
{
	ASSERT_EQ(0, watch_start(&self->second, "unlinks_file"));
	ASSERT_EQ(0, RUN(&self->second, PROGRAM));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_QUIET(&self->watch);
	EXPECT_FILE_REMOVAL(&self->second, 0, PROGRAM, .links_left = 1);
	EXPECT_EQ(1, self->second.seen->n);
}

TEST_F(record, is_kept_until_the_last_policy_is_detached)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	START_AND_WAIT(PROGRAM, "ready", "wait");
	ASSERT_EQ(0, watch_start(&self->second, "unlinks_both"));
	self->second.since = self->watch.since;
	ASSERT_EQ(0, unlink(DIR "/link"));
	EXPECT_ONLY(&self->watch, DIR "/link", .links_left = 1, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_SAME);
	policy_detach(&self->watch.policy);
	ASSERT_TRUE(policy_gone("unlinks_executable"));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_REMOVAL(&self->second, 0, DIR "/link", .links_left = 1,
		       .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_SAME);
	EXPECT_REMOVAL(&self->second, 1, PROGRAM, .whose = KRSI_WHOSE_DESCENDANT,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(4, self->second.seen->n);
	EXPECT_EQ(0, running_end(&self->running));
	/* Nothing more came to the one that was detached. */
	EXPECT_EQ(1, self->watch.seen->n);
}

TEST_F(record, is_not_kept_while_krsi_is_off)
{
	START_AND_WAIT(PROGRAM, "ready", "wait");
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, mode_set("off"));
	ASSERT_EQ(0, unlink(DIR "/link"));
	EXPECT_QUIET(&self->watch);
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_SEEDED, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_HARNESS_MAIN
