// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy usb_mount refuses what leads to a USB stick which was
 * mounted before the policy came. Each way is gone without the policy first.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/loop.h>

#include "kselftest_harness.h"
#include "disk.h"
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("usb_mount.bpf.o", "usb_mount")

#define DIR "/tmp/krsi-usb-mounted"
#define TO DIR "/mnt"
#define OLD DIR "/old" /* where the stick was mounted */
#define OVER DIR "/over" /* an overlay with a layer on the stick, as old */
#define EXT4 "mkfs.ext4 -q -F"

static int by_mount(const char *dev, const char *type, unsigned long flags, const char *options)
{
	return stick_mount(dev, TO, type, flags, options);
}

static int again(const char *dev) { return by_mount(dev, "ext4", 0, NULL); }

static int on_loop(const char *file)
{
	char loop[32];
	int ret = loop_on(file, loop, sizeof(loop)) ?: by_mount(loop, "ext4", 0, NULL);

	loop_off(loop);
	return ret;
}

static int loop_on_file(const char *dev) { return on_loop(OLD "/image"); }
static int loop_on_overlay(const char *dev) { return on_loop(OVER "/image"); }

static int swap_on_file(const char *dev)
{
	int ret = made(swapon(OLD "/swap", 0));

	swapoff(OLD "/swap");
	return ret;
}

static int overlay_layer(const char *dev)
{
	return by_mount("overlay", "overlay", 0, "lowerdir=" OLD ":" DIR "/lower");
}

static int upper_layer(const char *dev)
{
	return by_mount("overlay", "overlay", 0, "lowerdir=" DIR "/lower,upperdir=" OLD
			"/upper,workdir=" OLD "/work");
}

static int remount_writable(const char *dev)
{
	int ret = made(mount(NULL, OLD, NULL, MS_REMOUNT | MS_RDONLY, NULL)) ?:
		  made(mount(NULL, OLD, NULL, MS_REMOUNT, NULL));

	return ret;
}

static int reconfigure_writable(const char *dev)
{
	int fs = fspick(AT_FDCWD, OLD, FSPICK_CLOEXEC);
	int ret = made(fsconfig(fs, FSCONFIG_SET_FLAG, "rw", NULL, 0)) ?:
		  made(fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));

	close(fs);
	return ret;
}

FIXTURE(mounted)
{
	struct stick stick;
	struct shipped shipped;
};

FIXTURE_VARIANT(mounted)
{
	int (*way)(const char *dev);
	const char *signal; /* "usb_mount" if none is said */
};

/* clang-format off */
#define WAY(name, ...) FIXTURE_VARIANT_ADD(mounted, name) { .way = name, __VA_ARGS__ }
WAY(again);
WAY(loop_on_file);
WAY(loop_on_overlay);
WAY(swap_on_file, .signal = "usb_swap");
WAY(overlay_layer);
WAY(upper_layer);
WAY(remount_writable, .signal = "usb_remount");
WAY(reconfigure_writable, .signal = "usb_remount");
/* clang-format on */

/* Mounts the stick, with images and a swap file in it, and an overlay of it. */
static int mount_before(const struct stick *stick)
{
	return made(mount(stick->dev, OLD, "ext4", 0, NULL)) ?:
	       made(mkdir(OLD "/upper", 0755)) ?: made(mkdir(OLD "/work", 0755)) ?:
	       made(mkdir(OLD "/over", 0755)) ?: made(mkdir(OLD "/overwork", 0755)) ?:
	       shell("truncate -s 8M " OLD "/image") ?: shell(EXT4 " " OLD "/image") ?:
	       shell("cp " OLD "/image " OLD "/over") ?:
	       shell("dd status=none if=/dev/zero of=" OLD "/swap bs=1M count=2") ?:
	       shell("busybox mkswap " OLD "/swap") ?: made(chmod(OLD "/swap", 0600)) ?:
	       made(mount("overlay", OVER, "overlay", 0, "lowerdir=" DIR "/lower,upperdir=" OLD
			  "/over,workdir=" OLD "/overwork"));
}

static int set_up(struct stick *stick)
{
	static const char *const dirs[] = { DIR, TO, OLD, OVER, DIR "/lower" };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (mkdir(dirs[i], 0755) && errno != EEXIST)
			return -errno;
	}
	return stick_find(stick, "direct") ?: stick_format(stick, EXT4) ?: mount_before(stick);
}

static void tear_down(struct shipped *shipped)
{
	shipped_end(shipped);
	umount2(TO, MNT_DETACH);
	umount2(OVER, MNT_DETACH);
	umount2(OLD, MNT_DETACH);
}

FIXTURE_SETUP(mounted)
{
	ASSERT_EQ(0, set_up(&self->stick));
}

FIXTURE_TEARDOWN(mounted)
{
	tear_down(&self->shipped);
}

TEST_F(mounted, leads_nowhere)
{
	const struct krsi_report *report = self->shipped.report;
	char id[64];

	ASSERT_EQ(0, variant->way(self->stick.dev));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	EXPECT_EQ(-EPERM, variant->way(self->stick.dev));
	ASSERT_LE(1, shipped_reports(&self->shipped));
	snprintf(id, sizeof(id), "%04x:%04x %s", self->stick.id.vendor, self->stick.id.product,
		 self->stick.id.serial);
	EXPECT_STREQ(variant->signal ?: "usb_mount", report->signal);
	EXPECT_STREQ(id, report->value);
}

FIXTURE(exchanged)
{
	struct stick stick;
	struct shipped shipped;
	char loop[32];
	pid_t pid;
};

FIXTURE_SETUP(exchanged)
{
	ASSERT_EQ(0, set_up(&self->stick));
	ASSERT_EQ(0, shell("cp " OLD "/image " OLD "/other"));
	ASSERT_EQ(0, loop_read_only(OLD "/image", self->loop, sizeof(self->loop)));
}

FIXTURE_TEARDOWN(exchanged)
{
	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	loop_off(self->loop);
	tear_down(&self->shipped);
}

/* A loop device that goes from one file of the stick to another is never on nothing. */
TEST_F(exchanged, files_are_refused_at_every_moment)
{
	int loop = open(self->loop, O_RDONLY | O_CLOEXEC), files[2], i;

	files[0] = open(OLD "/image", O_RDONLY | O_CLOEXEC);
	files[1] = open(OLD "/other", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, ioctl(loop, LOOP_CHANGE_FD, files[1]));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	self->pid = fork();
	for (i = 0; !self->pid; i++)
		ioctl(loop, LOOP_CHANGE_FD, files[i % 2]);
	close(loop);
	for (i = 0; i < rounds(200, 20); i++)
		ASSERT_EQ(-EPERM, by_mount(self->loop, "ext4", MS_RDONLY, NULL));
}

TEST_HARNESS_MAIN
