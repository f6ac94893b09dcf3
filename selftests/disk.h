/* SPDX-License-Identifier: GPL-2.0 */
/* Filesystems on loop devices, and overlays, for tests that need them. */
#ifndef DISK_H
#define DISK_H

#include <stddef.h>

/*
 * A loop device on a file or device, up to 16 at once, until loop_off() and until nobody has
 * it open; its name. 0 or -errno, as all of these.
 */
int loop_on(const char *file, char *name, size_t size);
/* One that may only be read, on what may only be read. */
int loop_read_only(const char *file, char *name, size_t size);
void loop_off(const char *name);

/*
 * Makes a filesystem of this type in a file of 8 MiB (btrfs: 128) and mounts it. It is gone
 * when it is unmounted.
 */
int disk_mount(const char *type, const char *file, const char *dir);
/* The same with options of mkfs. */
int disk_mount_with(const char *type, const char *options, const char *file, const char *dir);

/*
 * Makes lower, upper, work and merged in a directory and mounts the overlay
 * there; 0 or -errno. What is in lower already is its lower layer.
 */
int overlay_mount(const char *dir);

#endif /* DISK_H */
