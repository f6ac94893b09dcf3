// SPDX-License-Identifier: GPL-2.0
/* What the mount of a device costs: a loop device's file, and a USB stick. */
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "measure.h"

#define FILE_NAME "/tmp/hook-cost-disk"
#define DIR "/tmp/hook-cost-mnt"
#define LOOP "/dev/loop0"
#define STICK "/dev/sda" /* the guest has no other disks by that name */

static void mount_device(const char *device)
{
	set_tgid(SB_OPEN_BDEV, getpid());
	set_tgid(SB_KERN_MOUNT, getpid());
	if (mount(device, DIR, "ext4", MS_RDONLY, NULL))
		die(device);
	set_tgid(SB_OPEN_BDEV, 0);
	set_tgid(SB_KERN_MOUNT, 0);
	umount(DIR);
}

static void mount_loop(void)
{
	mount_device(LOOP);
}

static void mount_stick(void)
{
	mount_device(STICK);
}

static struct workload loop = { mount_loop, SB_OPEN_BDEV, SB_KERN_MOUNT, NULL, TIMES / 10 };
static struct workload stick = { mount_stick, SB_OPEN_BDEV, SB_KERN_MOUNT, NULL, TIMES / 10 };

void mount_costs(int nothing)
{
	if (system("mkdir -p " DIR " && truncate -s 16M " FILE_NAME " && mkfs.ext4 -q -F " FILE_NAME
		   " && losetup " LOOP " " FILE_NAME " && mkfs.ext4 -q -F " STICK))
		die("mkfs.ext4");
	measure(&loop, "mount of a loop device, nothing attached");
	measure(&stick, "mount of a USB stick, nothing attached");
	if (nothing)
		return;
	measure_with(&loop, "krsi_mount", "mount of a loop device, an empty KRSI mount");
	measure(&loop, "mount of a loop device, nothing again");
	measure_with(&stick, "krsi_mount", "mount of a USB stick, an empty KRSI mount");
	measure_with(&stick, "krsi_usb_id", "mount of a USB stick, KRSI asks for its USB id");
	measure(&stick, "mount of a USB stick, nothing again");
}
