// SPDX-License-Identifier: GPL-2.0
/*
 * What an exec costs whose environment is looked at, by the number of its variables and by
 * its size: for one variable, which is not set, and for all of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define MANY_VARS 1000

static char *environment[MANY_VARS + 1];

/* As many variables, of so many bytes together with their NULs. */
static void set_environment(int vars, int bytes)
{
	int size = bytes / vars;

	for (char **var = environment; *var; var++)
		free(*var);
	for (int i = 0; i < vars; i++) {
		char *var = malloc(size);

		if (!var)
			die("malloc");
		memset(var, 'x', size);
		var[0] = 'A' + i % 26;
		var[1] = 'A' + i / 26;
		var[2] = '=';
		var[size - 1] = '\0';
		environment[i] = var;
	}
	environment[vars] = NULL;
}

static void execute_in_it(void)
{
	char *const argv[] = { "true", NULL };

	execute_with("/usr/bin/true", argv, environment);
}

/* Rows KIND.N.one and KIND.N.all. */
static void one_and_all(struct workload *workload, const char *kind, int n, const char *what)
{
	char id[32], title[80];

	snprintf(id, sizeof(id), "%s.%d.one", kind, n);
	snprintf(title, sizeof(title), "exec, %s, one is asked for", what);
	compare(workload, ROW(id, title), "krsi_env_read", "lsm_env_one");
	snprintf(id, sizeof(id), "%s.%d.all", kind, n);
	snprintf(title, sizeof(title), "exec, %s, all is read", what);
	compare(workload, ROW(id, title), "krsi_env_all", "lsm_env_all");
}

static void variables(int vars)
{
	struct workload exec = { execute_in_it, EXEC_FUNCTIONS, TIMES };
	struct list none = { "allowed_preload", 0 };
	char what[48], id[32], title[64];

	set_environment(vars, vars * 53);
	snprintf(what, sizeof(what), "%d variables of 53 bytes", vars);
	one_and_all(&exec, "env.vars", vars, what);
	snprintf(id, sizeof(id), "env.vars.%d.env_audit", vars);
	snprintf(title, sizeof(title), "exec, %s, env_audit", what);
	compare_shipped(&exec, ROW(id, title), "env_audit", &none);
}

static void bytes(int bytes)
{
	struct workload exec = { execute_in_it, EXEC_FUNCTIONS, FEW };
	char what[48];

	set_environment(20, bytes);
	snprintf(what, sizeof(what), "20 variables, %d bytes", bytes);
	one_and_all(&exec, "env.bytes", bytes, what);
}

void environment_costs(void)
{
	variables(20);
	variables(200);
	variables(MANY_VARS);
	bytes(100);
	bytes(1000);
	bytes(10000);
	bytes(65536);
	bytes(200000);
	bytes(2000000);
}
