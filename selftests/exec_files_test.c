// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what an event says of files that are not what they seem: in the
 * layers of an overlay, on filesystems with and without generations, and those
 * that binfmt_misc gives to an interpreter.
 */

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <linux/fs.h>

#include "disk.h"
#include "kselftest_harness.h"
#include "observe.h"

FIXTURE(overlay)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_SETUP(overlay)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_no_sleep"));
	self->observer = self->policy.data;
	ASSERT_EQ(0, mkdir(DIR "/lower", 0755));
	ASSERT_EQ(0, mkdir(DIR "/upper", 0755));
	ASSERT_EQ(0, mkdir(DIR "/work", 0755));
	ASSERT_EQ(0, mkdir(DIR "/merged", 0755));
	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/lower/low", 0555));
	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/lower/copied", 0555));
	ASSERT_EQ(0, mount("overlay", DIR "/merged", "overlay", 0,
			   "lowerdir=" DIR "/lower,upperdir=" DIR "/upper,workdir=" DIR "/work"));
	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/merged/up", 0555));
	/* Changes nothing, but needs a copy in the upper layer. */
	ASSERT_EQ(0, chmod(DIR "/merged/copied", 0555));
}

FIXTURE_TEARDOWN(overlay)
{
	policy_close(&self->policy);
	umount2(DIR "/merged", MNT_DETACH);
}

static void run_merged(struct __test_metadata *_metadata, struct observer *observer,
		       const char *path, const char *real, __u32 flags)
{
	struct run how = observed(observer, path);
	struct observed *o = &observer->event[0];
	struct stat st, merged;

	ASSERT_EQ(0, run(&how));
	EXPECT_EQ(2, observer->n);
	EXPECT_ROUND(observer, 0, path, flags);
	ASSERT_EQ(0, stat(real, &st));
	ASSERT_EQ(0, stat(path, &merged));
	EXPECT_TRUE(same_file(&o->file, &st));
	EXPECT_NE(0, o->file.overlay_dev);
	EXPECT_NE(o->file.dev, o->file.overlay_dev);
	EXPECT_EQ(merged.st_dev, o->file.overlay_dev);
	EXPECT_EQ(merged.st_ino, o->file.overlay_ino);
	/* The executable of the new program is the same file. */
	EXPECT_EQ(0, memcmp(&o[1].task.exe, &o[0].file, sizeof(o[0].file)));
}

TEST_F(overlay, file_of_the_lower_layer)
{
	run_merged(_metadata, self->observer, DIR "/merged/low", DIR "/lower/low", 0);
}

TEST_F(overlay, file_of_the_upper_layer)
{
	run_merged(_metadata, self->observer, DIR "/merged/up", DIR "/upper/up",
		   KRSI_EXEC_OVERLAY_UPPER);
}

TEST_F(overlay, file_that_was_copied_up)
{
	run_merged(_metadata, self->observer, DIR "/merged/copied", DIR "/upper/copied",
		   KRSI_EXEC_OVERLAY_UPPER);
}

TEST_F(overlay, layer_without_the_overlay_is_an_ordinary_directory)
{
	struct run how = observed(self->observer, DIR "/upper/up");
	struct stat st;

	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/upper/up", 0);
	ASSERT_EQ(0, stat(DIR "/upper/up", &st));
	EXPECT_TRUE(same_file(&self->observer->event[0].file, &st));
	EXPECT_EQ(0, self->observer->event[0].file.overlay_dev);
}

/* A filesystem made on a file, on a loop device. */
FIXTURE(disk)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_VARIANT(disk)
{
	const char *type;
	bool generation;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(disk, ext4) { "ext4", true };
FIXTURE_VARIANT_ADD(disk, vfat) { "vfat", false };
/* clang-format on */

FIXTURE_SETUP(disk)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_no_sleep"));
	self->observer = self->policy.data;
	ASSERT_EQ(0, disk_mount(variant->type, DIR "/image", DIR "/disk"));
}

FIXTURE_TEARDOWN(disk)
{
	policy_close(&self->policy);
	umount(DIR "/disk");
}

TEST_F(disk, file_has_the_ids_that_its_filesystem_gives)
{
	struct run how = observed(self->observer, DIR "/disk/program");
	struct krsi_file_id *id = &self->observer->event[0].file;
	int fd, generation;
	struct stat st;

	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/disk/program", 0755));
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/disk/program", KRSI_EXEC_WRITABLE);
	ASSERT_EQ(0, stat(DIR "/disk/program", &st));
	EXPECT_TRUE(same_file(id, &st));
	EXPECT_EQ(0, id->overlay_dev);
	if (!variant->generation) {
		EXPECT_EQ(0, id->generation);
		return;
	}
	fd = open(DIR "/disk/program", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, ioctl(fd, FS_IOC_GETVERSION, &generation));
	close(fd);
	EXPECT_EQ((__u32)generation, id->generation);
}

TEST_F(disk, file_in_the_place_of_another_has_another_id)
{
	struct run how = observed(self->observer, DIR "/disk/program");
	struct krsi_file_id first;

	if (!variant->generation)
		return;
	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/disk/program", 0755));
	ASSERT_EQ(0, run(&how));
	first = self->observer->event[0].file;
	ASSERT_EQ(0, unlink(DIR "/disk/program"));
	sync();
	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/disk/program", 0755));
	how = observed(self->observer, DIR "/disk/program");
	ASSERT_EQ(0, run(&how));
	/* ext4 gives the free number out again at once. */
	EXPECT_EQ(first.ino, self->observer->event[0].file.ino);
	EXPECT_NE(first.generation, self->observer->event[0].file.generation);
}

#define MISC "/proc/sys/fs/binfmt_misc"

FIXTURE(binfmt)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_VARIANT(binfmt)
{
	const char *flags;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(binfmt, plain) { "" };
FIXTURE_VARIANT_ADD(binfmt, interpreter_opened_beforehand) { "F" };
FIXTURE_VARIANT_ADD(binfmt, interpreter_gets_the_file) { "O" };
FIXTURE_VARIANT_ADD(binfmt, credentials_of_the_file) { "OC" };
FIXTURE_VARIANT_ADD(binfmt, transparent) { "T" };
/* clang-format on */

FIXTURE_SETUP(binfmt)
{
	char rule[256];

	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_sleep"));
	self->observer = self->policy.data;
	if (access(MISC "/register", F_OK))
		ASSERT_EQ(0, mount("binfmt_misc", MISC, "binfmt_misc", 0, NULL));
	snprintf(rule, sizeof(rule), ":krsi_test:M::KRSITEST::%s:%s", DIR "/exit0",
		 variant->flags);
	ASSERT_LT(0, file_write(MISC "/register", rule));
	ASSERT_EQ(0, file_make(DIR "/foreign", "KRSITEST\n", 0555));
}

FIXTURE_TEARDOWN(binfmt)
{
	policy_close(&self->policy);
	file_write(MISC "/krsi_test", "-1");
}

TEST_F(binfmt, file_and_its_interpreter_are_seen_once_each)
{
	struct run how = observed(self->observer, DIR "/foreign");

	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/foreign", 0);
	EXPECT_ROUND(self->observer, 1, DIR "/exit0", 0);
	EXPECT_EQ(1, self->observer->event[2].executed);
	EXPECT_EQ(3, self->observer->n);
}

TEST_HARNESS_MAIN
