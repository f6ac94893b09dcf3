// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that an ordinary user gets nothing executed or removed past the shipped
 * policy exec_unlink in enforce mode from a mount that nobody sees, nor by an
 * exemption that was meant for others: by a path of its own making, a freed inode
 * number, or an exempt program that it may run.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "disk.h"
#include "kselftest_harness.h"
#include "observe.h"
#include "shipped.h"
#include "unlinking.h"

KEEP_POLICIES("exec_unlink.bpf.o", "exec_unlink")

/* As new as the kernel. */
#ifndef FSMOUNT_NAMESPACE
#define FSMOUNT_NAMESPACE 0x00000002
#endif

#define USER "1000"
#define BUILDER DIR "/builder"
#define IMPLANT BUILDER "/implant"
#define AWAY DIR "/away"
#define MOUNT DIR "/mount"
#define EXECUTED "executed_then_deleted"

FIXTURE(exemption)
{
	struct shipped shipped;
};

FIXTURE_SETUP(exemption)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, chmod(DIR, 0777));
	ASSERT_EQ(0, mkdir(BUILDER, 0777));
	ASSERT_EQ(0, chmod(BUILDER, 0777));
	ASSERT_EQ(0, file_copy(PROGRAM, IMPLANT, 0755));
	ASSERT_EQ(0, mkdir(MOUNT, 0755));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
}

FIXTURE_TEARDOWN(exemption)
{
	shipped_end(&self->shipped);
	umount2(MOUNT, MNT_DETACH);
}

static int copy_and_run(int dir)
{
	char *argv[] = { "sshd", NULL }, *envp[] = { NULL };
	char buf[65536];
	int from = open(DIR "/exit0", O_RDONLY), to;
	ssize_t n;

	to = openat(dir, "sshd", O_CREAT | O_WRONLY, 0755);
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, n) != n)
			return ENOSPC;
	}
	close(to);
	syscall(SYS_execveat, dir, "sshd", argv, envp, 0);
	return errno;
}

static int from_a_mount_that_is_nowhere(void)
{
	int fs = syscall(SYS_fsopen, "tmpfs", 0);

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return ECHILD;
	return copy_and_run(syscall(SYS_fsmount, fs, 0, 0));
}

static int from_a_mount_that_was_detached(void)
{
	int dir;

	if (mount("tmpfs", BUILDER, "tmpfs", 0, NULL))
		return ECHILD;
	dir = open(BUILDER, O_RDONLY | O_DIRECTORY);
	if (umount2(BUILDER, MNT_DETACH))
		return ECHILD;
	return copy_and_run(dir);
}

/* A namespace that descriptors alone hold, once who opened its root has ended. */
static int from_a_namespace_of_nobody(void)
{
	int fs = syscall(SYS_fsopen, "tmpfs", 0), ns, status;
	pid_t pid;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return ECHILD;
	ns = syscall(SYS_fsmount, fs, FSMOUNT_NAMESPACE, 0);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(setns(ns, CLONE_NEWNS) ? 0 : open("/", O_RDONLY | O_DIRECTORY));
	if (ns < 0 || waitpid(pid, &status, 0) != pid || !WEXITSTATUS(status))
		return ECHILD;
	return copy_and_run(WEXITSTATUS(status));
}

/* As a container runtime does that executes itself in a namespace of its own. */
static int from_the_namespace_of_its_parent(void)
{
	int dir, status;
	pid_t pid;

	if (mount("tmpfs", BUILDER, "tmpfs", 0, NULL))
		return ECHILD;
	dir = open(BUILDER, O_RDONLY | O_DIRECTORY);
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNS) ? ECHILD : copy_and_run(dir));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void expect_detached(struct __test_metadata *_metadata, struct shipped *shipped,
			    int (*act)(void))
{
	EXPECT_EQ(EPERM, as_user(act));
	EXPECT_REPORT(shipped, 0, "executed_out_of_sight", "(unreachable)/sshd", "detached");
	EXPECT_EQ(1, shipped_reports(shipped));
}

TEST_F(exemption, is_none_of_a_mount_that_is_nowhere)
{
	expect_detached(_metadata, &self->shipped, from_a_mount_that_is_nowhere);
}

TEST_F(exemption, is_none_of_a_mount_that_was_detached)
{
	expect_detached(_metadata, &self->shipped, from_a_mount_that_was_detached);
}

TEST_F(exemption, is_none_of_a_namespace_that_nobody_is_in)
{
	EXPECT_EQ(EPERM, as_user(from_a_namespace_of_nobody));
	EXPECT_REPORT(&self->shipped, 0, "executed_out_of_sight", "(unreachable)/sshd",
		      "elsewhere");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(exemption, is_not_needed_where_the_parent_sees_it)
{
	EXPECT_EQ(0, as_user(from_the_namespace_of_its_parent));
	EXPECT_NO_REPORT(&self->shipped);
}

static int by_a_path_of_its_own(void)
{
	if (chroot(AWAY))
		return ECHILD;
	execl(IMPLANT, IMPLANT, "unlink", IMPLANT, NULL);
	return errno;
}

TEST_F(exemption, is_of_a_directory_and_not_of_a_path)
{
	ASSERT_EQ(0, mkdir(AWAY, 0777));
	ASSERT_EQ(0, mkdir(AWAY "/tmp", 0777));
	ASSERT_EQ(0, mkdir(AWAY DIR, 0777));
	ASSERT_EQ(0, mkdir(AWAY BUILDER, 0777));
	ASSERT_EQ(0, chmod(AWAY BUILDER, 0777));
	ASSERT_EQ(0, file_copy(PROGRAM, AWAY IMPLANT, 0755));
	ASSERT_EQ(0, shipped_exempt_dir(&self->shipped, BUILDER));
	EXPECT_EQ(EPERM, as_user(by_a_path_of_its_own));
	EXPECT_EQ(0, access(AWAY IMPLANT, F_OK));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, IMPLANT, "own");
	/* What it was meant for, also by another way to it. */
	ASSERT_EQ(0, mount(BUILDER, MOUNT, NULL, MS_BIND, NULL));
	EXPECT_EQ(0, RUN(NULL, TOOL, "user", USER, "exec", MOUNT "/implant", "self"));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* Deeper than is looked at: not known, so not exempt. */
TEST_F(exemption, is_none_where_it_cannot_be_told)
{
	int i;

	ASSERT_EQ(0, shipped_exempt_dir(&self->shipped, BUILDER));
	ASSERT_EQ(0, chdir(BUILDER));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, mkdir("d", 0777));
		ASSERT_EQ(0, chdir("d"));
	}
	ASSERT_EQ(0, file_copy(PROGRAM, "implant", 0755));
	EXPECT_EQ(EPERM, RUN(NULL, "./implant", "unlink", "implant"));
	ASSERT_EQ(0, chdir("/"));
}

/* ext4 gives a freed number to the next file at once. */
TEST_F(exemption, is_none_of_a_file_that_got_a_freed_number)
{
	struct stat agent, other;

	ASSERT_EQ(0, disk_mount("ext4", DIR "/disk", MOUNT));
	ASSERT_EQ(0, file_copy(PROGRAM, MOUNT "/agent", 0755));
	ASSERT_EQ(0, shipped_exempt_program(&self->shipped, MOUNT "/agent"));
	ASSERT_EQ(0, file_copy(PROGRAM, MOUNT "/copy", 0755));
	EXPECT_EQ(0, RUN(NULL, MOUNT "/agent", "unlink", MOUNT "/copy"));
	ASSERT_EQ(0, stat(MOUNT "/agent", &agent));
	ASSERT_EQ(0, unlink(MOUNT "/agent"));
	ASSERT_EQ(0, file_copy(PROGRAM, MOUNT "/other", 0755));
	ASSERT_EQ(0, stat(MOUNT "/other", &other));
	ASSERT_EQ(agent.st_ino, other.st_ino);
	EXPECT_EQ(EPERM, RUN(NULL, MOUNT "/other", "self"));
}

/* Whoever may run a program has it do what he likes; so it is exempt for one user. */
TEST_F(exemption, is_of_one_user)
{
	ASSERT_EQ(0, shipped_exempt_program_of(&self->shipped, IMPLANT, 0));
	EXPECT_EQ(EPERM, RUN(NULL, TOOL, "user", USER, "exec", IMPLANT, "self"));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, IMPLANT, "own");
	EXPECT_EQ(0, RUN(NULL, IMPLANT, "self"));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

static int into_a_root_of_its_own(void *arg)
{
	return chroot(arg) || chdir("/");
}

/* What a path is worth: whether it is in the machine's mounts, and from their root. */
TEST(view_of_a_task_is_told)
{
	struct observer *observer;
	struct policy policy;
	struct stat ns;
	struct run how;

	ASSERT_EQ(0, policy_start(&policy, "observer.bpf.o", "observer_no_sleep"));
	observer = policy.data;
	how = observed(observer, test_path("exit0"));
	ASSERT_EQ(0, run(&how));
	EXPECT_EQ(KRSI_TASK_INITIAL_NS | KRSI_TASK_NS_ROOT, observer->event[0].task.view);
	ASSERT_EQ(0, stat("/proc/self/ns/mnt", &ns));
	EXPECT_EQ(ns.st_ino, observer->event[0].task.mnt_ns);

	ASSERT_EQ(0, observe_dir());
	how = observed(observer, DIR "/exit0");
	ASSERT_EQ(0, run(&how));
	EXPECT_EQ(KRSI_TASK_NS_ROOT, observer->event[0].task.view);
	ASSERT_EQ(0, stat("/proc/self/ns/mnt", &ns));
	EXPECT_EQ(ns.st_ino, observer->event[0].task.mnt_ns);

	how = observed(observer, "/exit0");
	how.before = into_a_root_of_its_own;
	how.arg = DIR;
	ASSERT_EQ(0, run(&how));
	EXPECT_EQ(0, observer->event[0].task.view);
	policy_close(&policy);
}

TEST_HARNESS_MAIN
