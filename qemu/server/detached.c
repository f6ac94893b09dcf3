// SPDX-License-Identifier: GPL-2.0
/*
 * detached FILE: executes a copy of FILE on a tmpfs that is mounted nowhere, as any
 * user can in a user namespace of its own.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int must(const char *what, int result)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

/* That user is root in there. */
static void put(const char *file, const char *format, int id)
{
	int fd = must(file, open(file, O_WRONLY));

	must(file, dprintf(fd, format, id));
	must(file, close(fd));
}

int main(int argc, char **argv)
{
	int fs, dir, from, to, run, uid = getuid(), gid = getgid();
	struct stat st;

	if (argc != 2)
		return 2;
	must("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	put("/proc/self/setgroups", "deny", 0);
	put("/proc/self/uid_map", "0 %d 1", uid);
	put("/proc/self/gid_map", "0 %d 1", gid);
	fs = must("fsopen", fsopen("tmpfs", 0));
	must("fsconfig", fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	dir = must("fsmount", fsmount(fs, 0, 0));
	from = must(argv[1], open(argv[1], O_RDONLY));
	must(argv[1], fstat(from, &st));
	to = must("copy", openat(dir, "copy", O_CREAT | O_WRONLY, 0755));
	must("sendfile", sendfile(to, from, NULL, st.st_size));
	close(to);
	run = must("copy", openat(dir, "copy", O_RDONLY));
	return must("execveat", execveat(run, "", argv, environ, AT_EMPTY_PATH));
}
