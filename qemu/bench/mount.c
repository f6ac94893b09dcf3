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
	measure_tgid(getpid());
	if (mount(device, DIR, "ext4", MS_RDONLY, NULL))
		die(device);
	measure_tgid(0);
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

#define MOUNT (BIT(SB_OPEN_BDEV) | BIT(SB_KERN_MOUNT))

static void make_loop(void)
{
	if (system("mkdir -p " DIR " && truncate -s 16M " FILE_NAME " && mkfs.ext4 -q -F " FILE_NAME
		   " && losetup " LOOP " " FILE_NAME))
		die("mkfs.ext4");
}

static void make_stick(void)
{
	if (system("mkdir -p " DIR " && mkfs.ext4 -q -F " STICK))
		die("mkfs.ext4");
}

static struct workload loop = { mount_loop, MOUNT, FEW, make_loop };
/* Its controller interrupts. */
static struct workload stick = { mount_stick, MOUNT, TIMES, make_stick, .interrupted = true };

void mount_costs(bool nothing)
{
	measure_whole(&loop, ROW("nothing.mount", "mount of a loop device"));
	measure_whole(&stick, ROW("nothing.mount.stick", "mount of a USB stick"));
	if (nothing)
		return;
	compare(&loop, ROW("mount.loop", "mount of a loop device, an empty policy"), "krsi_mount", "lsm_mount");
	compare_nothing(&loop, ROW("again.mount", "mount of a loop device, nothing attached any more"));
	compare(&stick, ROW("mount.stick", "mount of a USB stick, an empty policy"), "krsi_mount", "lsm_mount");
	compare(&stick, ROW("mount.usb_id", "mount of a USB stick, its USB id"), "krsi_usb_id", NULL);
}
