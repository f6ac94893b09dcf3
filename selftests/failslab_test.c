// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that out of memory is never a denial of our own: each allocation of
 * an exec is made to fail in turn, and where it was one of KRSI's, the exec
 * goes on and the policy's error count says so; fail-closed, it is denied.
 * And that attach, update and the files fail cleanly.
 *
 * Needs CONFIG_FAILSLAB, which the ordinary kernel hasn't.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

#define FAILSLAB "/sys/kernel/debug/failslab/"
#define FAIL_NTH "/proc/thread-self/fail-nth"

#define MOST 3000

/*
 * The n-th allocation of this task from now on fails; 0: none. A failure that is
 * still to come may hit the very call that is to take it back: then it is over.
 */
static int fail_nth(int n)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%d", n);
	ret = file_write(FAIL_NTH, text);
	if (ret == -ENOMEM && !n)
		ret = file_write(FAIL_NTH, text);
	return ret < 0 ? ret : 0;
}

/* Written through a descriptor that is open already: opening allocates. */
struct fault {
	int fd;
	char text[16];
};

static int arm(void *arg)
{
	struct fault *fault = arg;

	fault->fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	return write(fault->fd, fault->text, strlen(fault->text)) < 0;
}

FIXTURE(failslab)
{
	struct policy policy;
	struct verdict *verdict;
	char reclaim[8], verbose[8];
};

FIXTURE_SETUP(failslab)
{
	if (access(FAILSLAB "verbose", F_OK) || access(FAIL_NTH, F_OK))
		SKIP(return, "no failslab in this kernel");
	ASSERT_LT(0, file_read(FAILSLAB "ignore-gfp-wait", self->reclaim, sizeof(self->reclaim)));
	ASSERT_LT(0, file_read(FAILSLAB "verbose", self->verbose, sizeof(self->verbose)));
	/* Those that may wait fail too; each failure is meant, so none is reported. */
	ASSERT_LT(0, file_write(FAILSLAB "ignore-gfp-wait", "N"));
	ASSERT_LT(0, file_write(FAILSLAB "verbose", "0"));
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_open(&self->policy, "verdict.bpf.o", "verdict_full"));
}

FIXTURE_TEARDOWN(failslab)
{
	if (!self->policy.obj)
		return;
	policy_close(&self->policy);
	file_write(FAILSLAB "ignore-gfp-wait", self->reclaim);
	file_write(FAILSLAB "verbose", self->verbose);
	mode_restore();
}

/* Has the process, which has ended, lived through the allocation that was to fail? */
static bool had_fault(pid_t pid)
{
	char path[64], left[16];
	siginfo_t info;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	return pid > 0 && !waitid(P_PID, pid, &info, WEXITED | WNOWAIT) &&
	       file_read(path, left, sizeof(left)) > 0 && !atoi(left);
}

/*
 * Executes while the n-th allocation fails; tells how far the errors went up, and whether
 * there are so many allocations at all.
 */
static int run_with_fault(struct verdict *verdict, const char *path, int n, int *errors,
			  bool *failed)
{
	/* So many pages of strings that the list of them is allocated. */
	static char filler[8 * 4096] = "FILLER=";
	char *envp[] = { "VERDICT_TEST=1", filler, NULL };
	struct fault fault = {};
	struct run how = {
		.path = path,
		.envp = envp,
		.tgid = { &verdict->tgid },
		.before = arm,
		.arg = &fault,
	};
	struct policy_line line;
	int before, ret;
	pid_t pid;

	memset(filler + strlen("FILLER="), 'x', sizeof(filler) - sizeof("FILLER="));
	snprintf(fault.text, sizeof(fault.text), "%d", n);
	if (policy_line("verdict", &line))
		return -ENOENT;
	before = line.errors;
	pid = run_start(&how);
	*failed = had_fault(pid);
	ret = run_wait(pid);
	if (policy_line("verdict", &line))
		return -ENOENT;
	*errors = line.errors - before;
	return ret;
}

static void attach(struct __test_metadata *_metadata, FIXTURE_DATA(failslab) *self, __u32 flags)
{
	policy_ops(&self->policy)->flags = flags;
	ASSERT_EQ(0, policy_load(&self->policy));
	self->verdict = self->policy.data;
	ASSERT_EQ(0, policy_attach(&self->policy));
}

TEST_F(failslab, denies_no_exec)
{
	int n, errors, seen_errors = 0, enomem = 0;
	bool failed = true;

	attach(_metadata, self, 0);
	for (n = 1; n < MOST && failed; n++) {
		int ret = run_with_fault(self->verdict, test_path("exit0"), n, &errors, &failed);

		EXPECT_NE(-EPERM, ret);
		EXPECT_NE(-EACCES, ret);
		if (errors) {
			/* Ours: it ran all the same. */
			EXPECT_EQ(0, ret) {
				TH_LOG("allocation %d", n);
			}
			EXPECT_EQ(1, errors);
			seen_errors++;
		}
		enomem += ret == -ENOMEM;
	}
	TH_LOG("%d allocations failed, ENOMEM %d times, policy errors %d", n - 2, enomem,
	       seen_errors);
	EXPECT_GT(MOST, n);
	/* Or nothing was tried. */
	EXPECT_LT(0, enomem);
	EXPECT_LT(0, seen_errors);
}

TEST_F(failslab, denies_where_the_policy_is_fail_closed)
{
	int n, errors, denied = 0;
	bool failed = true;

	attach(_metadata, self, KRSI_FAIL_CLOSED);
	for (n = 1; n < MOST && failed; n++) {
		int ret = run_with_fault(self->verdict, test_path("exit0"), n, &errors, &failed);

		EXPECT_EQ(ret == -EPERM, errors == 1) {
			TH_LOG("allocation %d: %d, %d errors", n, ret, errors);
		}
		denied += ret == -EPERM;
	}
	EXPECT_GT(MOST, n);
	EXPECT_LT(0, denied);
}

#define EXECUTED "/tmp/krsi_failslab"

/*
 * What could not be recorded the log tells of, and an error of each policy that would be told
 * of its removal; the exec goes on, and so does a removal.
 */
TEST_F(failslab, denies_nothing_while_executables_are_recorded)
{
	struct policy_line before, after;
	int n, errors, ret = -1;
	bool failed = true;
	struct policy record;

	attach(_metadata, self, 0);
	ASSERT_EQ(0, policy_start(&record, "unlinks.bpf.o", "unlinks_executable"));
	ASSERT_EQ(0, policy_line("unlinks_executable", &before));
	log_mark();
	for (n = 1; n < MOST && failed; n++) {
		int executed;

		/* One that was never executed: what was takes no memory. */
		unlink(EXECUTED);
		ASSERT_EQ(0, file_copy(test_path("exit0"), EXECUTED, 0755));
		executed = run_with_fault(self->verdict, EXECUTED, n, &errors, &failed);
		EXPECT_TRUE(executed != -EPERM && executed != -EACCES) {
			TH_LOG("allocation %d: %d", n, executed);
		}
	}
	EXPECT_GT(MOST, n);
	EXPECT_TRUE(log_has("an executed file could not be recorded"));
	ASSERT_EQ(0, policy_line("unlinks_executable", &after));
	EXPECT_LT(before.errors, after.errors);

	ASSERT_EQ(0, file_copy(test_path("exit0"), EXECUTED, 0755));
	ASSERT_EQ(0, run(&(struct run){ .path = EXECUTED }));
	for (n = 1; n < MOST && ret; n++) {
		ASSERT_EQ(0, fail_nth(n));
		ret = unlink(EXECUTED) ? -errno : 0;
		ASSERT_EQ(0, fail_nth(0));
		EXPECT_TRUE(!ret || ret == -ENOMEM) {
			TH_LOG("allocation %d: %d", n, ret);
		}
	}
	EXPECT_EQ(0, ret);
	policy_close(&record);
}

/* Until the call succeeds with all its allocations; what fails, fails cleanly. */
#define FAIL_EACH(call, count) do { \
	int nth, result = -1; \
	\
	for (nth = 1; nth < MOST && result < 0; nth++) { \
		ASSERT_EQ(0, fail_nth(nth)); \
		result = (call); \
		if (result < 0) \
			result = -errno; \
		ASSERT_EQ(0, fail_nth(0)); \
		if (result < 0) { \
			EXPECT_EQ(-ENOMEM, result); \
			EXPECT_EQ(count, policy_count("verdict")); \
		} \
	} \
	EXPECT_LE(0, result); \
	EXPECT_LT(2, nth); \
} while (0)

TEST_F(failslab, lets_attach_and_update_fail_cleanly)
{
	int map, link = -1;

	attach(_metadata, self, 0);
	map = policy_map_fd(&self->policy);
	policy_detach(&self->policy);
	FAIL_EACH((link = bpf_link_create(map, 0, BPF_STRUCT_OPS, NULL)), 0);
	EXPECT_EQ(1, policy_count("verdict"));
	FAIL_EACH(bpf_link_update(link, map, NULL), 1);
	EXPECT_EQ(0, run_exit0(&self->verdict->tgid, NULL, NULL));
	close(link);
	EXPECT_EQ(0, policy_count("verdict"));
}

TEST_F(failslab, leaves_the_mode_and_the_list_whole)
{
	char text[4096];
	int fd, nth, len;

	attach(_metadata, self, 0);
	for (nth = 1; nth < 20; nth++) {
		fd = open(KRSI_FS "policies", O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fail_nth(nth));
		len = read(fd, text, sizeof(text) - 1);
		ASSERT_EQ(0, fail_nth(0));
		/* All of it or nothing. */
		if (len >= 0) {
			text[len] = '\0';
			EXPECT_NE(NULL, strstr(text, " attached="));
			EXPECT_EQ('\n', text[len ? len - 1 : 0]);
		}
		close(fd);

		fd = open(KRSI_FS "mode", O_WRONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fail_nth(nth));
		len = write(fd, "enforce", 7);
		ASSERT_EQ(0, fail_nth(0));
		EXPECT_TRUE(len == 7 || errno == ENOMEM);
		close(fd);
	}
}

TEST_HARNESS_MAIN
