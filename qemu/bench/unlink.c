// SPDX-License-Identifier: GPL-2.0
/*
 * What a removal costs: of an ordinary file, and of one that was executed. What a user can
 * have many of (hard links, processes) is measured with few and with many of them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "measure.h"

#define MANY_LINKS 10000
#define MANY_PROCESSES 1000
#define FILE_NAME "/tmp/hook-cost"
#define LINK "/tmp/hook-cost-link"
#define LINKS "/tmp/hook-cost-links"
#define OVERLAY "/tmp/hook-cost-overlay"

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

#define UNLINK(run, prepare) { run, PATH_UNLINK, INODE_UNLINK, prepare, TIMES }

static struct workload ordinary = UNLINK(unlink_ordinary, NULL);
static struct workload overlay = UNLINK(unlink_in_overlay, NULL);
static struct workload executed = UNLINK(unlink_executed, NULL);
static struct workload one_link = UNLINK(unlink_link, copy_and_execute);
static struct workload many_links = UNLINK(unlink_link, make_links);
static struct workload crowd = UNLINK(unlink_executed, make_processes);

void unlink_costs(int nothing)
{
	measure(&ordinary, "unlink, nothing attached");
	if (nothing)
		return;
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

	if (system("mkdir -p " LINKS))
		die(LINKS);
	one_link.nothing = many_links.nothing = crowd.nothing = executed.nothing;
	measure_with(&one_link, "krsi_exe_unlink", "unlink of one of 2 names, KRSI");
	measure_with(&many_links, "krsi_exe_unlink", "unlink of one of 10,002 names, KRSI");
	measure_with(&crowd, "krsi_exe_unlink", "unlink among 1,000 more processes, KRSI");
}
