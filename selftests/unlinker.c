// SPDX-License-Identifier: GPL-2.0
/*
 * Removes files, its own among them, in the ways that attackers and innocents
 * do. Each argument is a command, or one of its arguments; they are done one
 * after the other. Ends with the errno of the first that fails.
 *
 *	unlinker thread self		a thread unlinks the program when the first has ended
 *	unlinker rename new old ready wait
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fs.h>

#include "unlinker.h"

static int failed(int ret)
{
	return ret < 0 ? errno : 0;
}

static int do_unlink(char **args)
{
	return failed(unlink(args[0]));
}

/* What /proc/self/exe leads to, or would if the first thread were alive. */
static int do_self(char **args)
{
	char path[4096];
	ssize_t len = readlink("/proc/thread-self/exe", path, sizeof(path) - 1);

	if (len < 0)
		return errno;
	path[len] = '\0';
	return failed(unlink(path));
}

static int do_rename(char **args)
{
	return failed(rename(args[0], args[1]));
}

static int do_exchange(char **args)
{
	return failed(renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_EXCHANGE));
}

/* As that user, who has no capability. */
static int do_user(char **args)
{
	return failed(setgroups(0, NULL)) ?: failed(setresgid(atoi(args[0]), atoi(args[0]),
							      atoi(args[0]))) ?:
	       failed(setresuid(atoi(args[0]), atoi(args[0]), atoi(args[0])));
}

static int do_umount(char **args)
{
	return failed(umount2(args[0], 0));
}

/* So many children that have ended, and that nobody waits for. */
static int do_zombies(char **args)
{
	int left;

	for (left = atoi(args[0]); left; left--) {
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		if (pid < 0)
			return errno;
	}
	return 0;
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = failed(write(fd, text, strlen(text)));

	close(fd);
	return ret;
}

/*
 * Lets the kernel remove a file: moves it to where an overlay has its work
 * directory, and mounts that in namespaces of its own. args: file, directory
 */
static int do_workdir(char **args)
{
	char map[32], options[256];
	int ret = failed(chdir(args[1]));

	snprintf(map, sizeof(map), "0 %d 1", getuid());
	mkdir("lower", 0755);
	mkdir("upper", 0755);
	mkdir("base", 0755);
	mkdir("base/work", 0755);
	mkdir("merged", 0755);
	ret = ret ?: failed(rename(args[0], "base/work/program")) ?:
	      failed(unshare(CLONE_NEWUSER | CLONE_NEWNS)) ?: put("/proc/self/setgroups", "deny") ?:
	      put("/proc/self/uid_map", map);
	if (ret)
		return ret;
	snprintf(options, sizeof(options), "userxattr,lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/base",
		 args[1], args[1], args[1]);
	return failed(mount("overlay", "merged", "overlay", 0, options));
}

static int do_link(char **args)
{
	return failed(link(args[0], args[1]));
}

static int do_exec(char **args)
{
	execv(args[0], args);
	return errno;
}

static int do_sh(char **args)
{
	return system(args[0]) ? EIO : 0;
}

static int do_ready(char **args)
{
	return failed(write(UNLINKER_NEWS, "", 1));
}

/* Until the test lets go. */
static int do_wait(char **args)
{
	char byte;

	return failed(read(UNLINKER_LEASH, &byte, 1));
}

static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The rest is for a child, while its parent waits for it. */
static int do_fork(char **args)
{
	pid_t pid = fork();

	if (pid)
		_exit(status_of(pid));
	return 0;
}

/*
 * The rest is for the last of that many generations, while all others wait. All have one
 * memory: of copies of copies the kernel would keep account in the square of their number.
 */
static int do_chain(char **args)
{
	volatile int left;

	for (left = atoi(args[0]); left; left--) {
		pid_t pid = vfork();

		if (pid)
			_exit(status_of(pid));
	}
	return 0;
}

static void outlive(pid_t parent)
{
	while (getppid() == parent)
		usleep(1000);
}

/* The rest is for a child, after its parent has ended. */
static int do_daemon(char **args)
{
	pid_t parent = getpid();

	if (fork())
		_exit(0);
	outlive(parent);
	return 0;
}

/* The rest is for a grandchild whose parent has ended; this process waits. */
static int do_orphan(char **args)
{
	pid_t pid = fork();

	if (!pid)
		return do_daemon(args);
	status_of(pid);
	close(UNLINKER_NEWS);
	_exit(do_wait(args));
}

static int do_all(char **args);

static void *rest(void *args)
{
	char path[64], stat[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (!strstr(stat, ") Z")) {
		usleep(1000);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
			_exit(errno);
		close(fd);
	}
	_exit(do_all(args));
}

/* The rest is for a thread, after the first one has ended. */
static int do_thread(char **args)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, rest, args);
	if (!errno)
		syscall(SYS_exit, 0);
	return errno;
}

static void *rest_at_once(void *args)
{
	_exit(do_all(args));
}

/* The rest is for a thread, while the first one does nothing. */
static int do_second(char **args)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, rest_at_once, args);
	if (!errno)
		pthread_join(thread, NULL);
	return errno;
}

static int vforked(void *args)
{
	_exit(do_all(args));
}

/* The rest is for a child that has this process's memory, as vfork() makes it. */
static int do_vfork(char **args)
{
	static char stack[65536];

	_exit(status_of(clone(vforked, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			      args)));
}

/* Puts memory of the same contents in the place of a file's. */
static int replace(void *start, size_t size)
{
	void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return errno;
	memcpy(copy, start, size);
	if (mprotect(copy, size, PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) == MAP_FAILED)
		return errno;
	return 0;
}

/* Lets /proc/self/exe be another file. */
static int do_disguise(char **args)
{
	static char maps[16384];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), ret;
	unsigned long start, end;
	size_t len = 0;
	char *line;

	while ((ret = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += ret;
	for (line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strchr(line, '/') || sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		ret = replace((void *)start, end - start);
		if (ret)
			return ret;
	}
	fd = open(args[0], O_RDONLY | O_CLOEXEC);
	return failed(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0));
}

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Executes a copy of this program in sealed memory, as runc does; the rest is for that. */
static int do_clone(char **args)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("runc_cloned:/proc/self/exe", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t at = 0;

	if (from < 0 || to < 0 || fstat(from, &st))
		return errno;
	while (at < st.st_size) {
		if (sendfile(to, from, &at, st.st_size - at) <= 0)
			return errno;
	}
	if (fchmod(to, 0555) || fcntl(to, F_ADD_SEALS, SEALS))
		return errno;
	/* What stands before the rest is the name of this command. */
	fexecve(to, args - 1, environ);
	return errno;
}

static const struct command {
	const char *name;
	int args;
	int (*run)(char **args);
} commands[] = {
	{ "chain", 1, do_chain },
	{ "clone", 0, do_clone },
	{ "daemon", 0, do_daemon },
	{ "disguise", 1, do_disguise },
	{ "exchange", 2, do_exchange },
	{ "exec", 0, do_exec },
	{ "fork", 0, do_fork },
	{ "link", 2, do_link },
	{ "orphan", 0, do_orphan },
	{ "ready", 0, do_ready },
	{ "rename", 2, do_rename },
	{ "second", 0, do_second },
	{ "self", 0, do_self },
	{ "sh", 1, do_sh },
	{ "sqpoll", 1, uring_sqpoll },
	{ "thread", 0, do_thread },
	{ "umount", 1, do_umount },
	{ "unlink", 1, do_unlink },
	{ "uring", 1, uring_unlink },
	{ "uring_exchange", 2, uring_exchange },
	{ "user", 1, do_user },
	{ "vfork", 0, do_vfork },
	{ "wait", 0, do_wait },
	{ "workdir", 2, do_workdir },
	{ "zombies", 1, do_zombies },
	{ }
};

static int do_all(char **args)
{
	const struct command *command;
	int ret = 0;

	while (!ret && *args) {
		for (command = commands; command->name && strcmp(command->name, *args); command++)
			;
		ret = command->name ? command->run(args + 1) : EINVAL;
		args += 1 + command->args;
	}
	return ret;
}

int main(int argc, char **argv)
{
	return do_all(argv + 1);
}
