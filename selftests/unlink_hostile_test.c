// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that filesystems which a user may mount, made so that a look at them
 * fails, do no harm: a name that a directory can't hash, an overlay that has
 * lost a file's data.
 */

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "kselftest_harness.h"
#include "unlinking.h"

#define MOUNT DIR "/mount"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

FIXTURE(hostile)
{
	struct watch watch;
};

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, mkdir(MOUNT, 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(hostile)
{
	watch_end(&self->watch);
	umount2(MOUNT, MNT_DETACH);
}

/* No UTF-8: a directory that folds case and is strict refuses to hash it. */
#define NO_NAME MOUNT "/strict/\xff"

static int fold_case(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), flags = FS_CASEFOLD_FL;
	int ret = ioctl(fd, FS_IOC_SETFLAGS, &flags);

	close(fd);
	return ret;
}

TEST_F(hostile, directory_that_can_not_hash_the_name_it_was_executed_by)
{
	if (mount("tmpfs", MOUNT, "tmpfs", 0, "casefold,strict_encoding"))
		SKIP(return, "no CONFIG_UNICODE");
	watch_device(&self->watch, MOUNT);
	ASSERT_EQ(0, mkdir(MOUNT "/strict", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, NO_NAME, 0755));
	ASSERT_EQ(0, RUN(&self->watch, NO_NAME));
	ASSERT_EQ(0, rename(NO_NAME, MOUNT "/program"));
	ASSERT_EQ(0, fold_case(MOUNT "/strict"));
	ASSERT_EQ(0, link(MOUNT "/program", MOUNT "/strict/program"));
	ASSERT_EQ(0, unlink(MOUNT "/strict/program"));
	EXPECT_ONLY(&self->watch, MOUNT "/strict/program", .links_left = 1,
		    .name_now = KRSI_NAME_UNKNOWN);
}

TEST_F(hostile, overlay_that_has_lost_the_data_of_a_file)
{
	ASSERT_EQ(0, mkdir(DIR "/lower", 0755));
	ASSERT_EQ(0, mkdir(DIR "/data", 0755));
	ASSERT_EQ(0, mkdir(DIR "/upper", 0755));
	ASSERT_EQ(0, mkdir(DIR "/work", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/lower/lost", 0755));
	ASSERT_EQ(0, setxattr(DIR "/lower/lost", "user.overlay.metacopy", "", 0, 0));
	ASSERT_EQ(0, setxattr(DIR "/lower/lost", "user.overlay.redirect", "/absent", 7, 0));
	ASSERT_EQ(0, mount("overlay", MOUNT, "overlay", 0,
			   "userxattr,lowerdir=" DIR "/lower::" DIR "/data,upperdir=" DIR
			   "/upper,workdir=" DIR "/work"));
	watch_device(&self->watch, MOUNT);
	/* To mount an overlay that can be written to removes files in its work directory. */
	watch_clear(&self->watch);
	ASSERT_EQ(0, unlink(MOUNT "/lost"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, MOUNT "/lost");
	EXPECT_EQ(1, self->watch.seen->n);
}

TEST_HARNESS_MAIN
