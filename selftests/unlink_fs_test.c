// SPDX-License-Identifier: GPL-2.0
/* Proves that removals of executables are seen on the filesystems there are. */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "disk.h"
#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

FIXTURE(filesystem)
{
	struct watch watch;
	struct running running;
	char program[64], other[64], moved[64];
};

FIXTURE_VARIANT(filesystem)
{
	const char *type, *dir;
	bool has_links;
	__u32 old_name; /* what is known of a name that was looked for in vain */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(filesystem, tmpfs) { NULL, DIR, true, KRSI_NAME_UNKNOWN };
FIXTURE_VARIANT_ADD(filesystem, ext4) { "ext4", DIR "/disk", true, KRSI_NAME_GONE };
FIXTURE_VARIANT_ADD(filesystem, vfat) { "vfat", DIR "/disk", false, KRSI_NAME_GONE };
/* clang-format on */

FIXTURE_SETUP(filesystem)
{
	ASSERT_EQ(0, unlinks_dir());
	if (variant->type)
		ASSERT_EQ(0, disk_mount(variant->type, DIR "/image", variant->dir));
	snprintf(self->program, sizeof(self->program), "%s/program", variant->dir);
	snprintf(self->other, sizeof(self->other), "%s/other", variant->dir);
	snprintf(self->moved, sizeof(self->moved), "%s/moved", variant->dir);
	ASSERT_EQ(0, file_copy(test_path("unlinker"), self->program, 0755));
	ASSERT_EQ(0, file_copy(test_path("exit0"), self->other, 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	watch_device(&self->watch, variant->dir);
}

FIXTURE_TEARDOWN(filesystem)
{
	watch_end(&self->watch);
	unlink(self->program);
	unlink(self->other);
	unlink(self->moved);
	/* Nothing of KRSI's holds the mount. */
	if (variant->type)
		EXPECT_EQ(0, umount(variant->dir));
}

static void removes_itself(struct __test_metadata *_metadata, struct watch *watch, char *program)
{
	struct stat st;

	ASSERT_EQ(0, stat(program, &st));
	ASSERT_EQ(0, RUN(watch, program, "self"));
	EXPECT_ONLY(watch, program, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
	EXPECT_TRUE(same_file(&watch->seen->event[0].file, &st));
	EXPECT_EQ(0, watch->seen->event[0].file.overlay_dev);
}

static void is_removed_afterwards(struct __test_metadata *_metadata, struct watch *watch,
				  char *program)
{
	ASSERT_EQ(0, RUN(watch, program));
	ASSERT_EQ(0, unlink(program));
	EXPECT_ONLY(watch, program, .name_now = KRSI_NAME_GONE);
}

TEST_F(filesystem, where_a_program_removes_itself)
{
	removes_itself(_metadata, &self->watch, self->program);
}

TEST_F(filesystem, where_a_program_is_removed_after_it_has_ended)
{
	is_removed_afterwards(_metadata, &self->watch, self->program);
}

TEST_F(filesystem, where_a_program_is_replaced)
{
	ASSERT_EQ(0, RUN(&self->watch, self->program, "rename", self->other, self->program));
	EXPECT_ONLY(&self->watch, self->program, .how = KRSI_UNLINK_RENAME_OVER,
		    .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_OTHER);
}

TEST_F(filesystem, where_a_program_is_removed_under_another_name)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, self->program,
			   "rename", self->program, self->moved, "ready", "wait",
			   "unlink", self->moved));
	ASSERT_TRUE(running_ready(&self->running));
	EXPECT_NE(0, access(self->program, F_OK));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_ONLY(&self->watch, self->moved, .whose = KRSI_WHOSE_OWN,
		    .name_now = variant->old_name);
}

TEST_F(filesystem, where_another_link_of_a_program_is_removed)
{
	if (!variant->has_links) {
		EXPECT_EQ(EPERM, RUN(&self->watch, self->program, "link", self->program,
				     self->moved));
		EXPECT_QUIET(&self->watch);
		return;
	}
	ASSERT_EQ(0, RUN(&self->watch, self->program, "link", self->program, self->moved,
			 "unlink", self->moved));
	EXPECT_ONLY(&self->watch, self->moved, .links_left = 1, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_SAME);
}

/* Where case does not matter it is one name. */
TEST_F(filesystem, where_a_program_is_removed_by_its_name_in_other_letters)
{
	char upper[64];

	snprintf(upper, sizeof(upper), "%s/PROGRAM", variant->dir);
	if (strcmp(variant->type ?: "", "vfat")) {
		EXPECT_EQ(ENOENT, RUN(&self->watch, self->program, "unlink", upper));
		EXPECT_QUIET(&self->watch);
		return;
	}
	ASSERT_EQ(0, RUN(&self->watch, upper, "unlink", self->program));
	EXPECT_EQ(2, self->watch.seen->n);
	EXPECT_EQ(KRSI_WHOSE_OWN, seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0)->whose);
	EXPECT_EQ(KRSI_NAME_GONE, seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0)->name_now);
}

TEST_F(filesystem, where_two_names_are_exchanged)
{
	ASSERT_EQ(0, RUN(&self->watch, self->program, "exchange", self->program, self->other));
	EXPECT_QUIET(&self->watch);
}

/* On ext4 with the same number, as it is free again. */
TEST_F(filesystem, where_a_new_file_is_not_what_was_executed)
{
	ASSERT_EQ(0, RUN(&self->watch, self->program));
	ASSERT_EQ(0, unlink(self->program));
	sync();
	ASSERT_EQ(0, file_copy(test_path("unlinker"), self->program, 0755));
	watch_clear(&self->watch);
	ASSERT_EQ(0, unlink(self->program));
	EXPECT_FILE_REMOVAL(&self->watch, 0, self->program);
	EXPECT_EQ(1, self->watch.seen->n);
}

/* Pages, dentries and inodes that nobody uses; those used lately go the second time. */
static void forget_unused(struct __test_metadata *_metadata)
{
	int i;

	for (i = 0; i < 4; i++) {
		sync();
		ASSERT_LT(0, file_write("/proc/sys/vm/drop_caches", "3"));
	}
}

/*
 * The record of a file ends with its inode in memory: on tmpfs that is the file
 * itself, and on vfat it has another number when it is read again.
 */
TEST_F(filesystem, where_what_ran_is_known_while_its_inode_is_in_memory)
{
	struct stat before, after;
	bool forgotten;

	ASSERT_EQ(0, stat(self->program, &before));
	ASSERT_EQ(0, RUN(&self->watch, self->program));
	forget_unused(_metadata);
	ASSERT_EQ(0, stat(self->program, &after));
	forgotten = before.st_ino != after.st_ino || !strcmp(variant->type ?: "", "ext4");
	ASSERT_EQ(0, unlink(self->program));
	EXPECT_EQ(1, seen(&self->watch, UNLINKS_FILE));
	EXPECT_EQ(!forgotten, seen(&self->watch, UNLINKS_EXECUTABLE));
}

TEST_F(filesystem, where_what_runs_is_known_whatever_leaves_memory)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, self->program, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	forget_unused(_metadata);
	ASSERT_EQ(0, unlink(self->program));
	EXPECT_ONLY(&self->watch, self->program, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(filesystem, where_a_removal_is_denied)
{
	ASSERT_EQ(0, RUN(&self->watch, self->program));
	watch_deny(&self->watch, self->program, UNLINKS_EXECUTABLE);
	EXPECT_EQ(-1, unlink(self->program));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, rename(self->other, self->program));
	EXPECT_EQ(EPERM, errno);
	self->watch.seen->deny = 0;
	EXPECT_EQ(0, access(self->other, F_OK));
	EXPECT_EQ(0, RUN(&self->watch, self->program));
	EXPECT_REMOVAL(&self->watch, 0, self->program, .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, self->program, .how = KRSI_UNLINK_RENAME_OVER,
		       .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(4, self->watch.seen->n);
}

/* A tmpfs as well, so that little of it is tried again. */
#define SHARED "/dev/shm/krsi_program"

FIXTURE(shared_memory)
{
	struct watch watch;
};

FIXTURE_SETUP(shared_memory)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("unlinker"), SHARED, 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	watch_device(&self->watch, "/dev/shm");
}

FIXTURE_TEARDOWN(shared_memory)
{
	watch_end(&self->watch);
	unlink(SHARED);
}

TEST_F(shared_memory, where_a_program_removes_itself)
{
	removes_itself(_metadata, &self->watch, SHARED);
}

TEST_F(shared_memory, where_a_program_is_removed_after_it_has_ended)
{
	is_removed_afterwards(_metadata, &self->watch, SHARED);
}

TEST_HARNESS_MAIN
