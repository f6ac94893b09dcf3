// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a removal in an overlay is one event, and that it is seen in the
 * overlay and in the layer, wherever the program was executed.
 */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "disk.h"
#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#define LOWER DIR "/lower"
#define UPPER DIR "/upper"
#define MERGED DIR "/merged"

FIXTURE(overlay)
{
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(overlay)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, mkdir(LOWER, 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, LOWER "/low", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, LOWER "/copied", 0755));
	ASSERT_EQ(0, mkdir(LOWER "/dir", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, LOWER "/dir/low", 0755));
	ASSERT_EQ(0, overlay_mount(DIR));
	ASSERT_EQ(0, file_copy(PROGRAM, MERGED "/up", 0755));
	ASSERT_EQ(0, file_copy(DIR "/exit0", MERGED "/new", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	watch_device(&self->watch, MERGED);
}

FIXTURE_TEARDOWN(overlay)
{
	watch_end(&self->watch);
	umount2(MERGED, MNT_DETACH);
}

/* A program in the overlay removes itself: of which real file is the event? */
static void removes_itself(struct __test_metadata *_metadata, struct watch *watch, char *program,
			   const char *real)
{
	const struct krsi_file_id *id = &watch->seen->event[0].file;
	struct stat st, merged;

	ASSERT_EQ(0, stat(program, &merged));
	ASSERT_EQ(0, stat(real, &st));
	ASSERT_EQ(0, RUN(watch, program, "self"));
	EXPECT_ONLY(watch, program, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_NE(0, access(program, F_OK));
	EXPECT_TRUE(same_file(id, &st));
	EXPECT_EQ(merged.st_dev, id->overlay_dev);
	EXPECT_EQ(merged.st_ino, id->overlay_ino);
}

TEST_F(overlay, file_of_the_upper_layer_removes_itself)
{
	removes_itself(_metadata, &self->watch, MERGED "/up", UPPER "/up");
}

/* Deeper than any walk up would go. */
TEST_F(overlay, file_that_lies_deep_is_of_the_upper_layer_and_removed_once)
{
	struct observer *observer;
	struct policy policy;
	struct run how;
	int i;

	ASSERT_EQ(0, policy_start(&policy, "observer.bpf.o", "observer_no_sleep"));
	observer = policy.data;
	ASSERT_EQ(0, chdir(MERGED));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, mkdir("d", 0755));
		ASSERT_EQ(0, chdir("d"));
	}
	ASSERT_EQ(0, file_copy(PROGRAM, "program", 0755));
	how = observed(observer, "./program");
	ASSERT_EQ(0, run(&how));
	EXPECT_TRUE(observer->event[0].flags & KRSI_EXEC_OVERLAY_UPPER);
	ASSERT_EQ(0, unlink("program"));
	EXPECT_EQ(1, seen(&self->watch, UNLINKS_FILE));
	EXPECT_EQ(1, seen(&self->watch, UNLINKS_EXECUTABLE));
	ASSERT_EQ(0, chdir("/"));
	policy_close(&policy);
}

/* overlayfs marks the directory as its own, and takes the mark back with the first of them. */
TEST_F(overlay, file_is_of_an_upper_layer_that_two_overlays_had)
{
	struct observer *observer;
	struct policy policy;
	struct run how;

	ASSERT_EQ(0, policy_start(&policy, "observer.bpf.o", "observer_no_sleep"));
	observer = policy.data;
	ASSERT_EQ(0, mkdir(DIR "/second", 0755));
	ASSERT_EQ(0, mkdir(DIR "/work2", 0755));
	ASSERT_EQ(0, mount("overlay", DIR "/second", "overlay", 0, "index=off,lowerdir=" LOWER
			   ",upperdir=" UPPER ",workdir=" DIR "/work2"));
	ASSERT_EQ(0, umount2(DIR "/second", 0));
	how = observed(observer, MERGED "/up");
	ASSERT_EQ(0, run(&how));
	EXPECT_TRUE(observer->event[0].flags & KRSI_EXEC_OVERLAY_UPPER);
	watch_clear(&self->watch);
	ASSERT_EQ(0, unlink(MERGED "/up"));
	EXPECT_EQ(1, seen(&self->watch, UNLINKS_FILE));
	EXPECT_EQ(1, seen(&self->watch, UNLINKS_EXECUTABLE));
	policy_close(&policy);
}

TEST_F(overlay, file_of_the_lower_layer_removes_itself)
{
	removes_itself(_metadata, &self->watch, MERGED "/low", LOWER "/low");
}

TEST_F(overlay, file_that_was_copied_up_removes_itself)
{
	/* Changes nothing, but needs a copy in the upper layer. */
	ASSERT_EQ(0, chmod(MERGED "/copied", 0755));
	removes_itself(_metadata, &self->watch, MERGED "/copied", UPPER "/copied");
}

TEST_F(overlay, file_that_is_copied_up_while_it_runs_removes_itself)
{
	struct stat st;

	ASSERT_EQ(0, START(&self->running, &self->watch, MERGED "/copied", "ready", "wait",
			   "self"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, chmod(MERGED "/copied", 0755));
	ASSERT_EQ(0, stat(UPPER "/copied", &st));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_ONLY(&self->watch, MERGED "/copied", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_TRUE(same_file(&self->watch.seen->event[0].file, &st));
}

TEST_F(overlay, file_that_was_copied_up_after_it_ended_is_removed)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/copied"));
	ASSERT_EQ(0, chmod(MERGED "/copied", 0755));
	ASSERT_EQ(0, unlink(MERGED "/copied"));
	EXPECT_ONLY(&self->watch, MERGED "/copied", .name_now = KRSI_NAME_GONE);
}

TEST_F(overlay, program_is_removed_in_its_upper_layer)
{
	struct stat st;

	ASSERT_EQ(0, stat(UPPER "/up", &st));
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up", "unlink", UPPER "/up"));
	EXPECT_ONLY(&self->watch, UPPER "/up", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_TRUE(same_file(&self->watch.seen->event[0].file, &st));
	EXPECT_EQ(0, self->watch.seen->event[0].file.overlay_dev);
}

TEST_F(overlay, program_is_removed_in_its_lower_layer)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/low", "unlink", LOWER "/low"));
	EXPECT_ONLY(&self->watch, LOWER "/low", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(overlay, program_executed_in_the_upper_layer_is_removed_through_the_overlay)
{
	ASSERT_EQ(0, RUN(&self->watch, UPPER "/up", "unlink", MERGED "/up"));
	EXPECT_ONLY(&self->watch, MERGED "/up", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

/* The program stays where it is: only a whiteout hides it. */
TEST_F(overlay, program_executed_in_the_lower_layer_is_not_removed_through_the_overlay)
{
	ASSERT_EQ(0, RUN(&self->watch, LOWER "/low", "unlink", MERGED "/low"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, MERGED "/low");
	EXPECT_EQ(1, self->watch.seen->n);
	EXPECT_EQ(0, access(LOWER "/low", F_OK));
}

static void is_replaced(struct __test_metadata *_metadata, struct watch *watch, char *program)
{
	ASSERT_EQ(0, RUN(watch, program, "rename", MERGED "/new", program));
	EXPECT_ONLY(watch, program, .how = KRSI_UNLINK_RENAME_OVER, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_OTHER);
}

TEST_F(overlay, file_of_the_upper_layer_is_replaced)
{
	is_replaced(_metadata, &self->watch, MERGED "/up");
}

TEST_F(overlay, file_of_the_lower_layer_is_replaced)
{
	is_replaced(_metadata, &self->watch, MERGED "/low");
}

TEST_F(overlay, file_that_was_copied_up_is_replaced)
{
	ASSERT_EQ(0, chmod(MERGED "/copied", 0755));
	is_replaced(_metadata, &self->watch, MERGED "/copied");
}

TEST_F(overlay, file_is_replaced_by_one_of_the_lower_layer)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up", "rename", MERGED "/low", MERGED "/up"));
	EXPECT_ONLY(&self->watch, MERGED "/up", .how = KRSI_UNLINK_RENAME_OVER,
		    .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_OTHER);
}

static void loses_a_link(struct __test_metadata *_metadata, struct watch *watch, char *program)
{
	ASSERT_EQ(0, RUN(watch, program, "link", program, MERGED "/link",
			 "unlink", MERGED "/link"));
	EXPECT_ONLY(watch, MERGED "/link", .links_left = 1, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_SAME);
}

TEST_F(overlay, file_of_the_upper_layer_loses_a_link)
{
	loses_a_link(_metadata, &self->watch, MERGED "/up");
}

TEST_F(overlay, file_of_the_lower_layer_loses_a_link)
{
	loses_a_link(_metadata, &self->watch, MERGED "/low");
}

/* In the order of dpkg's calls, in a container. */
TEST_F(overlay, file_of_the_lower_layer_is_upgraded_while_it_runs)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, MERGED "/low", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "link", MERGED "/low", MERGED "/tmp",
			 "rename", MERGED "/new", MERGED "/low", "unlink", MERGED "/tmp"));
	EXPECT_EQ(4, self->watch.seen->n);
	EXPECT_REMOVAL(&self->watch, 0, MERGED "/low", .how = KRSI_UNLINK_RENAME_OVER,
		       .links_left = 1, .whose = KRSI_WHOSE_OTHER, .name_now = KRSI_NAME_OTHER);
	EXPECT_REMOVAL(&self->watch, 1, MERGED "/tmp", .whose = KRSI_WHOSE_OTHER,
		       .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

/* The directory needs a copy in the upper layer for the new file. */
TEST_F(overlay, file_is_removed_in_a_directory_that_was_copied_up_while_it_ran)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, MERGED "/dir/low", "ready", "wait",
			   "self"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, file_make(MERGED "/dir/file", "new\n", 0644));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_ONLY(&self->watch, MERGED "/dir/low", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(overlay, file_is_replaced_in_a_directory_that_was_copied_up_for_it)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/dir/low"));
	ASSERT_EQ(0, file_copy(PROGRAM, MERGED "/dir/new", 0755));
	ASSERT_EQ(0, rename(MERGED "/dir/new", MERGED "/dir/low"));
	EXPECT_ONLY(&self->watch, MERGED "/dir/low", .how = KRSI_UNLINK_RENAME_OVER,
		    .name_now = KRSI_NAME_OTHER);
}

TEST_F(overlay, names_that_are_exchanged_are_not_removed)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up", "exchange", MERGED "/up", MERGED "/new",
			 "exchange", MERGED "/up", MERGED "/low",
			 "exchange", MERGED "/low", MERGED "/copied"));
	EXPECT_QUIET(&self->watch);
}

/* In the layer it is exchanged with the whiteout. */
TEST_F(overlay, name_that_is_moved_to_where_a_whiteout_is_is_not_removed)
{
	ASSERT_EQ(0, unlink(MERGED "/low"));
	ASSERT_EQ(0, chmod(MERGED "/copied", 0755));
	watch_clear(&self->watch);
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/copied", "rename", MERGED "/copied",
			 MERGED "/low"));
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up", "rename", MERGED "/up", MERGED "/copied"));
	EXPECT_QUIET(&self->watch);
}

TEST_F(overlay, removal_that_is_denied_leaves_the_layer_alone)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up"));
	watch_deny(&self->watch, UPPER "/up", UNLINKS_EXECUTABLE);
	EXPECT_EQ(EPERM, RUN(&self->watch, MERGED "/up", "self"));
	EXPECT_ONLY(&self->watch, MERGED "/up", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, access(UPPER "/up", F_OK));
	watch_clear(&self->watch);
	EXPECT_EQ(EPERM, RUN(&self->watch, MERGED "/up", "unlink", UPPER "/up"));
	EXPECT_ONLY(&self->watch, UPPER "/up", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, access(MERGED "/up", F_OK));
}

TEST_F(overlay, two_removals_one_after_the_other_are_two)
{
	ASSERT_EQ(0, RUN(&self->watch, MERGED "/up", "unlink", MERGED "/low",
			 "unlink", MERGED "/up"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, MERGED "/low");
	EXPECT_FILE_REMOVAL(&self->watch, 1, MERGED "/up");
	EXPECT_REMOVAL(&self->watch, 0, MERGED "/up", .whose = KRSI_WHOSE_OWN,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(3, self->watch.seen->n);
}

TEST_HARNESS_MAIN
