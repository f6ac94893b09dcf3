// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what a user can make many of makes no removal long, and that what
 * it only asks for costs no memory for long: other names of the file, processes
 * that run it, execs that fail. Times are the least of many, so that a busy
 * machine does not matter, and have room to one side of what they were.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
	many = least();
	ASSERT_LT(0, few);
	ASSERT_LT(0, many);
	EXPECT_LT(many, 4 * few) {
		TH_LOG("%llu ns, with many names %llu", few, many);
	}
}

/* Zombies are the cheapest processes; all of them ran it. */
TEST_F(removal, of_a_file_that_many_ran_has_a_bound)
{
	unsigned long long some = 0, more;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, START(&self->running[i], NULL, PROGRAM, "zombies",
				   debug_kernel() ? "1100" : "3000", "ready", "wait"));
		ASSERT_TRUE(running_ready(&self->running[i]));
		if (i == 1)
			some = least();
	}
	more = least();
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

TEST_HARNESS_MAIN
