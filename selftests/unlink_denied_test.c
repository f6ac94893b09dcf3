// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy stops a removal, by either op, and that it stops none in
 * audit mode.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both", "unlinks_executable")

FIXTURE(removal)
{
	struct watch watch;
	struct policy_line line;
};

FIXTURE_SETUP(removal)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("exit0"), DIR "/new", 0755));
}

FIXTURE_TEARDOWN(removal)
{
	watch_end(&self->watch);
	mode_restore();
}

static void expect_denied(struct __test_metadata *_metadata, struct watch *watch, const char *name)
{
	struct policy_line line;

	ASSERT_EQ(EPERM, RUN(watch, PROGRAM, "self"));
	EXPECT_ONLY(watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
	ASSERT_EQ(0, policy_line(name, &line));
	EXPECT_EQ(1 + watch->both, line.runs);
	EXPECT_EQ(1, line.denials);
	EXPECT_EQ(0, line.errors);
}

TEST_F(removal, is_denied_by_executable_unlink_alone)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_EXECUTABLE);
	expect_denied(_metadata, &self->watch, "unlinks_executable");
}

TEST_F(removal, is_denied_by_executable_unlink_though_file_unlink_allows_it)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_EXECUTABLE);
	expect_denied(_metadata, &self->watch, "unlinks_both");
}

TEST_F(removal, is_denied_by_file_unlink_and_executable_unlink_sees_it_all_the_same)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_FILE);
	expect_denied(_metadata, &self->watch, "unlinks_both");
}

TEST_F(removal, of_a_file_that_never_ran_is_denied_by_file_unlink)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_file"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_FILE | UNLINKS_EXECUTABLE);
	EXPECT_EQ(-1, unlink(PROGRAM));
	EXPECT_EQ(EPERM, errno);
	EXPECT_FILE_REMOVAL(&self->watch, 0, PROGRAM);
	EXPECT_EQ(1, self->watch.seen->n);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
}

TEST_F(removal, by_renaming_is_denied_and_both_files_stay)
{
	struct stat old, new, st;

	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	ASSERT_EQ(0, stat(PROGRAM, &old));
	ASSERT_EQ(0, stat(DIR "/new", &new));
	watch_deny(&self->watch, PROGRAM, UNLINKS_EXECUTABLE);
	EXPECT_EQ(EPERM, RUN(&self->watch, PROGRAM, "rename", DIR "/new", PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .how = KRSI_UNLINK_RENAME_OVER, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_OTHER);
	ASSERT_EQ(0, stat(PROGRAM, &st));
	EXPECT_EQ(old.st_ino, st.st_ino);
	ASSERT_EQ(0, stat(DIR "/new", &st));
	EXPECT_EQ(new.st_ino, st.st_ino);
}

TEST_F(removal, by_io_uring_is_denied)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_EXECUTABLE);
	EXPECT_EQ(EPERM, RUN(&self->watch, PROGRAM, "uring", PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
}

TEST_F(removal, that_was_denied_is_seen_again_when_it_is_tried_again)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	watch_deny(&self->watch, PROGRAM, UNLINKS_EXECUTABLE);
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	EXPECT_EQ(-1, unlink(PROGRAM));
	EXPECT_EQ(-1, unlink(PROGRAM));
	self->watch.seen->deny = 0;
	EXPECT_EQ(0, unlink(PROGRAM));
	EXPECT_EQ(3, self->watch.seen->n);
	EXPECT_REMOVAL(&self->watch, 0, PROGRAM, .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, PROGRAM, .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 2, PROGRAM, .name_now = KRSI_NAME_GONE);
}

static void expect_would_be_denied(struct __test_metadata *_metadata, struct watch *watch)
{
	struct policy_line line;

	watch_deny(watch, PROGRAM, UNLINKS_FILE | UNLINKS_EXECUTABLE);
	EXPECT_EQ(0, RUN(watch, PROGRAM, "self"));
	EXPECT_ONLY(watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_NE(0, access(PROGRAM, F_OK));
	ASSERT_EQ(0, policy_line("unlinks_both", &line));
	EXPECT_EQ(2, line.runs);
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(2, line.would_denials);
}

TEST_F(removal, is_not_denied_by_a_policy_in_audit_mode)
{
	ASSERT_EQ(0, watch_start_flags(&self->watch, "unlinks_both", KRSI_AUDIT));
	expect_would_be_denied(_metadata, &self->watch);
}

TEST_F(removal, is_not_denied_in_audit_mode)
{
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	ASSERT_EQ(0, mode_set("audit"));
	expect_would_be_denied(_metadata, &self->watch);
}

TEST_HARNESS_MAIN
