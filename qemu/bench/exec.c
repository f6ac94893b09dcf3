// SPDX-License-Identifier: GPL-2.0
/*
 * What an exec costs, of `true` with ten strings in its environment, with many
 * arguments, and with environments of many sizes.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

#define MANY_ARGS 20000
#define MANY_VARS 1000

/* The child waits until it is known whose exec is to be measured. */
static void execute_in(const char *path, char *const argv[], char *const envp[])
{
	int go[2], status;
	pid_t child;
	char byte = 0;

	if (pipe(go))
		die("pipe");
	child = fork();
	if (!child) {
		if (read(go[0], &byte, 1) == 1)
			execve(path, argv, envp);
		_exit(1);
	}
	set_tgid(BPRM_CHECK, child);
	if (write(go[1], &byte, 1) != 1)
		die("write");
	close(go[0]);
	close(go[1]);
	waitpid(child, &status, 0);
	if (status)
		die("true");
}

static void execute_with(const char *path, char *const argv[])
{
	char *const envp[] = {
		"HOME=/root", "LANG=C.UTF-8", "LOGNAME=root", "PATH=/usr/sbin:/usr/bin",
		"PWD=/root", "SHELL=/bin/bash", "SHLVL=1", "TERM=linux", "USER=root",
		"XDG_RUNTIME_DIR=/run/user/0", NULL
	};

	execute_in(path, argv, envp);
}

void execute_file(const char *path)
{
	char *const argv[] = { "true", NULL };

	execute_with(path, argv);
}

static void execute(void)
{
	execute_file("/usr/bin/true");
}

static void execute_args(int n)
{
	static char *argv[MANY_ARGS + 1];

	for (int i = 0; i < n; i++)
		argv[i] = "argument";
	argv[n] = NULL;
	execute_with("/usr/bin/true", argv);
}

static void execute_20(void)
{
	execute_args(20);
}

static void execute_2000(void)
{
	execute_args(2000);
}

static void execute_20000(void)
{
	execute_args(MANY_ARGS);
}

static char *environment[MANY_VARS + 1];

/* As many variables, of so many bytes together with their NULs. */
static void set_environment(int vars, int bytes)
{
	for (char **var = environment; *var; var++)
		free(*var);
	for (int i = 0; i < vars; i++) {
		int size = bytes / vars, n;

		environment[i] = malloc(size);
		if (!environment[i])
			die("malloc");
		n = sprintf(environment[i], "VARIABLE_%d=", i);
		for (; n < size - 1; n++)
			environment[i][n] = "/usr/lib/Xy0"[n % 12];
		environment[i][n] = '\0';
	}
	environment[vars] = NULL;
}

static void execute_in_it(void)
{
	char *const argv[] = { "true", NULL };

	execute_in("/usr/bin/true", argv, environment);
}

#define EXEC(run, times) { run, BPRM_CHECK, BPRM_CHECK, NULL, times }

static struct workload exec_true = EXEC(execute, TIMES);
static struct workload exec_20 = EXEC(execute_20, TIMES);
static struct workload exec_2000 = EXEC(execute_2000, TIMES / 10);
static struct workload exec_20000 = EXEC(execute_20000, TIMES / 10);

/* binary_deny's list does not name `true`. */
static void binary_deny(__u32 entries, const char *what)
{
	struct list list = { "denied_digest", entries };

	measure_shipped(&exec_true, "binary_deny", &list, what);
}

static const struct {
	int vars, bytes;
	const char *what;
} environments[] = {
	{ 20, 1060, "20 variables, 1,060 bytes" },
	{ 200, 10600, "200 variables, 10.6 KB" },
	{ 1000, 53000, "1,000 variables, 53 KB" },
	{ 20, 64 * 1024, "20 variables, 64 KB" },
	{ 20, 2000000, "20 variables, 2 MB" },
};

void env_costs(int nothing)
{
	struct list none = { "allowed_preload", 0 };

	for (size_t i = 0; i < sizeof(environments) / sizeof(environments[0]); i++) {
		struct workload exec_env = EXEC(execute_in_it, TIMES / 10);
		char what[64];

		set_environment(environments[i].vars, environments[i].bytes);
		measure(&exec_env, environments[i].what);
		if (nothing)
			continue;
		snprintf(what, sizeof(what), "%s, LD_PRELOAD", environments[i].what);
		measure_with(&exec_env, "krsi_env_read", what);
		snprintf(what, sizeof(what), "%s, env_audit", environments[i].what);
		measure_shipped(&exec_env, "env_audit", &none, what);
	}
}

void exec_costs(int nothing)
{
	measure(&exec_true, "exec, nothing attached");
	if (nothing)
		return;
	measure_with(&exec_true, "krsi_empty", "exec, an empty KRSI policy");
	measure_with(&exec_true, "krsi_env_read", "exec, KRSI reads LD_PRELOAD");
	measure_with(&exec_true, "krsi_digest", "exec, KRSI asks for the digest, which is kept");
	measure_with(&exec_true, "krsi_build_id", "exec, KRSI asks for the build id");
	measure_with(&exec_true, "krsi_denies", "exec, KRSI would deny, without a record");
	measure_with(&exec_true, "krsi_records", "exec, KRSI would deny, with a record");
	measure_with(&exec_true, "krsi_exe_unlink", "exec, KRSI records what runs");
	measure_with(&exec_true, "lsm_empty", "exec, an empty BPF LSM program");
	measure_with(&exec_true, "lsm_env_read", "exec, BPF LSM reads LD_PRELOAD");
	binary_deny(1, "exec, binary_deny with 1 digest");
	binary_deny(1000, "exec, binary_deny with 1,000");
	binary_deny(1000000, "exec, binary_deny with 1,000,000");
	measure(&exec_true, "exec, nothing again");

	measure(&exec_20, "exec with 20 arguments, nothing");
	measure_with(&exec_20, "krsi_args_read", "exec with 20 arguments, KRSI reads each");
	measure(&exec_2000, "exec with 2,000 arguments, nothing");
	measure_with(&exec_2000, "krsi_args_read", "exec with 2,000 arguments, KRSI reads each");
	measure(&exec_20000, "exec with 20,000 arguments, nothing");
	measure_with(&exec_20000, "krsi_args_read", "exec with 20,000 arguments, KRSI reads each");
}
