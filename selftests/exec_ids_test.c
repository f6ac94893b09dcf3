// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what an event says of files that carry privileges and of the ids
 * before and after them, and that file and task ids are those that stat() and
 * the process itself see.
 */

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <linux/capability.h>

#include "kselftest_harness.h"
#include "observe.h"

KEEP_POLICIES("observer.bpf.o", "observer_no_sleep", "observer_sleep")

FIXTURE(ids)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_VARIANT(ids)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(ids, no_sleep) { .map = "observer_no_sleep" };
FIXTURE_VARIANT_ADD(ids, sleep) { .map = "observer_sleep" };
/* clang-format on */

FIXTURE_SETUP(ids)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", variant->map));
	self->observer = self->policy.data;
}

FIXTURE_TEARDOWN(ids)
{
	policy_close(&self->policy);
}

static int become_unprivileged(void *arg)
{
	return drop_all();
}

/* The six ids, in the order of struct krsi_executed, and secure. */
static void expect_ids(struct __test_metadata *_metadata, const struct krsi_executed *ids,
		       const __u32 *expected)
{
	EXPECT_EQ(expected[0], ids->uid);
	EXPECT_EQ(expected[1], ids->gid);
	EXPECT_EQ(expected[2], ids->euid);
	EXPECT_EQ(expected[3], ids->egid);
	EXPECT_EQ(expected[4], ids->suid);
	EXPECT_EQ(expected[5], ids->sgid);
	EXPECT_EQ(expected[6], ids->secure);
	EXPECT_EQ(0, ids->reserved);
}

#define U UNPRIVILEGED
#define EXPECT_IDS(o, ...) expect_ids(_metadata, &(o)->ids, (const __u32[]){ __VA_ARGS__ })

TEST_F(ids, of_an_ordinary_exec_stay)
{
	struct run how = observed(self->observer, DIR "/exit0");
	struct observed *before = &self->observer->event[0];

	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_IDS(&self->observer->event[1], 0, 0, 0, 0, 0, 0, 0);

	how = observed(self->observer, DIR "/exit0");
	how.before = become_unprivileged;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_EQ(U, before->task.uid);
	EXPECT_EQ(U, before->task.gid);
	EXPECT_EQ(U, before->task.euid);
	EXPECT_EQ(U, before->task.egid);
	EXPECT_IDS(&self->observer->event[1], U, U, U, U, U, U, 0);
}

TEST_F(ids, change_with_a_set_uid_file)
{
	struct run how = observed(self->observer, DIR "/suid");
	struct observed *before = &self->observer->event[0], *after = &self->observer->event[1];

	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/suid", 04555));
	how.before = become_unprivileged;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/suid", KRSI_EXEC_PRIVILEGED);
	EXPECT_EXECUTED(self->observer, 1, DIR "/suid");
	EXPECT_EQ(2, self->observer->n);
	EXPECT_EQ(U, before->task.euid);
	EXPECT_IDS(after, U, U, 0, U, 0, U, 1);
	EXPECT_EQ(U, after->task.uid);
	EXPECT_EQ(0, after->task.euid);
}

TEST_F(ids, change_with_a_set_gid_file)
{
	struct run how = observed(self->observer, DIR "/sgid");

	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/sgid", 02555));
	how.before = become_unprivileged;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/sgid", KRSI_EXEC_PRIVILEGED);
	EXPECT_IDS(&self->observer->event[1], U, U, U, 0, U, 0, 1);
}

TEST_F(ids, stay_with_a_file_that_carries_capabilities)
{
	struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1U << CAP_NET_RAW,
	};
	struct run how = observed(self->observer, DIR "/caps");

	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/caps", 0555));
	ASSERT_EQ(0, setxattr(DIR "/caps", "security.capability", &caps, sizeof(caps), 0));
	how.before = become_unprivileged;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/caps", KRSI_EXEC_PRIVILEGED);
	EXPECT_IDS(&self->observer->event[1], U, U, U, U, U, U, 1);
}

TEST_F(ids, of_a_privileged_script_are_not_used_but_shown)
{
	struct run how = observed(self->observer, DIR "/script");

	ASSERT_EQ(0, file_make(DIR "/script", "#!" DIR "/exit0\n", 04555));
	how.before = become_unprivileged;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/script", KRSI_EXEC_PRIVILEGED | KRSI_EXEC_SCRIPT);
	EXPECT_ROUND(self->observer, 1, DIR "/exit0", 0);
	EXPECT_IDS(&self->observer->event[2], U, U, U, U, U, U, 0);
}

/* writable: who has which right by the mode alone. */
static const struct {
	mode_t mode;
	bool unprivileged;
	__u32 flags;
} modes[] = {
	{ 0555, false, 0 },
	{ 0755, false, KRSI_EXEC_WRITABLE },
	{ 0557, false, 0 }, /* the owner's bits count for the owner */
	{ 0755, true, 0 },
	{ 0775, true, 0 },
	{ 0757, true, KRSI_EXEC_WRITABLE },
};

TEST_F(ids, and_the_mode_decide_who_may_write)
{
	for (int i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run how = observed(self->observer, DIR "/mode");

		unlink(DIR "/mode");
		ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/mode", modes[i].mode));
		if (modes[i].unprivileged)
			how.before = become_unprivileged;
		ASSERT_EQ(0, run(&how));
		EXPECT_ROUND(self->observer, 0, DIR "/mode", modes[i].flags) {
			TH_LOG("mode %o", modes[i].mode);
		}
	}
}

struct child {
	pid_t pid;
	unsigned long long start;
	int ready[2];
};

/* Says who it is, to compare with what the policy sees of it. */
static int introduce(void *arg)
{
	struct child *child = arg, me = { .pid = getpid(), .start = start_ticks(getpid()) };

	prctl(PR_SET_NAME, "before exec");
	return write(child->ready[1], &me, sizeof(me)) != sizeof(me);
}

TEST_F(ids, of_task_and_file_are_what_others_see)
{
	struct run how = observed(self->observer, DIR "/exit0");
	struct observed *o = self->observer->event;
	struct stat own, file;
	struct child child;

	ASSERT_EQ(0, pipe(child.ready));
	how.before = introduce;
	how.arg = &child;
	ASSERT_EQ(0, run(&how));
	ASSERT_EQ(sizeof(child), read(child.ready[0], &child, sizeof(child)));
	ASSERT_EQ(2, self->observer->n);
	ASSERT_EQ(0, stat("/proc/self/exe", &own));
	ASSERT_EQ(0, stat(DIR "/exit0", &file));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(child.pid, o[i].task.pid);
		EXPECT_EQ(child.pid, o[i].task.tgid);
		EXPECT_EQ(getpid(), o[i].task.ppid);
		EXPECT_TRUE(same_file(&o[i].task.parent_exe, &own));
		EXPECT_EQ(0, o[i].task.uid);
		EXPECT_EQ(0, o[i].task.egid);
		EXPECT_EQ(0, o[i].task.reserved);
		EXPECT_EQ(child.start, o[i].task.start_time / 10000000);
		EXPECT_LT(0, o[i].task.cgroup_id);
		EXPECT_TRUE(same_file(&o[i].file, &file));
		EXPECT_EQ(0, o[i].file.overlay_dev);
		EXPECT_EQ(0, o[i].file.overlay_ino);
	}
	EXPECT_EQ(o[0].task.start_time, o[1].task.start_time);
	EXPECT_EQ(o[0].task.cgroup_id, o[1].task.cgroup_id);
	EXPECT_EQ(o[0].file.generation, o[1].file.generation);
	EXPECT_STREQ("before exec", o[0].task.comm);
	EXPECT_STREQ("exit0", o[1].task.comm);
	/* Before it is we who execute; after it, the file itself. */
	EXPECT_TRUE(same_file(&o[0].task.exe, &own));
	EXPECT_TRUE(same_file(&o[1].task.exe, &file));
}

static void *execute(void *arg)
{
	char *argv[] = { "exit0", NULL }, *envp[] = { NULL };

	execve(DIR "/exit0", argv, envp);
	_exit(1);
}

static int execute_in_thread(void *arg)
{
	struct observer *observer = arg;
	pthread_t thread;

	observer->tgid = getpid();
	pthread_create(&thread, NULL, execute, NULL);
	pthread_join(thread, NULL);
	return 1;
}

TEST_F(ids, of_a_thread_that_executes_become_the_process)
{
	struct run how = observed(self->observer, "never reached");
	struct observed *o = self->observer->event;
	pid_t pid;

	how.before = execute_in_thread;
	how.arg = self->observer;
	pid = run_start(&how);
	ASSERT_EQ(0, run_wait(pid));
	EXPECT_EQ(2, self->observer->n);
	EXPECT_EQ(pid, o[0].task.tgid);
	EXPECT_NE(pid, o[0].task.pid);
	EXPECT_EQ(pid, o[1].task.tgid);
	EXPECT_EQ(pid, o[1].task.pid);
}

static int join_cgroup(void *arg)
{
	return file_write(DIR "/cgroup/krsi_test/cgroup.procs", "0") < 0;
}

TEST_F(ids, of_a_cgroup_are_its_inode_number)
{
	struct run how = observed(self->observer, DIR "/exit0");
	struct stat st;

	ASSERT_EQ(0, mkdir(DIR "/cgroup", 0755));
	ASSERT_EQ(0, mount("cgroup2", DIR "/cgroup", "cgroup2", 0, NULL));
	rmdir(DIR "/cgroup/krsi_test");
	ASSERT_EQ(0, mkdir(DIR "/cgroup/krsi_test", 0755));
	ASSERT_EQ(0, stat(DIR "/cgroup/krsi_test", &st));
	how.before = join_cgroup;
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(st.st_ino, self->observer->event[0].task.cgroup_id);
	EXPECT_EQ(0, rmdir(DIR "/cgroup/krsi_test"));
}

TEST_F(ids, are_those_of_the_initial_namespaces)
{
	struct run how = observed(self->observer, DIR "/exit0");
	struct observed *o = self->observer->event;
	pid_t pid;

	/* The child is 1 in its own; the policy's filter needs the real one. */
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	how.tgid[0] = NULL;
	self->observer->tgid = 0;
	how.before = NULL;
	pid = fork();
	if (!pid) {
		char *argv[] = { "exit0", NULL }, *envp[] = { NULL };

		/* Until the parent has said who that is. */
		while (!*(volatile __u32 *)&self->observer->tgid)
			usleep(1000);
		execve(DIR "/exit0", argv, envp);
		_exit(1);
	}
	self->observer->tgid = pid;
	ASSERT_EQ(0, run_wait(pid));
	EXPECT_EQ(2, self->observer->n);
	EXPECT_EQ(pid, o[0].task.tgid);
	EXPECT_EQ(getpid(), o[0].task.ppid);
}

TEST_HARNESS_MAIN
