// SPDX-License-Identifier: GPL-2.0
/* The least of a FUSE server by which a file can be executed: see fuse.h. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fuse.h>

#include "fuse.h"

#define PROGRAM_NODE 2

static char contents[4 << 20];
static size_t size;

static void reply(int fd, const struct fuse_in_header *in, int error, const void *data, size_t n)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + n, .error = error, .unique = in->unique,
	};
	struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, n } };

	/* Who asked may be gone. */
	if (writev(fd, iov, 2) < 0 && errno != ENOENT)
		_exit(1);
}

static struct fuse_attr attr_of(__u64 node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node == PROGRAM_NODE ? size : 0,
		.mode = node == PROGRAM_NODE ? S_IFREG | 0755 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer(int fd, const struct fuse_in_header *in, const volatile bool *stalls)
{
	const void *arg = in + 1;

	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out out = {
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_readahead = 128 << 10,
			/* Else who waits for a page can't even be killed, whoever asked for it. */
			.flags = FUSE_ASYNC_READ,
			.max_write = 4096,
			.max_background = 16,
		};

		return reply(fd, in, 0, &out, sizeof(out));
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out out = {
			.nodeid = PROGRAM_NODE, .attr = attr_of(PROGRAM_NODE),
		};

		if (strcmp(arg, "program"))
			return reply(fd, in, -ENOENT, NULL, 0);
		return reply(fd, in, 0, &out, sizeof(out));
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attr_of(in->nodeid) };

		return reply(fd, in, 0, &out, sizeof(out));
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = {};

		return reply(fd, in, 0, &out, sizeof(out));
	}
	case FUSE_READ: {
		const struct fuse_read_in *read = arg;
		size_t at = read->offset < size ? read->offset : size;
		size_t n = read->size < size - at ? read->size : size - at;

		if (*stalls)
			return;
		return reply(fd, in, 0, contents + at, n);
	}
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		return reply(fd, in, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		return reply(fd, in, -ENOSYS, NULL, 0);
	}
}

static void serve(int fd, const volatile bool *stalls)
{
	static char request[FUSE_MIN_READ_BUFFER + 8192];

	for (;;) {
		ssize_t n = read(fd, request, sizeof(request));

		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			_exit(0);
		answer(fd, (void *)request, stalls);
	}
}

int fuse_start(struct fuse *fuse, const char *from, const char *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), in = open(from, O_RDONLY | O_CLOEXEC);
	char options[128];
	ssize_t n;

	if (fd < 0 || in < 0)
		return -errno;
	for (size = 0; (n = read(in, contents + size, sizeof(contents) - size)) > 0;)
		size += n;
	close(in);
	fuse->stalls = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(dir, 0755);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", fd);
	if (mount("krsi_fuse", dir, "fuse", 0, options))
		return -errno;
	fuse->pid = fork();
	if (!fuse->pid)
		serve(fd, fuse->stalls);
	close(fd);
	return fuse->pid < 0 ? -errno : 0;
}

void fuse_end(struct fuse *fuse, const char *dir)
{
	if (fuse->pid > 0) {
		/* With the last who has the device open all that waits is answered. */
		kill(fuse->pid, SIGKILL);
		waitpid(fuse->pid, NULL, 0);
	}
	umount2(dir, MNT_DETACH);
}
