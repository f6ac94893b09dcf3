// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what a user can make many of makes no removal long: other names of
 * the file, processes that run it. And that what is remembered of execs is charged
 * to who executes, and dropped if the exec fails. Times are the least of many, taken
 * again for a while if need be: a busy machine is slow for a moment, a long walk always.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_executable")

#define OTHERS DIR "/others"
#define TIMES 20

FIXTURE(removal)
{
	struct watch watch;
	struct running running[4];
};

FIXTURE_SETUP(removal)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, mkdir(OTHERS, 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
}

FIXTURE_TEARDOWN(removal)
{
	watch_end(&self->watch);
}

/* The least time of some removals of links of the program, in nanoseconds; 0: failed. */
static unsigned long long least(void)
{
	unsigned long long least = ~0ULL, time;
	char path[64];
	int i;

	for (i = 0; i < TIMES; i++) {
		snprintf(path, sizeof(path), OTHERS "/least-%d", i);
		if (link(PROGRAM, path))
			return 0;
		time = boot_ns();
		if (unlink(path))
			return 0;
		time = boot_ns() - time;
		if (time < least)
			least = time;
	}
	return least;
}

/* The same, from now on until it is below a limit, or some seconds are over. */
static unsigned long long least_below(unsigned long long limit)
{
	unsigned long long end = boot_ns() + 10000000000ULL, time;

	do
		time = least();
	while (time >= limit && boot_ns() < end && !usleep(100000));
	return time;
}

TEST_F(removal, of_a_file_with_many_names_takes_no_longer)
{
	unsigned long long few, many;
	char path[64];
	int i;

	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	few = least();
	for (i = 0; i < rounds(20000, 4000); i++) {
		snprintf(path, sizeof(path), OTHERS "/%d", i);
		ASSERT_EQ(0, link(PROGRAM, path));
	}
	many = least_below(4 * few);
	ASSERT_LT(0, few);
	ASSERT_LT(0, many);
	EXPECT_LT(many, 4 * few) {
		TH_LOG("%llu ns, with many names %llu", few, many);
	}
}

/* Zombies are the cheapest processes; all of them ran it. Half of them are beyond the bound. */
TEST_F(removal, of_a_file_that_many_ran_has_a_bound)
{
	unsigned long long some = 0, more;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, START(&self->running[i], NULL, PROGRAM, "zombies",
				   debug_kernel() ? "2100" : "3000", "ready", "wait"));
		ASSERT_TRUE(running_ready(&self->running[i]));
		if (i == 1)
			some = least();
	}
	more = least_below(2 * some);
	ASSERT_LT(0, some);
	EXPECT_LT(more, 2 * some) {
		TH_LOG("%llu ns, with twice as many %llu", some, more);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, running_end(&self->running[i]));
}

static long slab_kb(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = -1;

	while (kb < 0 && fgets(line, sizeof(line), meminfo))
		sscanf(line, "SUnreclaim: %ld kB", &kb);
	fclose(meminfo);
	return kb;
}

/* Each fails after its round, for it is no program: what was noted of it is dropped. */
TEST_F(removal, is_prepared_for_no_exec_that_failed)
{
	char path[320], pad[241] = "";
	int i, n = rounds(3000, 300);
	long before;

	memset(pad, 'n', sizeof(pad) - 1);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), OTHERS "/%s%d", pad, i);
		ASSERT_EQ(0, file_make(path, "junk", 0755));
	}
	before = slab_kb();
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), OTHERS "/%s%d", pad, i);
		ASSERT_EQ(-1, execl(path, path, NULL));
		ASSERT_EQ(ENOEXEC, errno);
	}
	/* Half a kilobyte a file was kept once. */
	EXPECT_LT(slab_kb() - before, n / 8 + 200);
}

#define CGROUPS DIR "/cgroup"
#define CGROUP CGROUPS "/krsi_unlink_cost"

/* Kernel memory that the processes of the cgroup hold, but for what is given back by itself. */
static long charged(void)
{
	FILE *stat;
	char line[128];
	long bytes = -1;

	/* The counts of the processors come together every two seconds. */
	sleep(3);
	stat = fopen(CGROUP "/memory.stat", "r");
	while (stat && bytes < 0 && fgets(line, sizeof(line), stat))
		sscanf(line, "slab_unreclaimable %ld", &bytes);
	if (stat)
		fclose(stat);
	return bytes;
}

/*
 * Executes so many scripts, each a file of its own, in the cgroup; 0 or an errno. They
 * lie deep, for the counts of a cgroup are brought up to date by the half megabyte.
 */
static int execute_scripts(const char *dir, int n)
{
	char base[PATH_MAX / 2], path[PATH_MAX], pad[201] = "", text[256];
	int i, status;
	pid_t pid;

	memset(pad, 'n', sizeof(pad) - 1);
	snprintf(text, sizeof(text), "#!%s\n", test_path("exit0"));
	snprintf(base, sizeof(base), "%s", dir);
	for (i = 0; i < 8; i++) {
		if (mkdir(base, 0755))
			return errno;
		snprintf(base + strlen(base), sizeof(base) - strlen(base), "/%s", pad);
	}
	if (mkdir(base, 0755))
		return errno;
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%d", base, i);
		if (file_make(path, text, 0755))
			return EIO;
	}
	pid = fork();
	if (!pid) {
		if (file_write(CGROUP "/cgroup.procs", "0") < 0)
			_exit(ESRCH);
		for (i = 0; i < n; i++) {
			snprintf(path, sizeof(path), "%s/%d", base, i);
			pid = vfork();
			if (!pid) {
				execl(path, path, NULL);
				_exit(1);
			}
			if (waitpid(pid, &status, 0) != pid || status)
				_exit(ECHILD);
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Who executes many files pays for what is remembered of them. */
TEST_F(removal, is_prepared_for_at_the_cost_of_who_executes)
{
	int n = rounds(1000, 200);
	long before, unwatched, watched;

	ASSERT_EQ(0, mkdir(CGROUPS, 0755));
	ASSERT_EQ(0, mount("cgroup2", CGROUPS, "cgroup2", 0, NULL));
	ASSERT_LE(0, file_write(CGROUPS "/cgroup.subtree_control", "+memory"));
	ASSERT_EQ(0, mkdir(CGROUP, 0755));
	policy_detach(&self->watch.policy);
	before = charged();
	EXPECT_EQ(0, execute_scripts(DIR "/unwatched", n));
	unwatched = charged() - before;
	EXPECT_EQ(0, policy_attach(&self->watch.policy));
	before = charged();
	EXPECT_EQ(0, execute_scripts(DIR "/watched", n));
	watched = charged() - before;
	EXPECT_EQ(0, rmdir(CGROUP));
	/* The path alone has 1,600 bytes. */
	EXPECT_LE(unwatched + n * 1600, watched) {
		TH_LOG("%d files: %ld bytes unwatched, %ld watched", n, unwatched, watched);
	}
}

TEST_HARNESS_MAIN
