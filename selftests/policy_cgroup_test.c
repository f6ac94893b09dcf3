// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what is done in an exempt cgroup, and below it, is no business of the
 * shipped policy exec_unlink, and what is done beside it and above it is.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "shipped.h"
#include "unlinking.h"

KEEP_POLICIES("exec_unlink.bpf.o", "exec_unlink")

#define CGROUPS DIR "/cgroup"
#define ABOVE CGROUPS "/krsi_cgroup"
#define EXEMPT ABOVE "/exempt"
#define BELOW EXEMPT "/below"
#define BESIDE ABOVE "/beside"

FIXTURE(cgroup)
{
	struct shipped shipped;
};

FIXTURE_SETUP(cgroup)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, mkdir(CGROUPS, 0755));
	ASSERT_EQ(0, mount("cgroup2", CGROUPS, "cgroup2", 0, NULL));
	ASSERT_EQ(0, mkdir(ABOVE, 0755));
	ASSERT_EQ(0, mkdir(EXEMPT, 0755));
	ASSERT_EQ(0, mkdir(BELOW, 0755));
	ASSERT_EQ(0, mkdir(BESIDE, 0755));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
}

FIXTURE_TEARDOWN(cgroup)
{
	shipped_end(&self->shipped);
	rmdir(BESIDE);
	rmdir(BELOW);
	rmdir(EXEMPT);
	EXPECT_EQ(0, rmdir(ABOVE));
}

static int join(void *cgroup)
{
	char procs[4096];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", (char *)cgroup);
	return file_write(procs, "0") < 0;
}

/* A program that removes itself, in a cgroup; the errno that it ends with. */
static int remove_in(const char *cgroup)
{
	char *argv[] = { PROGRAM, "self", NULL };
	const struct run how = {
		.path = PROGRAM,
		.argv = argv,
		.before = join,
		.arg = (char *)cgroup,
	};

	return run(&how);
}

#define EXPECT_REFUSED(cgroup)								\
	do {										\
		self->shipped.n = 0;							\
		EXPECT_EQ(EPERM, remove_in(cgroup));					\
		EXPECT_REPORT(&self->shipped, 0, "executed_then_deleted", PROGRAM, "own"); \
		EXPECT_EQ(1, shipped_reports(&self->shipped));				\
	} while (0)

TEST_F(cgroup, that_is_not_exempt_is_none)
{
	EXPECT_REFUSED(EXEMPT);
}

TEST_F(cgroup, that_is_exempt_is)
{
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, EXEMPT));
	EXPECT_EQ(0, remove_in(EXEMPT));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(cgroup, below_one_that_is_exempt_is)
{
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, EXEMPT));
	EXPECT_EQ(0, remove_in(BELOW));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(cgroup, beside_above_and_outside_are_not)
{
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, EXEMPT));
	EXPECT_REFUSED(BESIDE);
	EXPECT_REFUSED(ABOVE);
	EXPECT_REFUSED(CGROUPS);
}

/* All are below it. */
TEST_F(cgroup, that_is_the_root_exempts_nobody)
{
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, CGROUPS));
	EXPECT_REFUSED(CGROUPS);
	EXPECT_REFUSED(EXEMPT);
}

/* By its number, not its name. */
TEST_F(cgroup, that_was_made_anew_is_another)
{
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, BESIDE));
	ASSERT_EQ(0, rmdir(BESIDE));
	ASSERT_EQ(0, mkdir(BESIDE, 0755));
	EXPECT_REFUSED(BESIDE);
}

/* The exempt one lies at depth 16, and at 17. */
TEST_F(cgroup, is_exempt_as_deep_as_is_looked)
{
	char path[4096] = EXEMPT;
	int depth;

	for (depth = 3; depth <= KRSI_EXEMPT_CGROUP_DEPTH + 1; depth++) {
		strcat(path, "/d");
		ASSERT_EQ(0, mkdir(path, 0755));
		if (depth == KRSI_EXEMPT_CGROUP_DEPTH + 1)
			ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, path));
	}
	EXPECT_REFUSED(path);
	self->shipped.n = 0;
	*strrchr(path, '/') = '\0';
	ASSERT_EQ(0, shipped_exempt_cgroup(&self->shipped, path));
	strcat(path, "/d");
	EXPECT_EQ(0, remove_in(path));
	EXPECT_EQ(0, shipped_reports(&self->shipped));
	for (depth = 3; depth <= KRSI_EXEMPT_CGROUP_DEPTH + 1; depth++) {
		EXPECT_EQ(0, rmdir(path));
		*strrchr(path, '/') = '\0';
	}
}

TEST_HARNESS_MAIN
