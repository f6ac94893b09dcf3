// SPDX-License-Identifier: GPL-2.0
/*
 * hook-cost: loads one thing of measured.bpf.o at a time, executes `true` 200
 * times with it attached, and prints what security_bprm_check() took, and how
 * much of it is above the same with nothing attached. Run in the guest by
 * `make bench`, in this directory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cost.h"

#define EXECS 200

static int costs;
static long long nothing;

static void die(const char *what)
{
	fprintf(stderr, "hook-cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(const struct cost *cost)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(costs, &zero, cost, BPF_ANY))
		die("writing the map");
}

static struct cost get(void)
{
	__u32 zero = 0;
	struct cost cost;

	if (bpf_map_lookup_elem(costs, &zero, &cost))
		die("reading the map");
	return cost;
}

/* The child waits until it is known whose exec is to be measured. */
static void execute(void)
{
	char *const envp[] = {
		"HOME=/root", "LANG=C.UTF-8", "LOGNAME=root", "PATH=/usr/sbin:/usr/bin",
		"PWD=/root", "SHELL=/bin/bash", "SHLVL=1", "TERM=linux", "USER=root",
		"XDG_RUNTIME_DIR=/run/user/0", NULL
	};
	char *const argv[] = { "true", NULL };
	struct cost cost;
	int go[2], status;
	char byte = 0;

	if (pipe(go))
		die("pipe");
	cost = get();
	cost.tgid = fork();
	if (!cost.tgid) {
		if (read(go[0], &byte, 1) == 1)
			execve("/usr/bin/true", argv, envp);
		_exit(1);
	}
	set(&cost);
	if (write(go[1], &byte, 1) != 1)
		die("write");
	close(go[0]);
	close(go[1]);
	waitpid(cost.tgid, &status, 0);
	if (status)
		die("true");
}

static void measure(const char *what)
{
	struct cost cost = {};
	int i;

	set(&cost);
	for (i = 0; i < EXECS; i++)
		execute();
	cost = get();
	if (!nothing)
		nothing = cost.least;
	printf("%-28s least %6llu mean %6llu above nothing %6lld\n", what, cost.least,
	       cost.sum / cost.count, (long long)cost.least - nothing);
}

/* Attaches one program or map of measured.bpf.o, measures, detaches. */
static void measure_with(const char *name, const char *what)
{
	struct bpf_object *object = bpf_object__open_file("measured.bpf.o", NULL);
	struct bpf_program *prog;
	struct bpf_link *link = NULL;
	struct bpf_map *map;

	if (!object)
		die("measured.bpf.o");
	/* Only what is measured is loaded: a loaded reader alone has its price. */
	bpf_object__for_each_program(prog, object)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_LSM)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	if (bpf_object__load(object))
		die("loading");
	map = bpf_object__find_map_by_name(object, name);
	prog = bpf_object__find_program_by_name(object, name);
	link = map ? bpf_map__attach_struct_ops(map) : bpf_program__attach_lsm(prog);
	if (!link)
		die(name);
	measure(what);
	bpf_link__destroy(link);
	bpf_object__close(object);
	sleep(1);
}

int main(void)
{
	struct bpf_object *probes = bpf_object__open_file("hook_cost.bpf.o", NULL);
	struct bpf_program *prog;

	if (!probes || bpf_object__load(probes))
		die("hook_cost.bpf.o");
	bpf_object__for_each_program(prog, probes)
		if (!bpf_program__attach(prog))
			die(bpf_program__name(prog));
	costs = bpf_map__fd(bpf_object__find_map_by_name(probes, "costs"));

	measure("nothing attached");
	measure_with("krsi_empty", "KRSI, an empty policy");
	measure_with("krsi_env_read", "KRSI, reads LD_PRELOAD");
	measure_with("lsm_empty", "BPF LSM, an empty program");
	measure_with("lsm_env_read", "BPF LSM, reads LD_PRELOAD");
	measure("nothing again");
	return 0;
}
