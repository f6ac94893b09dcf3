/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* How user space learns what struct krsi_file_id.generation of a file is. */
#ifndef _KRSI_GENERATION_H
#define _KRSI_GENERATION_H

#include <fcntl.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/types.h>

/*
 * The generation of a file, as KRSI tells it: 0 where it can't be read, as such
 * filesystems have none. Else the exemption matches nothing.
 */
static inline __u32 generation_of(const char *path, __u64 ino, long magic)
{
	struct {
		struct file_handle handle;
		__u32 words[32];
	} buffer = { .handle.handle_bytes = sizeof(buffer.words) };
	int fd = open(path, O_RDONLY | O_CLOEXEC), mount;
	__u32 generation = 0;
	int version = 0;

	/* vfat makes one up whenever it reads an inode: KRSI tells 0. */
	if (magic == MSDOS_SUPER_MAGIC || fd < 0)
		;
	else if (!ioctl(fd, FS_IOC_GETVERSION, &version))
		generation = version;
	else if (!name_to_handle_at(fd, "", &buffer.handle, &mount, AT_EMPTY_PATH) &&
		 magic == TMPFS_MAGIC && buffer.words[1] == (__u32)ino)
		generation = buffer.words[0];
	if (fd >= 0)
		close(fd);
	return generation;
}

#endif /* _KRSI_GENERATION_H */
