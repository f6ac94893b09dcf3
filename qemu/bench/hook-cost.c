// SPDX-License-Identifier: GPL-2.0
/*
 * hook-cost: loads one thing of measured.bpf.o at a time, does something many
 * times with it attached (executes `true`, unlinks a file), and prints what the
 * LSM framework's functions took, and how much of it is above the same with
 * nothing attached. What a user can have many of (arguments, hard links, processes)
 * is measured with few and with many of them. Run in the guest by `make bench`, in
 * this directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cost.h"

#define TIMES 200
#define MANY_ARGS 20000
#define MANY_LINKS 10000
#define MANY_PROCESSES 1000
#define FILE_NAME "/tmp/hook-cost"
#define LINK "/tmp/hook-cost-link"
#define LINKS "/tmp/hook-cost-links"
#define OVERLAY "/tmp/hook-cost-overlay"

/* What is done, and which functions of the framework that leads to. */
struct workload {
	void (*run)(void);
	enum measured from, to;
	void (*prepare)(void); /* once, with the thing attached */
	int times;
	long long nothing;
};

static int costs;

static void die(const char *what)
{
	fprintf(stderr, "hook-cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(__u32 measured, const struct cost *cost)
{
	if (bpf_map_update_elem(costs, &measured, cost, BPF_ANY))
		die("writing the map");
}

static struct cost get(__u32 measured)
{
	struct cost cost;

	if (bpf_map_lookup_elem(costs, &measured, &cost))
		die("reading the map");
	return cost;
}

/* Measures this process, from now on. */
static void set_tgid(enum measured measured, pid_t tgid)
{
	struct cost cost = get(measured);

	cost.tgid = tgid;
	set(measured, &cost);
}

/* The child waits until it is known whose exec is to be measured. */
static void execute_with(const char *path, char *const argv[])
{
	char *const envp[] = {
		"HOME=/root", "LANG=C.UTF-8", "LOGNAME=root", "PATH=/usr/sbin:/usr/bin",
		"PWD=/root", "SHELL=/bin/bash", "SHLVL=1", "TERM=linux", "USER=root",
		"XDG_RUNTIME_DIR=/run/user/0", NULL
	};
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

static void execute_file(const char *path)
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

static void unlink_file(const char *path)
{
	set_tgid(PATH_UNLINK, getpid());
	set_tgid(INODE_UNLINK, getpid());
	if (unlink(path))
		die(path);
	set_tgid(PATH_UNLINK, 0);
	set_tgid(INODE_UNLINK, 0);
}

static void unlink_new(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		die(path);
	close(fd);
	unlink_file(path);
}

static void unlink_ordinary(void)
{
	unlink_new(FILE_NAME);
}

/* The overlay and its layer: the hooks are called for each. */
static void unlink_in_overlay(void)
{
	unlink_new(OVERLAY "/merged/file");
}

static void copy_and_execute(void)
{
	if (system("cp /usr/bin/true " FILE_NAME))
		die("cp");
	execute_file(FILE_NAME);
}

static void unlink_executed(void)
{
	copy_and_execute();
	unlink_file(FILE_NAME);
}

/* One of the names of a file that was executed by another. */
static void unlink_link(void)
{
	if (link(FILE_NAME, LINK))
		die(LINK);
	unlink_file(LINK);
}

static void make_links(void)
{
	char path[64];

	copy_and_execute();
	for (int i = 0; i < MANY_LINKS; i++) {
		snprintf(path, sizeof(path), LINKS "/%d", i);
		if (link(FILE_NAME, path))
			die(path);
	}
}

/* They live as long as this one. */
static void make_processes(void)
{
	for (int i = 0; i < MANY_PROCESSES; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(1);
		}
	}
}

#define EXEC(run, times) { run, BPRM_CHECK, BPRM_CHECK, NULL, times }
#define UNLINK(run, prepare) { run, PATH_UNLINK, INODE_UNLINK, prepare, TIMES }

static struct workload exec_true = EXEC(execute, TIMES);
static struct workload exec_20 = EXEC(execute_20, TIMES);
static struct workload exec_2000 = EXEC(execute_2000, TIMES / 10);
static struct workload exec_20000 = EXEC(execute_20000, TIMES / 10);
static struct workload ordinary = UNLINK(unlink_ordinary, NULL);
static struct workload overlay = UNLINK(unlink_in_overlay, NULL);
static struct workload executed = UNLINK(unlink_executed, NULL);
static struct workload one_link = UNLINK(unlink_link, copy_and_execute);
static struct workload many_links = UNLINK(unlink_link, make_links);
static struct workload crowd = UNLINK(unlink_executed, make_processes);

static void measure(struct workload *workload, const char *what)
{
	unsigned long long least = 0, mean = 0;
	enum measured m;

	if (workload->prepare)
		workload->prepare();
	for (m = workload->from; m <= workload->to; m++)
		set(m, &(struct cost){});
	for (int i = 0; i < workload->times; i++)
		workload->run();
	for (m = workload->from; m <= workload->to; m++) {
		struct cost cost = get(m);

		if (!cost.count)
			die("nothing was measured");
		least += cost.least;
		mean += cost.sum / cost.count;
	}
	if (!workload->nothing)
		workload->nothing = least;
	printf("%-44s least %6llu mean %6llu above nothing %6lld\n", what, least, mean,
	       (long long)least - workload->nothing);
}

/* Attaches one program or map of measured.bpf.o, measures, detaches. */
static void measure_with(struct workload *workload, const char *name, const char *what)
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
	measure(workload, what);
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

	measure(&exec_true, "exec, nothing attached");
	measure_with(&exec_true, "krsi_empty", "exec, an empty KRSI policy");
	measure_with(&exec_true, "krsi_env_read", "exec, KRSI reads LD_PRELOAD");
	measure_with(&exec_true, "krsi_denies", "exec, KRSI would deny, without a record");
	measure_with(&exec_true, "krsi_records", "exec, KRSI would deny, with a record");
	measure_with(&exec_true, "krsi_exe_unlink", "exec, KRSI records what runs");
	measure_with(&exec_true, "lsm_empty", "exec, an empty BPF LSM program");
	measure_with(&exec_true, "lsm_env_read", "exec, BPF LSM reads LD_PRELOAD");
	measure(&exec_true, "exec, nothing again");

	measure(&ordinary, "unlink, nothing attached");
	measure_with(&ordinary, "krsi_exe_unlink", "unlink, KRSI executable_unlink attached");
	measure_with(&ordinary, "krsi_unlink", "unlink, an empty KRSI file_unlink");
	measure_with(&ordinary, "lsm_unlink_empty", "unlink, an empty BPF LSM program");
	measure(&ordinary, "unlink, nothing again");

	if (system("mkdir -p " OVERLAY " && mount -t tmpfs none " OVERLAY " && cd " OVERLAY
		   " && mkdir lower upper work merged && mount -t overlay none merged "
		   "-o lowerdir=lower,upperdir=upper,workdir=work"))
		die("overlay");
	measure(&overlay, "unlink in an overlay, nothing attached");
	measure_with(&overlay, "krsi_exe_unlink", "unlink in an overlay, KRSI executable_unlink");

	measure(&executed, "unlink of what was executed, nothing");
	measure_with(&executed, "krsi_exe_unlink", "unlink of what was executed, KRSI");

	measure(&exec_20, "exec with 20 arguments, nothing");
	measure_with(&exec_20, "krsi_args_read", "exec with 20 arguments, KRSI reads each");
	measure(&exec_2000, "exec with 2,000 arguments, nothing");
	measure_with(&exec_2000, "krsi_args_read", "exec with 2,000 arguments, KRSI reads each");
	measure(&exec_20000, "exec with 20,000 arguments, nothing");
	measure_with(&exec_20000, "krsi_args_read", "exec with 20,000 arguments, KRSI reads each");

	if (system("mkdir -p " LINKS))
		die(LINKS);
	one_link.nothing = many_links.nothing = crowd.nothing = executed.nothing;
	measure_with(&one_link, "krsi_exe_unlink", "unlink of one of 2 names, KRSI");
	measure_with(&many_links, "krsi_exe_unlink", "unlink of one of 10,002 names, KRSI");
	measure_with(&crowd, "krsi_exe_unlink", "unlink among 1,000 more processes, KRSI");
	return 0;
}
