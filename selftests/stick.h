/* SPDX-License-Identifier: GPL-2.0 */
/*
 * USB sticks for tests, as the guest that has them: "direct", "behind-hub" and "uas" are
 * plugged in, and "fixed", which is built in. The name is the serial number.
 */
#ifndef STICK_H
#define STICK_H

#include <stdbool.h>
#include <linux/types.h>

#include "krsi.h"

struct stick {
	char disk[32]; /* "sda" */
	char dev[64]; /* "/dev/sda" */
	struct krsi_usb_id id; /* as sysfs tells it */
};

/* Waits for it; 0 or -errno, as all of these. */
int stick_find(struct stick *stick, const char *serial);
/* What was written is on the disk, and nothing of it is left in memory. */
int stick_flush(const struct stick *stick);
/* Makes a filesystem, and flushes it. */
int stick_format(const struct stick *stick, const char *mkfs);
/* One partition that has all but the first MiB; its node. */
int stick_partition(const struct stick *stick, char *node, size_t size);
/*
 * What the disk has read and written so far, -1 without the disk. Not the requests: LOOP_CONFIGURE
 * has the cache of a disk below flushed, which is one without data.
 */
long long stick_sectors(const struct stick *stick);
/* One more stick, which has whatever serial number it says. */
int stick_plug(const char *serial);
/* Pulls it out, and does not wait until the disk is gone. */
int stick_unplug(void);
bool stick_gone(const struct stick *stick);

/* What a system call answered: 0 or -errno. */
int made(int result);
/* Mounts a device there, as mount(2), and unmounts it. */
int stick_mount(const char *dev, const char *to, const char *type, unsigned long flags,
		const char *options);

/* Runs a command; its output is lost, its complaints are not. 0 or -EIO. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A dm device that is all of another one, as it is or encrypted, until dm_off(); its node. */
int linear_on(const char *dev, const char *name, char *node, size_t size);
int crypt_on(const char *dev, const char *name, char *node, size_t size);
/* One that is two others, one behind the other. */
int pair_on(const char *one, const char *other, const char *name, char *node, size_t size);
void dm_off(const char *name);

/* An md raid1 without a superblock on these two, so much of each, as MIRROR. */
#define MIRROR "/dev/md9"
int mirror_on(const char *one, const char *other, int kib);
void mirror_off(void);

#endif /* STICK_H */
