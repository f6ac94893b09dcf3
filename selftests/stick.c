// SPDX-License-Identifier: GPL-2.0
/* USB sticks, and what is stacked on them: see stick.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <linux/raid/md_p.h>
#include <linux/raid/md_u.h>

#include "common.h"
#include "stick.h"

#define QMP "/dev/virtio-ports/krsi.qmp"

int made(int result)
{
	return result ? -errno : 0;
}

int stick_mount(const char *dev, const char *to, const char *type, unsigned long flags,
		const char *options)
{
	int ret = made(mount(dev, to, type, flags, options));

	umount(to);
	return ret;
}

int shell(const char *format, ...)
{
	char command[1024];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(command, sizeof(command) - 20, format, args);
	va_end(args);
	/* What it complains about is for the log. */
	snprintf(command + len, sizeof(command) - len, " >/dev/null");
	return system(command) ? -EIO : 0;
}

/* The text of a file in the USB device that a disk hangs on; false if it hangs on none. */
static bool usb_attribute(const char *disk, const char *name, char *text, size_t size)
{
	char path[4096], link[64];
	char *end;

	snprintf(link, sizeof(link), "/sys/block/%s/device", disk);
	if (!realpath(link, path))
		return false;
	for (; (end = strrchr(path, '/')) > path; *end = '\0') {
		char file[4200];

		snprintf(file, sizeof(file), "%s/idVendor", path);
		if (access(file, F_OK))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, name);
		if (file_read(file, text, size) < 0)
			return false;
		text[strcspn(text, "\n")] = '\0';
		return true;
	}
	return false;
}

static bool is_stick(struct stick *stick, const char *disk, const char *serial)
{
	char text[512];

	if (!usb_attribute(disk, "serial", text, sizeof(text)) || strcmp(text, serial))
		return false;
	memset(stick, 0, sizeof(*stick));
	snprintf(stick->disk, sizeof(stick->disk), "%.31s", disk);
	snprintf(stick->dev, sizeof(stick->dev), "/dev/%s", stick->disk);
	snprintf(stick->id.serial, sizeof(stick->id.serial), "%.127s", serial);
	if (usb_attribute(disk, "idVendor", text, sizeof(text)))
		stick->id.vendor = strtoul(text, NULL, 16);
	if (usb_attribute(disk, "idProduct", text, sizeof(text)))
		stick->id.product = strtoul(text, NULL, 16);
	return !access(stick->dev, F_OK);
}

int stick_find(struct stick *stick, const char *serial)
{
	unsigned long long end = now_ms() + 120000;
	bool found = false;

	do {
		DIR *dir = opendir("/sys/block");
		struct dirent *entry;

		while (dir && !found && (entry = readdir(dir)))
			found = !strncmp(entry->d_name, "sd", 2) &&
				is_stick(stick, entry->d_name, serial);
		if (dir)
			closedir(dir);
		if (found)
			return 0;
		usleep(100000);
	} while (now_ms() < end);
	return -ENODEV;
}

int stick_flush(const struct stick *stick)
{
	int fd = open(stick->dev, O_RDWR | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = fsync(fd) || ioctl(fd, BLKFLSBUF) ? -errno : 0;
	close(fd);
	return ret;
}

int stick_format(const struct stick *stick, const char *mkfs)
{
	return shell("%s %s", mkfs, stick->dev) ?: stick_flush(stick);
}

int stick_partition(const struct stick *stick, char *node, size_t size)
{
	static const __u8 entry[] = { 0, 0, 2, 0, 0x83, 0xff, 0xff, 0xff, 0, 8, 0, 0, 0, 0x70, 1, 0 };
	__u8 mbr[512] = {};
	int fd = open(stick->dev, O_RDWR | O_EXCL | O_CLOEXEC), ret = 0, i;

	if (fd < 0)
		return -errno;
	memcpy(mbr + 446, entry, sizeof(entry));
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	if (pwrite(fd, mbr, sizeof(mbr), 0) != sizeof(mbr) || fsync(fd) || ioctl(fd, BLKRRPART))
		ret = -errno;
	close(fd);
	snprintf(node, size, "%s1", stick->dev);
	for (i = 0; !ret && i < 100 && access(node, F_OK); i++)
		usleep(100000);
	return ret ?: access(node, F_OK) ? -ENODEV : 0;
}

long long stick_sectors(const struct stick *stick)
{
	char path[64], text[512];
	long long reads, writes;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", stick->disk);
	if (file_read(path, text, sizeof(text)) < 0 ||
	    sscanf(text, "%*d %*d %lld %*d %*d %*d %lld", &reads, &writes) != 2)
		return -1;
	return reads + writes;
}

/*
 * Sends a command to QEMU and waits for its answer, which has our id; there are
 * events in between, and answers that nobody waited for.
 */
static int qmp(const char *execute, const char *format, ...)
{
	char arguments[512], id[32], line[4096] = "";
	int fd = open(QMP, O_RDWR | O_CLOEXEC), ret = -EIO;
	FILE *port;
	va_list args;

	if (fd < 0)
		return -errno;
	va_start(args, format);
	vsnprintf(arguments, sizeof(arguments), format, args);
	va_end(args);
	snprintf(id, sizeof(id), "\"krsi-%llu\"", now_ms());
	/* The first is an error when it was sent before. */
	dprintf(fd, "{\"execute\":\"qmp_capabilities\"}\n"
		"{\"execute\":\"%s\",\"id\":%s,\"arguments\":{%s}}\n", execute, id, arguments);
	port = fdopen(fd, "r");
	while (port && fgets(line, sizeof(line), port)) {
		if (strstr(line, id)) {
			ret = strstr(line, "\"error\"") ? -EIO : 0;
			break;
		}
	}
	if (ret)
		fprintf(stderr, "# QEMU says: %s\n", line);
	fclose(port);
	return ret;
}

int stick_plug(const char *serial)
{
	return qmp("device_add", "\"driver\":\"usb-storage\",\"bus\":\"xhci.0\",\"port\":\"4\","
		   "\"id\":\"stick-spare\",\"serial\":\"%s\",\"drive\":\"disk-spare\","
		   "\"removable\":true", serial);
}

int stick_unplug(void)
{
	return qmp("device_del", "\"id\":\"stick-spare\"");
}

bool stick_gone(const struct stick *stick)
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

static int dm(unsigned long request, const char *name, struct dm_ioctl *io, size_t size)
{
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), ret;

	io->version[0] = DM_VERSION_MAJOR;
	io->data_size = size;
	io->data_start = sizeof(*io);
	snprintf(io->name, sizeof(io->name), "%s", name);
	ret = ioctl(control, request, io) ? -errno : 0;
	close(control);
	return ret;
}

/* The size in sectors; 0. */
static __u64 sectors(const char *dev)
{
	int fd = open(dev, O_RDONLY | O_CLOEXEC);
	__u64 bytes = 0;

	ioctl(fd, BLKGETSIZE64, &bytes);
	close(fd);
	return bytes / 512;
}

/* A dm device that is these targets, one behind the other. */
static int mapped(struct dm_ioctl *table, size_t table_size, const char *name, char *node,
		  size_t size)
{
	struct dm_ioctl create = {}, resume = {};
	int ret;

	ret = dm(DM_DEV_CREATE, name, &create, sizeof(create)) ?:
	      dm(DM_TABLE_LOAD, name, table, table_size) ?:
	      dm(DM_DEV_SUSPEND, name, &resume, sizeof(resume));
	snprintf(node, size, "/dev/dm-%u", minor(create.dev));
	return ret;
}

struct target {
	struct dm_target_spec spec;
	char params[256];
};

static struct target target(const char *type, __u64 start, __u64 length, const char *params,
			    const char *dev)
{
	struct target target = {
		.spec = { .sector_start = start, .length = length, .next = sizeof(target) },
	};

	snprintf(target.spec.target_type, sizeof(target.spec.target_type), "%s", type);
	snprintf(target.params, sizeof(target.params), "%s%s 0", params, dev);
	return target;
}

static int mapped_whole(const char *type, const char *params, const char *dev, const char *name,
			char *node, size_t size)
{
	struct {
		struct dm_ioctl io;
		struct target target;
	} table = { { .target_count = 1 }, target(type, 0, sectors(dev), params, dev) };

	return mapped(&table.io, sizeof(table), name, node, size);
}

int linear_on(const char *dev, const char *name, char *node, size_t size)
{
	return mapped_whole("linear", "", dev, name, node, size);
}

int crypt_on(const char *dev, const char *name, char *node, size_t size)
{
	char params[192];

	/* A cipher, a key of 64 bytes, and the first vector's number. */
	snprintf(params, sizeof(params), "aes-xts-plain64 %064d%064d 0 ", 1, 2);
	return mapped_whole("crypt", params, dev, name, node, size);
}

int pair_on(const char *one, const char *other, const char *name, char *node, size_t size)
{
	__u64 first = sectors(one), second = sectors(other);
	struct {
		struct dm_ioctl io;
		struct target target[2];
	} table = {
		{ .target_count = 2 },
		{ target("linear", 0, first, "", one), target("linear", first, second, "", other) },
	};

	return mapped(&table.io, sizeof(table), name, node, size);
}

void dm_off(const char *name)
{
	struct dm_ioctl io = {};

	dm(DM_DEV_REMOVE, name, &io, sizeof(io));
}

int mirror_on(const char *one, const char *other, int kib)
{
	mdu_array_info_t array = {
		.minor_version = 90, .level = 1, .size = kib, .nr_disks = 2, .raid_disks = 2,
		.not_persistent = 1, .state = 1 << MD_SB_CLEAN,
		.active_disks = 2, .working_disks = 2,
	};
	const char *legs[] = { one, other };
	int fd, i, ret;

	if (mknod(MIRROR, S_IFBLK | 0600, makedev(MD_MAJOR, 9)) && errno != EEXIST)
		return -errno;
	fd = open(MIRROR, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = ioctl(fd, SET_ARRAY_INFO, &array);
	for (i = 0; !ret && i < 2; i++) {
		mdu_disk_info_t leg = { .number = i, .raid_disk = i,
					.state = 1 << MD_DISK_ACTIVE | 1 << MD_DISK_SYNC };
		struct stat st;

		ret = stat(legs[i], &st);
		leg.major = major(st.st_rdev);
		leg.minor = minor(st.st_rdev);
		ret = ret ?: ioctl(fd, ADD_NEW_DISK, &leg);
	}
	ret = ret ?: ioctl(fd, RUN_ARRAY, NULL);
	ret = ret ? -errno : 0;
	close(fd);
	return ret;
}

void mirror_off(void)
{
	int fd = open(MIRROR, O_RDWR | O_CLOEXEC);

	ioctl(fd, STOP_ARRAY, NULL);
	close(fd);
}
