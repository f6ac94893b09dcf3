// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that every way by which a name goes away is one event, that what looks
 * alike is none, and what the event says of the file's other names.
 */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#define NEW DIR "/new"

FIXTURE(name)
{
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(name)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("exit0"), NEW, 0755));
	ASSERT_EQ(0, mkdir(DIR "/dir", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(name)
{
	watch_end(&self->watch);
}

TEST_F(name, that_the_program_gives_to_another_file)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "rename", NEW, PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .how = KRSI_UNLINK_RENAME_OVER, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_OTHER);
}

/* Nothing is held when it is done, though a worker that does it never comes back from the kernel. */
TEST_F(name, that_is_exchanged_or_removed_by_io_uring_leaves_its_filesystem_free)
{
	int i;

	ASSERT_EQ(0, mkdir(DIR "/mount", 0755));
	for (i = 0; i < rounds(20, 5); i++) {
		ASSERT_EQ(0, mount("tmpfs", DIR "/mount", "tmpfs", 0, NULL));
		ASSERT_EQ(0, file_copy(NEW, DIR "/mount/one", 0755));
		ASSERT_EQ(0, file_copy(NEW, DIR "/mount/two", 0755));
		ASSERT_EQ(0, RUN(&self->watch, DIR "/mount/one"));
		ASSERT_EQ(0, RUN(&self->watch, TOOL, "uring_exchange", DIR "/mount/one",
				 DIR "/mount/two", "uring", DIR "/mount/two",
				 "umount", DIR "/mount"));
	}
}

/* Nobody has looked for the old name since, and on tmpfs nothing remembers it. */
TEST_F(name, that_was_changed_before)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "rename", PROGRAM, DIR "/moved",
			 "unlink", DIR "/moved"));
	EXPECT_ONLY(&self->watch, DIR "/moved", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_UNKNOWN);
}

TEST_F(name, that_was_changed_before_and_taken_by_another_file)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "rename", PROGRAM, DIR "/moved",
			 "rename", NEW, PROGRAM, "unlink", DIR "/moved"));
	EXPECT_ONLY(&self->watch, DIR "/moved", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_OTHER);
}

/* What took the old name gives it up in this removal. */
TEST_F(name, that_is_taken_by_what_had_taken_the_old_one)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "rename", PROGRAM, DIR "/moved",
			 "rename", NEW, PROGRAM, "rename", PROGRAM, DIR "/moved"));
	EXPECT_ONLY(&self->watch, DIR "/moved", .how = KRSI_UNLINK_RENAME_OVER,
		    .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(name, that_is_another_one_of_the_file)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "link", PROGRAM, DIR "/link",
			 "unlink", DIR "/link"));
	EXPECT_ONLY(&self->watch, DIR "/link", .links_left = 1, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_SAME);
}

TEST_F(name, that_is_another_one_in_another_directory)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "link", PROGRAM, DIR "/dir/link",
			 "unlink", DIR "/dir/link"));
	EXPECT_ONLY(&self->watch, DIR "/dir/link", .links_left = 1, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_SAME);
}

TEST_F(name, in_a_directory_that_has_another_name_since)
{
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/dir/program", 0755));
	ASSERT_EQ(0, RUN(&self->watch, DIR "/dir/program", "rename", DIR "/dir", DIR "/dir2",
			 "unlink", DIR "/dir2/program"));
	EXPECT_ONLY(&self->watch, DIR "/dir2/program", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(name, that_is_the_last_one_after_the_one_it_was_executed_by)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "link", PROGRAM, DIR "/link",
			 "unlink", PROGRAM, "unlink", DIR "/link"));
	EXPECT_EQ(4, self->watch.seen->n);
	EXPECT_REMOVAL(&self->watch, 0, PROGRAM, .links_left = 1, .whose = KRSI_WHOSE_OWN,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, DIR "/link", .whose = KRSI_WHOSE_OWN,
		       .name_now = KRSI_NAME_UNKNOWN);
	EXPECT_FILE_REMOVAL(&self->watch, 0, PROGRAM, .links_left = 1);
	EXPECT_FILE_REMOVAL(&self->watch, 1, DIR "/link");
}

TEST_F(name, exchanged_with_another_is_not_removed)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "exchange", NEW, PROGRAM));
	EXPECT_QUIET(&self->watch);
}

TEST_F(name, exchanged_with_another_that_then_takes_it_is_removed)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "exchange", NEW, PROGRAM,
			 "exchange", NEW, PROGRAM, "rename", NEW, PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .how = KRSI_UNLINK_RENAME_OVER, .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_OTHER);
}

TEST_F(name, renamed_over_one_of_the_same_file_is_not_removed)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "link", PROGRAM, DIR "/link",
			 "rename", DIR "/link", PROGRAM));
	EXPECT_EQ(0, access(DIR "/link", F_OK));
	EXPECT_QUIET(&self->watch);
}

TEST_F(name, of_a_directory_is_not_of_a_file)
{
	ASSERT_EQ(0, mkdir(DIR "/other", 0755));
	ASSERT_EQ(0, rename(DIR "/other", DIR "/dir"));
	ASSERT_EQ(0, rmdir(DIR "/dir"));
	EXPECT_QUIET(&self->watch);
}

TEST_F(name, of_a_file_that_was_never_executed)
{
	ASSERT_EQ(0, link(NEW, DIR "/link"));
	ASSERT_EQ(0, unlink(NEW));
	ASSERT_EQ(0, rename(PROGRAM, DIR "/link"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, NEW, .links_left = 1);
	EXPECT_FILE_REMOVAL(&self->watch, 1, DIR "/link", .how = KRSI_UNLINK_RENAME_OVER);
	EXPECT_EQ(2, self->watch.seen->n);
}

TEST_F(name, of_what_is_no_regular_file)
{
	ASSERT_EQ(0, symlink(PROGRAM, DIR "/symlink"));
	ASSERT_EQ(0, mkfifo(DIR "/fifo", 0600));
	ASSERT_EQ(0, RUN(&self->watch, DIR "/symlink", "unlink", DIR "/symlink",
			 "unlink", DIR "/fifo"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, DIR "/symlink");
	EXPECT_FILE_REMOVAL(&self->watch, 1, DIR "/fifo");
	EXPECT_EQ(2, self->watch.seen->n);
}

/* What an exec was refused, or only asked about, was not executed. */
TEST_F(name, of_a_file_whose_exec_failed)
{
	struct run how = { .path = NEW, .at = true, .dirfd = AT_FDCWD, .flags = AT_EXECVE_CHECK };

	ASSERT_EQ(0, run(&how));
	ASSERT_EQ(0, file_make(DIR "/text", "no program\n", 0755));
	ASSERT_EQ(-ENOEXEC, RUN(&self->watch, DIR "/text"));
	ASSERT_EQ(0, file_make(DIR "/script", "#!/none\n", 0755));
	ASSERT_EQ(-ENOENT, RUN(&self->watch, DIR "/script"));
	ASSERT_EQ(0, unlink(NEW));
	ASSERT_EQ(0, unlink(DIR "/text"));
	ASSERT_EQ(0, unlink(DIR "/script"));
	EXPECT_EQ(3, seen(&self->watch, UNLINKS_FILE));
	EXPECT_EQ(0, seen(&self->watch, UNLINKS_EXECUTABLE));
}

/* The last byte is other than it was, the length is not. */
static int overwrite(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), ret;
	off_t last = lseek(fd, -1, SEEK_END);

	ret = pwrite(fd, "x", 1, last) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

TEST_F(name, of_a_file_written_since)
{
	ASSERT_EQ(0, link(NEW, DIR "/link"));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	ASSERT_EQ(0, RUN(&self->watch, NEW));
	usleep(50000);
	ASSERT_EQ(0, truncate(PROGRAM, 0));
	ASSERT_EQ(0, overwrite(NEW));
	ASSERT_EQ(0, unlink(PROGRAM));
	ASSERT_EQ(0, unlink(NEW));
	EXPECT_REMOVAL(&self->watch, 0, PROGRAM, .flags = KRSI_WRITTEN_SINCE,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, NEW, .flags = KRSI_WRITTEN_SINCE, .links_left = 1,
		       .name_now = KRSI_NAME_GONE);

	/* It is that file which is executed now. */
	ASSERT_EQ(0, RUN(&self->watch, DIR "/link"));
	ASSERT_EQ(0, unlink(DIR "/link"));
	EXPECT_REMOVAL(&self->watch, 2, DIR "/link", .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(6, self->watch.seen->n);
}

TEST_HARNESS_MAIN
