/* SPDX-License-Identifier: GPL-2.0 */
/* Filesystems on loop devices, and overlays, for tests that need them. */
#ifndef DISK_H
#define DISK_H

/*
 * Makes a filesystem of this type in a file of 8 MiB (btrfs: 128) and mounts it; 0 or
 * -errno. It is gone when it is unmounted.
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
