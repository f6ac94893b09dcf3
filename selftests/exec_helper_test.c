// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what the kernel itself executes, a usermode helper, is seen and
 * judged as any other exec is.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "observe.h"
#include "verdict.h"

/* The helper runs in the first mount namespace: no private directory here. */
#define HELPER "/tmp/krsi_test_helper"
#define CORE_PATTERN "/proc/sys/kernel/core_pattern"
#define MODPROBE "/proc/sys/kernel/modprobe"

KEEP_POLICIES("observer.bpf.o", "observer_no_sleep", "observer_sleep")

FIXTURE(helper)
{
	struct policy policy;
	struct observer *observer;
	char core_pattern[512], modprobe[512];
};

FIXTURE_VARIANT(helper)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(helper, no_sleep) { .map = "observer_no_sleep" };
FIXTURE_VARIANT_ADD(helper, sleep) { .map = "observer_sleep" };
/* clang-format on */

FIXTURE_SETUP(helper)
{
	struct stat st;

	ASSERT_LE(0, file_read(CORE_PATTERN, self->core_pattern, sizeof(self->core_pattern)));
	ASSERT_LE(0, file_read(MODPROBE, self->modprobe, sizeof(self->modprobe)));
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, file_copy(test_path("exit0"), HELPER, 0555));
	ASSERT_EQ(0, stat(HELPER, &st));
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", variant->map));
	self->observer = self->policy.data;
	self->observer->dev = st.st_dev;
	self->observer->ino = st.st_ino;
}

FIXTURE_TEARDOWN(helper)
{
	policy_close(&self->policy);
	file_write(CORE_PATTERN, self->core_pattern);
	file_write(MODPROBE, self->modprobe);
	unlink(HELPER);
	mode_restore();
}

/* The helper's exec may be over a little later than what caused it. */
static bool saw(const struct observer *observer, int n)
{
	unsigned long long end = now_ms() + 60000;

	while (*(volatile __u32 *)&observer->n < n && now_ms() < end)
		usleep(1000);
	/* None comes after the last. */
	usleep(100000);
	return observer->n == n;
}

static void check_helper(struct __test_metadata *_metadata, const struct observer *observer)
{
	const struct observed *o = observer->event;
	const struct krsi_file_id none = {};

	ASSERT_TRUE(saw(observer, 2));
	EXPECT_ROUND(observer, 0, HELPER, 0);
	EXPECT_EXECUTED(observer, 1, HELPER);
	EXPECT_EQ(0, o[0].task.euid);
	EXPECT_EQ(o[0].task.tgid, o[1].task.tgid);
	EXPECT_EQ(0, o[1].ids.euid);
	/* It has no memory, so no executable, before it has executed. */
	EXPECT_EQ(0, memcmp(&none, &o[0].task.exe, sizeof(none)));
	EXPECT_EQ(0, memcmp(&o[0].file, &o[1].task.exe, sizeof(none)));
	/* Nor has the thread of the kernel that is its parent. */
	EXPECT_EQ(0, memcmp(&none, &o[0].task.parent_exe, sizeof(none)));
	EXPECT_EQ(0, memcmp(&none, &o[1].task.parent_exe, sizeof(none)));
}

static void crash(void)
{
	pid_t pid = fork();

	if (!pid) {
		struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

		setrlimit(RLIMIT_CORE, &unlimited);
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		_exit(1);
	}
	run_wait(pid);
}

TEST_F(helper, for_core_dumps_is_seen)
{
	ASSERT_LT(0, file_write(CORE_PATTERN, "|" HELPER " %p"));
	crash();
	check_helper(_metadata, self->observer);
	EXPECT_EQ(2, self->observer->event[0].argc);
}

/* A socket family that no kernel has built in. */
static void want_module(void)
{
	int fd = socket(AF_ASH, SOCK_DGRAM, 0);

	if (fd >= 0)
		close(fd);
}

TEST_F(helper, for_modules_is_seen)
{
	ASSERT_LT(0, file_write(MODPROBE, HELPER));
	want_module();
	check_helper(_metadata, self->observer);
}

TEST_F(helper, for_modules_can_be_denied_and_its_environment_read)
{
	struct policy policy;
	struct verdict *verdict;

	ASSERT_LT(0, file_write(MODPROBE, HELPER));
	ASSERT_EQ(0, policy_start(&policy, "verdict.bpf.o", "verdict_full"));
	verdict = policy.data;
	verdict->value = -EXFULL;
	verdict->answer = -EPERM;
	want_module();
	ASSERT_TRUE(saw(self->observer, 1));
	/* Read, and not there: the helper has an environment of its own. */
	EXPECT_EQ(-ENOENT, verdict->value);
	policy_close(&policy);
	EXPECT_ROUND(self->observer, 0, HELPER, 0);
}

TEST_HARNESS_MAIN
