/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Executes a program in a child process, in all the ways there are, and tells
 * what came of it; and gives up privileges.
 */
#ifndef RUN_H
#define RUN_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <linux/types.h>

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

struct run {
	const char *path;
	char *const *argv; /* NULL: the path alone */
	char *const *envp; /* NULL: none */
	__u32 *tgid[4]; /* where the child puts its process id before it executes */
	/* execveat() instead of execve(), on this descriptor if not AT_FDCWD */
	bool at;
	int dirfd;
	int flags;
	/* What the child does before it executes; not 0: it ends with that status. */
	int (*before)(void *arg);
	void *arg;
};

/*
 * The exit status, 128 + the signal, or -errno of the exec. An AT_EXECVE_CHECK
 * that is answered with yes gives 0.
 */
int run(const struct run *how);
/* Starts it only; run_wait(), for any child, gives what run() would. Up to 8 at once. */
pid_t run_start(const struct run *how);
int run_wait(pid_t pid);

/* fork(), of a child that ends when its parent does, however that is. */
pid_t fork_bound(void);

/* The commonest: execve of exit0 with these strings. */
int run_exit0(__u32 *tgid, char *const *argv, char *const *envp);

#define UNPRIVILEGED 1000

/* Gives up one capability, in all sets that matter here; 0 or -errno. */
int drop_cap(int cap);
/* Becomes user and group UNPRIVILEGED, without any capability; 0 or -errno. */
int drop_all(void);

/*
 * The errno that @act ends with, in a child process as an ordinary user who is root of a
 * user namespace, with mounts of its own; ECHILD if that can't be had.
 */
int as_user(int (*act)(void));

/* Sends and takes a file descriptor over a socket; the latter -errno. */
int fd_send(int sock, int fd);
int fd_take(int sock);

/* Copies a file and gives the copy exactly this mode; 0 or -errno. */
int file_copy(const char *from, const char *to, mode_t mode);
/* Makes a file of exactly these contents and mode; 0 or -errno. */
int file_make(const char *path, const char *text, mode_t mode);

/* When a process started: field 22 of /proc/PID/stat, in ticks of 10 ms; 0 if it isn't there. */
unsigned long long start_ticks(pid_t pid);

/* In a mount namespace of its own, a fresh tmpfs on this directory; 0 or -errno. */
int private_tmpfs(const char *dir);

#endif /* RUN_H */
