// SPDX-License-Identifier: GPL-2.0
/*
 * What a fork and an exec cost, of `true` with ten strings in its environment: with one
 * policy and with many, and with many arguments.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define MANY_ARGS 20000

/* The strings of an exec may have a quarter of its stack. */
static void allow_many_strings(void)
{
	struct rlimit stack;

	getrlimit(RLIMIT_STACK, &stack);
	stack.rlim_cur = 64 << 20;
	setrlimit(RLIMIT_STACK, &stack);
}

/* The child waits until it is known whose exec is to be measured. */
void execute_with(const char *path, char *const argv[], char *const envp[])
{
	int go[2], status;
	pid_t child;
	char byte = 0;

	if (pipe(go))
		die("pipe");
	child = fork();
	if (!child) {
		allow_many_strings();
		if (read(go[0], &byte, 1) == 1)
			execve(path, argv, envp);
		_exit(1);
	}
	measure_tgid(child);
	if (write(go[1], &byte, 1) != 1)
		die("write");
	close(go[0]);
	close(go[1]);
	waitpid(child, &status, 0);
	measure_tgid(0);
	if (status)
		die(path);
}

static void execute_args(const char *path, char *const argv[])
{
	char *const envp[] = {
		"HOME=/root", "LANG=C.UTF-8", "LOGNAME=root", "PATH=/usr/sbin:/usr/bin",
		"PWD=/root", "SHELL=/bin/bash", "SHLVL=1", "TERM=linux", "USER=root",
		"XDG_RUNTIME_DIR=/run/user/0", NULL
	};

	execute_with(path, argv, envp);
}

void execute_file(const char *path)
{
	char *const argv[] = { "true", NULL };

	execute_args(path, argv);
}

void copy_true(const char *path)
{
	int from = open("/usr/bin/true", O_RDONLY), to = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	struct stat stat;

	if (fstat(from, &stat) || sendfile(to, from, NULL, stat.st_size) != stat.st_size)
		die(path);
	close(from);
	close(to);
}

static void execute(void)
{
	execute_file("/usr/bin/true");
}

static void forks(void)
{
	pid_t child;

	measure_tgid(getpid());
	child = fork();
	if (!child)
		_exit(0);
	measure_tgid(0);
	waitpid(child, NULL, 0);
}

static int args;

static void execute_many(void)
{
	static char *argv[MANY_ARGS + 1];

	for (int i = 0; i < args; i++)
		argv[i] = "argument";
	argv[args] = NULL;
	execute_args("/usr/bin/true", argv);
}

#define BLOBS (BIT(TASK_ALLOC) | BIT(PREPARE_CREDS) | BIT(INODE_ALLOC))

static struct workload exec_true = { execute, EXEC_FUNCTIONS, TIMES };
static struct workload exec_blobs = { execute, EXEC_FUNCTIONS | BLOBS, TIMES };
static struct workload fork_blobs = { forks, BLOBS, TIMES };

static void policies_costs(void)
{
	char id[32], title[64];

	for (int n = 1; n <= 64; n *= 2) {
		snprintf(id, sizeof(id), "exec.policies.%d", n);
		snprintf(title, sizeof(title), "exec, %d empty polic%s", n, n == 1 ? "y" : "ies");
		compare_many(&exec_true, ROW(id, title), "krsi_empty", "lsm_exec", n);
	}
}

static void args_costs(void)
{
	char id[32], title[64];

	for (args = 20; args <= MANY_ARGS; args *= 10) {
		struct workload exec_args = { execute_many, EXEC_FUNCTIONS, FEW };

		snprintf(id, sizeof(id), "exec.args.%d", args);
		snprintf(title, sizeof(title), "exec, %d arguments, each is read", args);
		compare(&exec_args, ROW(id, title), "krsi_args_read", "lsm_args");
	}
}

/* binary_deny's list does not name `true`. */
static void binary_deny(__u32 entries)
{
	struct list list = { "denied_digest", entries };
	char id[32], title[64];

	snprintf(id, sizeof(id), "exec.binary_deny.%u", entries);
	snprintf(title, sizeof(title), "exec, binary_deny, %u digest%s", entries, entries == 1 ? "" : "s");
	compare_shipped(&exec_true, ROW(id, title), "binary_deny", &list);
}

void exec_costs(bool nothing)
{
	measure_whole(&fork_blobs, ROW("nothing.fork", "fork"));
	measure_whole(&exec_blobs, ROW("nothing.exec", "exec"));
	if (nothing)
		return;
	policies_costs();
	compare(&exec_true, ROW("exec.bprm_env", "exec, krsi_bprm_get_env_var() in a BPF LSM program"),
		"bprm_env_read", NULL);
	compare(&exec_true, ROW("exec.digest", "exec, the digest, which is kept"), "krsi_digest", NULL);
	compare(&exec_true, ROW("exec.build_id", "exec, the build id"), "krsi_build_id", NULL);
	compare(&exec_true, ROW("exec.denies", "exec, would be denied, without a record"), "krsi_denies", NULL);
	compare(&exec_true, ROW("exec.records", "exec, would be denied, with a record"), "krsi_records", NULL);
	compare(&exec_true, ROW("exec.executable_unlink", "exec, what runs is remembered"),
		"krsi_exe_unlink", "lsm_record");
	compare(&fork_blobs, ROW("fork.executable_unlink", "fork, what runs is remembered"),
		"krsi_exe_unlink", "lsm_record");
	binary_deny(1);
	binary_deny(1000);
	binary_deny(1000000);
	compare_nothing(&exec_true, ROW("again.exec", "exec, nothing attached any more"));
	args_costs();
}
