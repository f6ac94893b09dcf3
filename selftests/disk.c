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

/* What keeps a loop device's file. */
static struct {
	char name[32];
	int fd;
} loops[16];

static int attach(const char *file, int mode, char *name, size_t size)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop, held, ret = 0;
	size_t i = 0;

	snprintf(name, size, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	close(control);
	loop = open(name, O_RDWR | O_CLOEXEC);
	/* One for writing could forbid the mount (CONFIG_BLK_DEV_WRITE_MOUNTED). */
	held = open(name, O_RDONLY | O_CLOEXEC);
	config.fd = open(file, mode | O_CLOEXEC);
	if (loop < 0 || held < 0 || config.fd < 0 || ioctl(loop, LOOP_CONFIGURE, &config))
		ret = -errno;
	close(config.fd);
	close(loop);
	while (i < sizeof(loops) / sizeof(loops[0]) - 1 && loops[i].name[0])
		i++;
	snprintf(loops[i].name, sizeof(loops[i].name), "%s", name);
	loops[i].fd = held;
	return ret;
}

int loop_on(const char *file, char *name, size_t size)
{
	return attach(file, O_RDWR, name, size);
}

int loop_read_only(const char *file, char *name, size_t size)
{
	return attach(file, O_RDONLY, name, size);
}

void loop_off(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		if (loops[i].name[0] && !strcmp(loops[i].name, name)) {
			loops[i].name[0] = '\0';
			close(loops[i].fd);
		}
	}
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
	ret = loop_on(file, loop, sizeof(loop));
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
