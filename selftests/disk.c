// SPDX-License-Identifier: GPL-2.0
/* Loop devices and overlays: see disk.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/loop.h>

#include "disk.h"

/*
 * On a free loop device: its name, or an empty one. A descriptor stays open,
 * for the device vanishes with its last user; it must not be one for writing,
 * which could forbid the mount (CONFIG_BLK_DEV_WRITE_MOUNTED).
 */
static int attach_loop(const char *file, char *name, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int nr = ioctl(control, LOOP_CTL_GET_FREE), loop, held, ret = 0;

	close(control);
	snprintf(name, size, "/dev/loop%d", nr);
	loop = open(name, O_RDWR | O_CLOEXEC);
	held = open(name, O_RDONLY | O_CLOEXEC);
	config.fd = open(file, O_RDWR | O_CLOEXEC);
	if (loop < 0 || held < 0 || config.fd < 0 || ioctl(loop, LOOP_CONFIGURE, &config))
		ret = -errno;
	close(config.fd);
	close(loop);
	return ret;
}

int disk_mount(const char *type, const char *file, const char *dir)
{
	return disk_mount_with(type, "", file, dir);
}

int disk_mount_with(const char *type, const char *options, const char *file, const char *dir)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600), ret;
	char command[512], loop[32];

	/* btrfs takes no less. */
	if (fd < 0 || ftruncate(fd, strcmp(type, "btrfs") ? 8 << 20 : 128 << 20))
		return -errno;
	close(fd);
	snprintf(command, sizeof(command), "mkfs.%s %s %s %s >/dev/null 2>&1", type,
		 strncmp(type, "ext", 3) ? "" : "-q -F", options, file);
	if (system(command))
		return -EIO;
	ret = attach_loop(file, loop, sizeof(loop));
	if (ret)
		return ret;
	mkdir(dir, 0755);
	return mount(loop, dir, type, 0, NULL) ? -errno : 0;
}

int overlay_mount(const char *dir)
{
	static const char * const parts[] = { "lower", "upper", "work", "merged" };
	char path[256], options[1024];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
	}
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 dir, dir, dir);
	return mount("overlay", path, "overlay", 0, options) ? -errno : 0;
}
