/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* How user space learns what struct krsi_file_id.generation of a file is. */
#ifndef _KRSI_GENERATION_H
#define _KRSI_GENERATION_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/types.h>

/*
 * The generation of an open file, as KRSI tells it; 0, or -errno where the
 * filesystem has one that it does not tell.
 */
static inline int generation_of(int fd, __u64 ino, long magic, __u32 *generation)
{
	struct {
		struct file_handle handle;
		__u32 words[32];
	} buffer = { .handle.handle_bytes = sizeof(buffer.words) };
	int version = 0, mount;

	*generation = 0;
	/* vfat makes one up whenever it reads an inode: KRSI tells 0. */
	if (magic == MSDOS_SUPER_MAGIC)
		return 0;
	if (!ioctl(fd, FS_IOC_GETVERSION, &version)) {
		*generation = version;
		return 0;
	}
	if (name_to_handle_at(fd, "", &buffer.handle, &mount, AT_EMPTY_PATH))
		/* What can't be opened by a handle has no use for a generation. */
		return errno == EOPNOTSUPP ? 0 : -errno;
	if (magic == TMPFS_MAGIC && buffer.words[1] == (__u32)ino)
		*generation = buffer.words[0];
	else if (buffer.handle.handle_type == 1 /* FILEID_INO32_GEN */ &&
		 buffer.words[0] == (__u32)ino)
		*generation = buffer.words[1];
	else
		return -EOPNOTSUPP;
	return 0;
}

#endif /* _KRSI_GENERATION_H */
