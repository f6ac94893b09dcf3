// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what a policy is told of a mount: its stage, what it stands on and which USB
 * device that is; and that shipped policies are silent about what is not on USB.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/btrfs.h>

#include "kselftest_harness.h"
#include "disk.h"
#include "fuse.h"
#include "mounts.h"
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("mounts.bpf.o", "mounts")

#define DIR "/tmp/krsi-mounts"
#define TO DIR "/mnt"
#define EXT4 "mkfs.ext4 -q -F"

static int to(const char *dev, const char *type, unsigned long flags, const char *options)
{
	return mount(dev, TO, type, flags, options) ? -errno : 0;
}

static int directories(void)
{
	return (mkdir(DIR, 0755) && errno != EEXIST) || (mkdir(TO, 0755) && errno != EEXIST) ||
	       (mkdir(DIR "/lower", 0755) && errno != EEXIST) ? -errno : 0;
}

/* A filesystem on a loop device of memory. */
static int local(char *loop, size_t size)
{
	return shell("truncate -s 16M " DIR "/local") ?: shell(EXT4 " " DIR "/local") ?:
	       loop_on(DIR "/local", loop, size);
}

FIXTURE(told)
{
	struct policy policy;
	struct mounts *seen;
	struct stick stick, other;
	char loop[32];
};

FIXTURE_SETUP(told)
{
	ASSERT_EQ(0, directories());
	ASSERT_EQ(0, stick_find(&self->stick, "behind-hub"));
	ASSERT_EQ(0, stick_find(&self->other, "uas"));
	ASSERT_EQ(0, stick_format(&self->stick, EXT4));
	ASSERT_EQ(0, stick_format(&self->other, EXT4));
	ASSERT_EQ(0, local(self->loop, sizeof(self->loop)));
	ASSERT_EQ(0, policy_start(&self->policy, "mounts.bpf.o", "mounts"));
	self->seen = self->policy.data;
	self->seen->tgid = getpid();
}

FIXTURE_TEARDOWN(told)
{
	policy_close(&self->policy);
	umount2(TO, MNT_DETACH);
	umount2(TO, MNT_DETACH);
	dm_off("krsi-both");
	loop_off(self->loop);
}

#define EXPECT_EVENT(i, is_stage, is_flags, on, is_answer) do { \
	const struct mounts_event *event = &self->seen->event[i]; \
\
	ASSERT_LT(i, self->seen->n); \
	EXPECT_EQ(is_stage, event->stage); \
	EXPECT_EQ(is_flags, event->flags); \
	EXPECT_EQ(on, event->transports); \
	EXPECT_EQ(is_answer, event->answer); \
} while (0)

TEST_F(told, mount_of_a_stick)
{
	const struct mounts_event *event = self->seen->event;
	struct stat st;

	ASSERT_EQ(0, stat(self->stick.dev, &st));
	ASSERT_EQ(0, to(self->stick.dev, "ext4", MS_RDONLY, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, KRSI_MOUNT_READ_ONLY, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(1, KRSI_MOUNT_MOUNT, KRSI_MOUNT_READ_ONLY, KRSI_TRANSPORT_USB, 0);
	EXPECT_EQ(2, self->seen->n);
	EXPECT_EQ(st.st_rdev, event[0].dev);
	EXPECT_EQ(st.st_rdev, event[1].dev);
	EXPECT_EQ(0, memcmp(&self->stick.id, &event[0].id, sizeof(event[0].id)));
	EXPECT_EQ(0, memcmp(&self->stick.id, &event[1].id, sizeof(event[1].id)));
	EXPECT_STREQ("ext4", event[0].fs_type);
	EXPECT_STREQ(self->stick.disk, event[0].device);
	EXPECT_STREQ(self->stick.disk, event[1].device);
}

TEST_F(told, remounts)
{
	ASSERT_EQ(0, to(self->stick.dev, "ext4", 0, NULL));
	ASSERT_EQ(0, to(NULL, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	ASSERT_EQ(0, to(NULL, NULL, MS_REMOUNT, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(1, KRSI_MOUNT_MOUNT, 0, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(2, KRSI_MOUNT_REMOUNT, KRSI_MOUNT_READ_ONLY, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(3, KRSI_MOUNT_REMOUNT, 0, KRSI_TRANSPORT_USB, 0);
	EXPECT_EQ(4, self->seen->n);
}

TEST_F(told, loop_on_memory)
{
	ASSERT_EQ(0, to(self->loop, "ext4", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_MEMORY, -ENODATA);
	EXPECT_EVENT(1, KRSI_MOUNT_MOUNT, 0, KRSI_TRANSPORT_MEMORY, -ENODATA);
}

/*
 * Eleven storeys of two dm devices, each of which stands on both below: 2,048 ways down to
 * the ground, which is memory. More than is looked at, so nobody says that it is no stick.
 */
TEST_F(told, more_than_is_looked_at)
{
	char below[2][32], node[2][32], name[32];
	int i, storey;

	strcpy(below[0], self->loop);
	strcpy(below[1], self->loop);
	for (storey = 0; storey < 11; storey++) {
		for (i = 0; i < 2; i++) {
			snprintf(name, sizeof(name), "krsi-%d-%d", storey, i);
			ASSERT_EQ(0, pair_on(below[0], below[1], name, node[i], sizeof(node[i])));
		}
		memcpy(below, node, sizeof(below));
	}
	EXPECT_EQ(0, to(node[0], "ext4", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_MEMORY | KRSI_TRANSPORT_MORE,
		     -ENODATA);
	EXPECT_EQ(0, umount(TO));
	while (storey--) {
		snprintf(name, sizeof(name), "krsi-%d-0", storey);
		dm_off(name);
		snprintf(name, sizeof(name), "krsi-%d-1", storey);
		dm_off(name);
	}
}

/* At a port that the firmware calls hard-wired. */
TEST_F(told, disk_that_is_built_in)
{
	struct stick fixed;

	ASSERT_EQ(0, stick_find(&fixed, "fixed"));
	ASSERT_EQ(0, stick_format(&fixed, EXT4));
	ASSERT_EQ(0, to(fixed.dev, "ext4", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_USB_FIXED, 0);
	EXPECT_EQ(KRSI_USB_FIXED, self->seen->event[0].id.flags);
	EXPECT_STREQ("fixed", self->seen->event[0].id.serial);
}

TEST_F(told, disk_of_the_machine)
{
	ASSERT_EQ(0, shell(EXT4 " /dev/vda"));
	ASSERT_EQ(0, to("/dev/vda", "ext4", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_LOCAL, -ENODATA);
	EXPECT_EVENT(1, KRSI_MOUNT_MOUNT, 0, KRSI_TRANSPORT_LOCAL, -ENODATA);
}

TEST_F(told, filesystem_without_a_device)
{
	ASSERT_EQ(0, to("tmpfs", "tmpfs", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_MOUNT, 0, 0, -ENODATA);
	EXPECT_STREQ("tmpfs", self->seen->event[0].fs_type);
	EXPECT_EQ(1, self->seen->n);
}

TEST_F(told, overlay_of_a_stick_and_memory)
{
	ASSERT_EQ(0, to(self->stick.dev, "ext4", 0, NULL));
	ASSERT_EQ(0, to("overlay", "overlay", 0, "lowerdir=" TO ":" DIR "/lower"));
	/* Without an upper layer it may only be read. */
	EXPECT_EVENT(2, KRSI_MOUNT_MOUNT, KRSI_MOUNT_READ_ONLY,
		     KRSI_TRANSPORT_USB | KRSI_TRANSPORT_MEMORY, 0);
	EXPECT_STREQ("overlay", self->seen->event[2].fs_type);
}

/* The layer got a stick when the overlay was mounted already. */
TEST_F(told, file_of_an_overlay_whose_layer_grew)
{
	struct btrfs_ioctl_vol_args args = {};
	int fd;

	ASSERT_EQ(0, shell("modprobe btrfs"));
	ASSERT_EQ(0, disk_mount("btrfs", DIR "/layer", TO));
	unlink(DIR "/layer");
	ASSERT_EQ(0, shell("cp " DIR "/local " TO "/image"));
	fd = open(TO, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, to("overlay", "overlay", 0, "lowerdir=" TO ":" DIR "/lower"));
	snprintf(args.name, sizeof(args.name), "%s", self->stick.dev);
	EXPECT_EQ(0, ioctl(fd, BTRFS_IOC_ADD_DEV, &args));
	close(fd);
	loop_off(self->loop);
	ASSERT_EQ(0, loop_read_only(TO "/image", self->loop, sizeof(self->loop)));
	self->seen->n = 0;
	EXPECT_EQ(0, to(self->loop, "ext4", MS_RDONLY, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, KRSI_MOUNT_READ_ONLY,
		     KRSI_TRANSPORT_USB | KRSI_TRANSPORT_MEMORY, 0);
	umount(TO);
}

/* None of them speaks for the other. */
TEST_F(told, two_sticks)
{
	ASSERT_EQ(0, stick_format(&self->other, EXT4 " -b 4096 -O journal_dev"));
	ASSERT_EQ(0, shell(EXT4 " -b 4096 -J device=%s %s", self->other.dev, self->stick.dev));
	self->seen->n = 0;
	ASSERT_EQ(0, to(self->stick.dev, "ext4", 0, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(1, KRSI_MOUNT_DEVICE, 0, KRSI_TRANSPORT_USB, 0);
	EXPECT_EVENT(2, KRSI_MOUNT_MOUNT, 0, KRSI_TRANSPORT_USB, -E2BIG);
	EXPECT_STREQ("behind-hub", self->seen->event[0].id.serial);
	EXPECT_STREQ("uas", self->seen->event[1].id.serial);
}

/* It is not there, but its driver is: what is behind it nobody knows. */
TEST_F(told, network_block_device)
{
	EXPECT_NE(0, to("/dev/nbd0", "ext4", MS_RDONLY, NULL));
	EXPECT_EVENT(0, KRSI_MOUNT_DEVICE, KRSI_MOUNT_READ_ONLY, KRSI_TRANSPORT_UNKNOWN,
		     -ENODATA);
}

FIXTURE(innocent)
{
	struct shipped shipped;
	struct stick stick;
	char loop[32];
};

FIXTURE_SETUP(innocent)
{
	ASSERT_EQ(0, directories());
	ASSERT_EQ(0, stick_find(&self->stick, "direct"));
	ASSERT_EQ(0, stick_format(&self->stick, EXT4));
	ASSERT_EQ(0, to(self->stick.dev, "ext4", 0, NULL));
	ASSERT_EQ(0, shell("dd status=none if=%s of=" DIR "/copy bs=1M", self->stick.dev));
	log_mark();
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
}

FIXTURE_TEARDOWN(innocent)
{
	EXPECT_NO_REPORT(&self->shipped);
	shipped_end(&self->shipped);
	while (!umount2(TO, MNT_DETACH))
		;
	umount2(DIR "/lower", MNT_DETACH);
	unlink(DIR "/copy");
}

TEST_F(innocent, mounts_of_what_is_not_on_usb_are_silent)
{
	char loop[32];

	EXPECT_EQ(0, loop_on(DIR "/copy", loop, sizeof(loop)));
	EXPECT_EQ(0, to(loop, "ext4", 0, NULL));
	EXPECT_EQ(0, to("tmpfs", "tmpfs", 0, NULL));
	EXPECT_EQ(0, to("proc", "proc", 0, NULL));
	EXPECT_EQ(0, to("sysfs", "sysfs", 0, NULL));
	EXPECT_EQ(0, to("overlay", "overlay", 0, "lowerdir=" DIR "/lower:/usr"));
	loop_off(loop);
}

/* A disk of the machine, FUSE, and a directory of the host. */
TEST_F(innocent, mounts_of_what_a_machine_has_are_silent)
{
	struct fuse fuse;

	ASSERT_EQ(0, shell(EXT4 " /dev/vda"));
	EXPECT_EQ(0, to("/dev/vda", "ext4", 0, NULL));
	EXPECT_EQ(0, fuse_start(&fuse, test_path("exit0"), TO));
	EXPECT_EQ(0, access(TO "/program", X_OK));
	fuse_end(&fuse, TO);
	EXPECT_EQ(0, to("krsi-9p", "9p", 0, "trans=virtio,version=9p2000.L"));
	EXPECT_EQ(0, mkdir(TO "/by-9p", 0755));
	EXPECT_EQ(0, to("krsi-virtiofs", "virtiofs", 0, NULL));
	EXPECT_EQ(0, rmdir(TO "/by-9p"));
}

TEST_F(innocent, what_was_mounted_before_is_listed_and_stays_in_use)
{
	int tree;
	char line[128];

	snprintf(line, sizeof(line), "usb_mount: ext4 on %s is mounted already", self->stick.disk);
	EXPECT_TRUE(log_has(line));
	EXPECT_EQ(0, mount(TO, DIR "/lower", NULL, MS_BIND, NULL));
	EXPECT_EQ(0, mkdir(DIR "/lower/new", 0755));
	EXPECT_EQ(0, umount(DIR "/lower"));
	EXPECT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	EXPECT_EQ(0, mount(TO, DIR "/lower", NULL, MS_MOVE, NULL));
	EXPECT_EQ(0, mount(DIR "/lower", TO, NULL, MS_MOVE, NULL));
	tree = open_tree(AT_FDCWD, TO, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	EXPECT_LE(0, tree);
	EXPECT_EQ(0, move_mount(tree, "", AT_FDCWD, DIR "/lower", MOVE_MOUNT_F_EMPTY_PATH));
	close(tree);
	EXPECT_EQ(0, to(NULL, NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

TEST_F(innocent, what_is_unmounted_is_listed_no_more)
{
	struct policy policy;

	ASSERT_EQ(0, umount(TO));
	usleep(1000000);
	log_mark();
	ASSERT_EQ(0, policy_start(&policy, "mounts.bpf.o", "mounts"));
	policy_close(&policy);
	EXPECT_FALSE(log_has("is mounted already"));
}

TEST_HARNESS_MAIN
