// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a stick which is plugged in while a policy is attached is judged by what it
 * is itself, whatever was plugged in before it; and that it can be pulled out while
 * it is mounted and looked at.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "disk.h"
#include "mounts.h"
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("usb_mount.bpf.o", "usb_mount")

#define DIR "/tmp/krsi-plug"
#define TO DIR "/mnt"
#define EXT4 "mkfs.ext4 -q -F"
#define MOUNTERS 3
#define MAPPED "krsi-plug"

FIXTURE(spare)
{
	struct shipped shipped;
	struct policy policy;
	struct stick stick;
	bool plugged;
	pid_t mounters[MOUNTERS];
};

FIXTURE_SETUP(spare)
{
	ASSERT_TRUE(!mkdir(DIR, 0755) || errno == EEXIST);
	ASSERT_TRUE(!mkdir(TO, 0755) || errno == EEXIST);
}

static void stop(pid_t *mounters)
{
	char to[64];
	int i;

	for (i = 0; i < MOUNTERS; i++) {
		if (mounters[i] > 0) {
			kill(mounters[i], SIGKILL);
			waitpid(mounters[i], NULL, 0);
		}
		mounters[i] = 0;
		snprintf(to, sizeof(to), DIR "/to%d", i);
		umount2(to, MNT_DETACH);
	}
	dm_off(MAPPED);
}

FIXTURE_TEARDOWN(spare)
{
	stop(self->mounters);
	shipped_end(&self->shipped);
	policy_close(&self->policy);
	while (!umount2(TO, MNT_DETACH))
		;
	if (self->plugged)
		stick_unplug();
}

static int on_to(const char *dev)
{
	return mount(dev, TO, "ext4", 0, NULL) ? -errno : 0;
}

#define PLUG(stick, serial) do { \
	ASSERT_EQ(0, stick_plug(serial)); \
	self->plugged = true; \
	ASSERT_EQ(0, stick_find(stick, serial)); \
} while (0)

#define PULL(stick) do { \
	ASSERT_EQ(0, stick_unplug()); \
	self->plugged = false; \
	ASSERT_TRUE(stick_gone(stick)); \
} while (0)

static int allow(struct shipped *shipped, const struct krsi_usb_id *id)
{
	struct bpf_map *map = bpf_object__find_map_by_name(shipped->policy.obj, "allowed_usb");
	__u32 one = 1;

	return bpf_map_update_elem(bpf_map__fd(map), id, &one, BPF_ANY);
}

TEST_F(spare, plugged_in_is_refused)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	PLUG(&self->stick, "spare");
	ASSERT_EQ(0, stick_format(&self->stick, EXT4));
	EXPECT_EQ(-EPERM, on_to(self->stick.dev));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	PULL(&self->stick);
	EXPECT_NE(0, on_to(self->stick.dev));
}

/* The one that was allowed is mounted still when the other takes its place, and when not. */
TEST_F(spare, plugged_in_anew_is_judged_anew)
{
	struct stick other;
	int i;

	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	for (i = 0; i < 2; i++) {
		PLUG(&self->stick, "spare");
		ASSERT_EQ(0, stick_format(&self->stick, EXT4));
		ASSERT_EQ(0, allow(&self->shipped, &self->stick.id));
		ASSERT_EQ(0, on_to(self->stick.dev));
		if (i)
			ASSERT_EQ(0, umount(TO));
		PULL(&self->stick);
		PLUG(&other, "other");
		/* A name is free when nobody has its disk open. */
		EXPECT_EQ(!!i, !strcmp(self->stick.disk, other.disk));
		EXPECT_EQ(-EPERM, on_to(other.dev));
		EXPECT_EQ(i + 1, shipped_reports(&self->shipped));
		PULL(&other);
		umount2(TO, MNT_DETACH);
	}
}

/* Mounts it again and again: as it is, through a loop device, and through dm. */
static void mount_it(int how, const char *dev)
{
	char node[64], to[64];
	int ret = 0;

	snprintf(to, sizeof(to), DIR "/to%d", how);
	mkdir(to, 0755);
	for (;;) {
		snprintf(node, sizeof(node), "%s", dev);
		if (how == 1)
			ret = loop_read_only(dev, node, sizeof(node));
		if (how == 2)
			ret = linear_on(dev, MAPPED, node, sizeof(node));
		if (!ret && !mount(node, to, "ext4", MS_RDONLY, NULL))
			umount2(to, MNT_DETACH);
		if (how == 1)
			loop_off(node);
		if (how == 2)
			dm_off(MAPPED);
	}
}

TEST_F(spare, pulled_out_while_it_is_mounted_and_looked_at)
{
	struct mounts *seen;
	int i, n;

	ASSERT_EQ(0, policy_start(&self->policy, "mounts.bpf.o", "mounts"));
	seen = self->policy.data;
	for (n = 0; n < 3; n++) {
		PLUG(&self->stick, "spare");
		ASSERT_EQ(0, stick_format(&self->stick, EXT4));
		for (i = 0; i < MOUNTERS; i++) {
			self->mounters[i] = fork();
			if (!self->mounters[i])
				mount_it(i, self->stick.dev);
		}
		usleep(500000 + n * 130000);
		PULL(&self->stick);
		stop(self->mounters);
	}
	/* What comes after them is what it is. */
	PLUG(&self->stick, "after");
	ASSERT_EQ(0, stick_format(&self->stick, EXT4));
	seen->tgid = getpid();
	ASSERT_EQ(0, on_to(self->stick.dev));
	EXPECT_EQ(KRSI_TRANSPORT_USB, seen->event[0].transports);
	EXPECT_STREQ("after", seen->event[0].id.serial);
}

TEST_HARNESS_MAIN
