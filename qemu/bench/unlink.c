// SPDX-License-Identifier: GPL-2.0
/*
 * What a removal costs: of an ordinary file, and of one that was executed. What a user can
 * have many of (hard links, processes) is measured with few and with many of them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"

#define MANY_LINKS 100000
#define MANY_PROCESSES 30000
#define DIR "/tmp/hook-cost-unlink"
#define FILE_NAME DIR "/file"
#define LINK DIR "/link"
#define LINKS DIR "/links"
#define OVERLAY "/tmp/hook-cost-overlay"

static void unlink_file(const char *path)
{
	measure_tgid(getpid());
	if (unlink(path))
		die(path);
	measure_tgid(0);
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

static void make_overlay(void)
{
	if (system("mkdir -p " OVERLAY " && mount -t tmpfs none " OVERLAY " && cd " OVERLAY
		   " && mkdir lower upper work merged && mount -t overlay none merged "
		   "-o lowerdir=lower,upperdir=upper,workdir=work"))
		die("overlay");
}

static void unlink_executed(void)
{
	copy_true(FILE_NAME);
	execute_file(FILE_NAME);
	unlink_file(FILE_NAME);
}

/* One of the names of a file that was executed by another, with a policy that saw it. */
static void execute_linked(struct bpf_object *object)
{
	execute_file(FILE_NAME);
}

static void unlink_link(void)
{
	if (link(FILE_NAME, LINK))
		die(LINK);
	unlink_file(LINK);
}

/* The file has as many more names. */
static void make_links(int n)
{
	static int links;
	char path[64];

	for (; links < n; links++) {
		snprintf(path, sizeof(path), LINKS "/%d", links);
		if (link(FILE_NAME, path))
			die(path);
	}
}

#define UNLINK (BIT(PATH_UNLINK) | BIT(INODE_UNLINK))

static struct workload ordinary = { unlink_ordinary, UNLINK, TIMES };
static struct workload overlay = { unlink_in_overlay, UNLINK, TIMES, .prepare = make_overlay };
static struct workload executed = { unlink_executed, UNLINK, TIMES };

static void links_costs(void)
{
	char id[40], title[64];

	copy_true(FILE_NAME);
	for (int n = 1; n <= MANY_LINKS; n *= 10) {
		struct workload linked = { unlink_link, UNLINK, TIMES, .begin = execute_linked };

		snprintf(id, sizeof(id), "unlink.links.%d", n);
		snprintf(title, sizeof(title), "unlink, executed, %d other names stay", n);
		if (!is_wanted(id))
			continue;
		make_links(n);
		compare(&linked, ROW(id, title), "krsi_exe_unlink", "lsm_record");
	}
	unlink(FILE_NAME);
}

static void processes_costs(void)
{
	static const int numbers[] = { 10, 100, 1000, 10000, MANY_PROCESSES };
	char id[40], title[64];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct workload among = { unlink_executed, UNLINK, FEW };

		snprintf(id, sizeof(id), "unlink.processes.%d", numbers[i]);
		snprintf(title, sizeof(title), "unlink, executed, among %d more processes", numbers[i]);
		if (!is_wanted(id))
			continue;
		crowd(numbers[i]);
		compare(&among, ROW(id, title), "krsi_exe_unlink", "lsm_record");
	}
	crowd(0);
}

void unlink_costs(bool nothing)
{
	if (system("mkdir -p " DIR " && mount -t tmpfs -o nr_inodes=0 none " DIR " && mkdir " LINKS))
		die(DIR);
	measure_whole(&ordinary, ROW("nothing.unlink", "unlink"));
	if (nothing)
		return;
	compare(&ordinary, ROW("unlink.file_unlink", "unlink, an empty policy"), "krsi_unlink", "lsm_unlink");
	compare(&ordinary, ROW("unlink.ordinary", "unlink, not executed, executable_unlink"),
		"krsi_exe_unlink", "lsm_record");
	compare(&overlay, ROW("unlink.overlay", "unlink in an overlay, not executed, executable_unlink"),
		"krsi_exe_unlink", "lsm_record");
	compare(&executed, ROW("unlink.executed", "unlink, executed, executable_unlink"),
		"krsi_exe_unlink", "lsm_record");
	compare_nothing(&ordinary, ROW("again.unlink", "unlink, nothing attached any more"));
	links_costs();
	processes_costs();
}
