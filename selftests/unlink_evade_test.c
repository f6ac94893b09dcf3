// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that an ordinary user does not get the removal of what it runs past the
 * shipped policy exec_unlink in enforce mode: not in a crowd, not by the hand of
 * the kernel, not by a name that ignores case.
 */

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include "kselftest_harness.h"
#include "shipped.h"
#include "unlinking.h"

KEEP_POLICIES("exec_unlink.bpf.o", "exec_unlink")

#define USER "1000"
#define MOUNT DIR "/mount"
#define EXECUTED "executed_then_deleted"

FIXTURE(evasion)
{
	struct shipped shipped;
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(evasion)
{
	struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };

	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, chmod(DIR, 0777));
	ASSERT_EQ(0, chown(PROGRAM, UNPRIVILEGED, UNPRIVILEGED));
	/* As where many users share a machine. */
	ASSERT_EQ(0, setrlimit(RLIMIT_NPROC, &any));
	ASSERT_LT(0, file_write("/proc/sys/kernel/pid_max", "100000"));
	ASSERT_LT(0, file_write("/proc/sys/kernel/threads-max", "100000"));
}

FIXTURE_TEARDOWN(evasion)
{
	shipped_end(&self->shipped);
	watch_end(&self->watch);
	umount2(MOUNT, MNT_DETACH);
}

/* In a crowd of processes that are older than it. */
TEST_F(evasion, a_crowd_before_the_remover_hides_it_not)
{
	char zombies[16];

	snprintf(zombies, sizeof(zombies), "%d", rounds(33000, 1000));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	EXPECT_EQ(EPERM, RUN(NULL, TOOL, "user", USER, "zombies", zombies, "fork", "exec",
			     PROGRAM, "self"));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, PROGRAM, "own");
	EXPECT_EQ(0, access(PROGRAM, F_OK));
}

/* A crowd that ran the same program, more than are looked at, and a child that runs it. */
TEST_F(evasion, a_crowd_that_ran_the_program_is_not_taken_for_others)
{
	const struct unlinked *u;

	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_executable"));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	ASSERT_EQ(0, START(&self->running, NULL, TOOL, "user", USER, "exec", PROGRAM, "zombies",
			   "4200", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	EXPECT_NE(0, unlink(PROGRAM));
	EXPECT_EQ(EPERM, errno);
	u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0);
	EXPECT_TRUE(u->whose & KRSI_WHOSE_UNKNOWN);
	EXPECT_EQ(0, u->whose & KRSI_WHOSE_OTHER);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(0, running_end(&self->running));
}

/* Also who is not below the remover: what is beyond the bound is not known. */
TEST_F(evasion, a_crowd_of_somebody_else_is_reported_as_unknown)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	ASSERT_EQ(0, START(&self->running, NULL, TOOL, "user", USER, "exec", PROGRAM, "zombies",
			   "4200", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	EXPECT_EQ(EPERM, RUN(NULL, TOOL, "unlink", PROGRAM));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, PROGRAM, "unknown");
	EXPECT_EQ(0, running_end(&self->running));
}

/* An overlay that is mounted cleans its work directory up. */
TEST_F(evasion, what_the_kernel_removes_for_a_mount_is_told)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	RUN(NULL, TOOL, "user", USER, "exec", PROGRAM, "workdir", PROGRAM, DIR);
	EXPECT_EQ(0, access(DIR "/base/work/program", F_OK));
	EXPECT_LE(1, shipped_reports(&self->shipped));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, "", "own");
}

TEST_F(evasion, a_name_that_ignores_case_leads_to_no_other)
{
	int fd, flags = FS_CASEFOLD_FL;

	ASSERT_EQ(0, mkdir(MOUNT, 0755));
	if (mount("tmpfs", MOUNT, "tmpfs", 0, "casefold"))
		SKIP(return, "a tmpfs here has no names that ignore case");
	ASSERT_EQ(0, mkdir(MOUNT "/fold", 0777));
	fd = open(MOUNT "/fold", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_EQ(0, ioctl(fd, FS_IOC_SETFLAGS, &flags));
	ASSERT_EQ(0, fchmod(fd, 0777));
	close(fd);
	ASSERT_EQ(0, file_copy(PROGRAM, MOUNT "/fold/Implant", 0755));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	EXPECT_EQ(EPERM, RUN(NULL, TOOL, "user", USER, "exec", MOUNT "/fold/Implant",
			     "rename", MOUNT "/fold/Implant", MOUNT "/fold/x",
			     "rename", MOUNT "/fold/x", MOUNT "/fold/implant",
			     "unlink", MOUNT "/fold/implant"));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, MOUNT "/fold/implant", "own");
}

TEST_HARNESS_MAIN
