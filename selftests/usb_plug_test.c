// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a stick which is plugged in while a policy is attached is refused. It
 * can be plugged in once a boot: QEMU forgets the drive of a stick that is pulled out.
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
	ASSERT_EQ(0, shipped_start(&self->shipped, "usb_mount", "enforce"));
	ASSERT_EQ(0, stick_plug("spare", PORT));
	ASSERT_EQ(0, stick_find(&self->stick, "spare"));
}

/* Waits until the disk is gone. */
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
	umount2(TO, MNT_DETACH);
}

static int on_to(const char *dev)
{
	return mount(dev, TO, "ext4", 0, NULL) ? -errno : 0;
}

TEST_F(spare, plugged_in_is_refused)
{
	ASSERT_EQ(0, stick_format(&self->stick, "mkfs.ext4 -q -F"));
	EXPECT_EQ(-EPERM, on_to(self->stick.dev));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	ASSERT_EQ(0, stick_unplug("spare"));
	ASSERT_TRUE(unplugged(&self->stick));
	EXPECT_NE(0, on_to(self->stick.dev));
}

TEST_HARNESS_MAIN
