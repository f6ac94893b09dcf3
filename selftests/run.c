// SPDX-License-Identifier: GPL-2.0
/* Children that execute, and privileges: see run.h. */

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "common.h"
#include "run.h"

#define MAX_RUNS 8

/* What a child leaves for its parent; in memory that both see. */
struct result {
	pid_t pid;
	int error;
};

static struct result *results;
static pid_t results_owner;

static struct result *result_of(pid_t pid)
{
	int i;

	/* A child that starts some itself must not use its parent's. */
	if (results_owner != getpid()) {
		results_owner = getpid();
		results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);
		if (results == MAP_FAILED)
			results = NULL;
	}
	for (i = 0; results && i < MAX_RUNS; i++) {
		if (results[i].pid == pid)
			return &results[i];
	}
	return NULL;
}

static int execute(const struct run *how)
{
	char *alone[] = { (char *)how->path, NULL };
	char *none[] = { NULL };
	char *const *argv = how->argv ?: alone;
	char *const *envp = how->envp ?: none;

	if (!how->at)
		return execve(how->path, argv, envp);
	return syscall(SYS_execveat, how->dirfd, how->path, argv, envp, how->flags);
}

pid_t run_start(const struct run *how)
{
	struct result *result = result_of(0);
	pid_t pid;

	if (!result)
		return -EAGAIN;
	result->error = 0;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		int status = how->before ? how->before(how->arg) : 0, i;

		if (status)
			_exit(status);
		for (i = 0; i < 4; i++) {
			if (how->tgid[i])
				*how->tgid[i] = getpid();
		}
		if (execute(how))
			result->error = errno;
		_exit(0);
	}
	result->pid = pid;
	return pid;
}

int run_wait(pid_t pid)
{
	struct result *result = result_of(pid);
	int status;

	if (pid <= 0)
		return pid;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (result) {
		result->pid = 0;
		if (result->error)
			return -result->error;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run(const struct run *how)
{
	return run_wait(run_start(how));
}

pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return pid;
}

int run_exit0(__u32 *tgid, char *const *argv, char *const *envp)
{
	struct run how = {
		.path = test_path("exit0"),
		.argv = argv,
		.envp = envp,
		.tgid = { tgid },
	};

	return run(&how);
}

static int set_caps(int (*keep)(int cap, int arg), int arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int cap;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (cap = 0; cap <= CAP_LAST_CAP; cap++) {
		__u32 bit = 1U << (cap % 32);

		if (keep(cap, arg))
			continue;
		data[cap / 32].effective &= ~bit;
		data[cap / 32].permitted &= ~bit;
		data[cap / 32].inheritable &= ~bit;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int other_than(int cap, int arg)
{
	return cap != arg;
}

static int none(int cap, int arg)
{
	return 0;
}

int drop_cap(int cap)
{
	return set_caps(other_than, cap);
}

int drop_all(void)
{
	if (setgroups(0, NULL) || setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) ||
	    setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED))
		return -errno;
	return set_caps(none, 0);
}

/* Lets this process's user be root of a user namespace, with mounts of its own. */
static int be_root(void)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %d 1", UNPRIVILEGED);
	/* Who changes users gets no say in its own /proc. */
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	    file_write("/proc/self/setgroups", "deny") < 0 ||
	    file_write("/proc/self/uid_map", map) < 0)
		return ECHILD;
	return file_write("/proc/self/gid_map", map) < 0 ? ECHILD : 0;
}

int as_user(int (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(drop_all() || be_root() ? ECHILD : act());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

union control {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int fd_send(int sock, int fd)
{
	union control control = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) < 0 ? -errno : 0;
}

int fd_take(int sock)
{
	union control control = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, &msg, 0) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

int file_copy(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, ret = 0;
	struct stat st;
	off_t at = 0;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (out < 0 || fstat(in, &st))
		ret = -errno;
	while (!ret && at < st.st_size) {
		if (sendfile(out, in, &at, st.st_size - at) <= 0)
			ret = -errno ?: -EIO;
	}
	if (!ret && fchmod(out, mode))
		ret = -errno;
	close(in);
	close(out);
	return ret;
}

int file_make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode))
		ret = -errno;
	close(fd);
	return ret;
}

int private_tmpfs(const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	mkdir(dir, 0755);
	return mount("krsi_test", dir, "tmpfs", 0, "mode=0755") ? -errno : 0;
}

unsigned long long start_ticks(pid_t pid)
{
	char path[64], text[1024], *at;
	unsigned long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof(text)) <= 0)
		return 0;
	/* The comm may hold anything; the fields after it may not. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at, NULL, 10);
	return ticks;
}
