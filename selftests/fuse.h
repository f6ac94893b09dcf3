/* SPDX-License-Identifier: GPL-2.0 */
/* A FUSE server with one file, in a child process, for tests of a filesystem that hangs. */
#ifndef FUSE_H
#define FUSE_H

#include <stdbool.h>
#include <sys/types.h>

struct fuse {
	pid_t pid;
	/* Seen by the server: it answers no read. */
	volatile bool *stalls;
};

/*
 * Mounts it on a directory, with the file "program", which has the contents of
 * this one; 0 or -errno.
 */
int fuse_start(struct fuse *fuse, const char *contents, const char *dir);
void fuse_end(struct fuse *fuse, const char *dir);

#endif /* FUSE_H */
