// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a stick which is plugged in while a policy is attached is refused, and
 * that one which is pulled out keeps being known for what it was.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "shipped.h"
#include "stick.h"

KEEP_POLICIES("usb_mount.bpf.o", "usb_mount")

#define DIR "/tmp/krsi-plug"
#define TO DIR "/mnt"
#define PORT "4"

FIXTURE(spare)
{
	struct shipped shipped;
	struct stick stick;
};

FIXTURE_SETUP(spare)
{
	ASSERT_TRUE(!mkdir(DIR, 0755) || errno == EEXIST);
	ASSERT_TRUE(!mkdir(TO, 0755) || errno == EEXIST);
	ASSERT_EQ(0, stick_plug("spare", PORT));
	ASSERT_EQ(0, stick_find(&self->stick, "spare"));
}

/* Until the disk is gone, so that the next test plugs in another one. */
static bool unplugged(const struct stick *stick)
{
	unsigned long long end = now_ms() + 120000;
	char path[64];

	snprintf(path, sizeof(path), "/sys/block/%s", stick->disk);
	while (!access(path, F_OK)) {
		if (now_ms() > end)
			return false;
		usleep(100000);
	}
	return true;
}

FIXTURE_TEARDOWN(spare)
{
	shipped_end(&self->shipped);
	umount2(DIR "/over", MNT_DETACH);
	umount2(TO, MNT_DETACH);
}

static int on_to(const char *dev)
{
	return mount(dev, TO, "ext4", 0, NULL) ? -errno : 0;
}

TEST_F(spare, plugged_in_is_refused)
{
	struct stick stick;

	ASSERT_EQ(0, stick_format(&self->stick, "mkfs.ext4 -q -F"));
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	EXPECT_EQ(-EPERM, on_to(self->stick.dev));
	ASSERT_EQ(0, stick_unplug("spare"));
	ASSERT_TRUE(unplugged(&self->stick));
	ASSERT_EQ(0, stick_plug("spare", PORT));
	ASSERT_EQ(0, stick_find(&stick, "spare"));
	EXPECT_EQ(-EPERM, on_to(stick.dev));
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	ASSERT_EQ(0, stick_unplug("spare"));
	EXPECT_TRUE(unplugged(&stick));
}

TEST_F(spare, pulled_out_while_mounted_is_known_still)
{
	ASSERT_EQ(0, stick_format(&self->stick, "mkfs.ext4 -q -F"));
	ASSERT_EQ(0, on_to(self->stick.dev));
	ASSERT_EQ(0, mkdir(TO "/dir", 0755));
	sync();
	ASSERT_EQ(0, stick_unplug("spare"));
	ASSERT_TRUE(unplugged(&self->stick));
	log_mark();
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	EXPECT_TRUE(log_has("is mounted already"));
	ASSERT_TRUE(!mkdir(DIR "/over", 0755) || errno == EEXIST);
	EXPECT_EQ(-1, mount("overlay", DIR "/over", "overlay", 0, "lowerdir=" TO ":" DIR));
	EXPECT_NE(0, on_to(self->stick.dev));
	EXPECT_EQ(0, umount2(TO, MNT_DETACH));
}

TEST_HARNESS_MAIN
