// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy usb_readonly lets a USB stick be read and not written,
 * and that both policies let a stick through that is allowed, and no other.
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
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("usb_readonly.bpf.o", "usb_readonly")

#define TO "/tmp/krsi-usb-ro"
#define LOCAL "/tmp/krsi-usb-local"

FIXTURE(sticks)
{
	struct stick direct, hub;
	struct shipped shipped;
	char loop[32];
};

FIXTURE_SETUP(sticks)
{
	ASSERT_TRUE(!mkdir(TO, 0755) || errno == EEXIST);
	ASSERT_EQ(0, stick_find(&self->direct, "direct"));
	ASSERT_EQ(0, stick_find(&self->hub, "behind-hub"));
	ASSERT_EQ(0, stick_format(&self->direct, "mkfs.ext4 -q -F"));
	ASSERT_EQ(0, stick_format(&self->hub, "mkfs.ext4 -q -F"));
}

FIXTURE_TEARDOWN(sticks)
{
	shipped_end(&self->shipped);
	while (!umount2(TO, MNT_DETACH))
		;
	loop_off(self->loop);
	unlink(LOCAL);
}

static int on(const struct stick *stick, unsigned long flags)
{
	return mount(stick->dev, TO, "ext4", flags, NULL) ? -errno : 0;
}

static int allow(struct shipped *shipped, const struct krsi_usb_id *id)
{
	struct bpf_map *map = bpf_object__find_map_by_name(shipped->policy.obj, "allowed_usb");
	__u32 one = 1;

	return bpf_map_update_elem(bpf_map__fd(map), id, &one, BPF_ANY);
}

TEST_F(sticks, are_read_and_not_written)
{
	struct shipped *shipped = &self->shipped;

	ASSERT_EQ(0, shipped_start(shipped, "usb_readonly", "enforce"));
	EXPECT_EQ(-EPERM, on(&self->direct, 0));
	EXPECT_EQ(0, on(&self->direct, MS_RDONLY));
	EXPECT_EQ(0, access(TO "/lost+found", F_OK));
	EXPECT_EQ(1, shipped_reports(shipped));
	EXPECT_EQ(-1, mount(NULL, TO, NULL, MS_REMOUNT, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, mount(NULL, TO, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID, NULL));
	EXPECT_EQ(2, shipped_reports(shipped));
	EXPECT_STREQ("usb_remount", shipped->report[1].signal);
	EXPECT_EQ(-1, mkdir(TO "/new", 0755));
	EXPECT_EQ(EROFS, errno);
}

/* btrfs makes a filesystem writable when it is mounted once more. */
TEST_F(sticks, are_not_written_by_another_mount)
{
	ASSERT_EQ(0, shell("modprobe btrfs"));
	ASSERT_EQ(0, stick_format(&self->direct, "mkfs.btrfs -q -f -M"));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_readonly", "enforce"));
	ASSERT_EQ(0, mount(self->direct.dev, TO, "btrfs", MS_RDONLY, NULL));
	EXPECT_EQ(-1, mount(self->direct.dev, TO, "btrfs", 0, NULL));
	EXPECT_EQ(EPERM, errno);
	/* The mount, not the filesystem. */
	ASSERT_EQ(0, mount(NULL, TO, NULL, MS_REMOUNT | MS_BIND, NULL));
	EXPECT_EQ(-1, mkdir(TO "/new", 0755));
	EXPECT_EQ(EROFS, errno);
}

/* A seed of btrfs may only be read, until it grows. */
TEST_F(sticks, are_not_what_a_seed_grows_onto)
{
	struct btrfs_ioctl_vol_args args = {};
	int fd;

	ASSERT_EQ(0, shell("modprobe btrfs"));
	ASSERT_EQ(0, shell("truncate -s 128M " LOCAL));
	ASSERT_EQ(0, shell("mkfs.btrfs -q -f -M " LOCAL));
	ASSERT_EQ(0, shell("btrfstune -S 1 " LOCAL));
	ASSERT_EQ(0, loop_on(LOCAL, self->loop, sizeof(self->loop)));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_readonly", "enforce"));
	ASSERT_EQ(0, mount(self->loop, TO, "btrfs", MS_RDONLY, NULL));
	EXPECT_EQ(0, shipped_reports(&self->shipped));
	fd = open(TO, O_RDONLY | O_CLOEXEC);
	snprintf(args.name, sizeof(args.name), "%s", self->direct.dev);
	EXPECT_EQ(-1, ioctl(fd, BTRFS_IOC_ADD_DEV, &args));
	EXPECT_EQ(EPERM, errno);
	close(fd);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(sticks, of_the_list_are_written_and_no_other)
{
	struct krsi_usb_id other = self->direct.id;

	strcpy(other.serial, "another");
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	ASSERT_EQ(0, allow(&self->shipped, &other));
	EXPECT_EQ(-EPERM, on(&self->direct, 0));
	ASSERT_EQ(0, allow(&self->shipped, &self->direct.id));
	EXPECT_EQ(0, on(&self->direct, 0));
	EXPECT_EQ(0, mkdir(TO "/new", 0755));
	EXPECT_EQ(0, mount(NULL, TO, NULL, MS_REMOUNT | MS_NOSUID, NULL));
	EXPECT_EQ(0, umount(TO));
	EXPECT_EQ(-EPERM, on(&self->hub, 0));
}

TEST_HARNESS_MAIN
