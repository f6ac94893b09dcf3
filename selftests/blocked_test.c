// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that nobody waits for a sleepable program that takes its time but the
 * exec that it judges: others attach, update, detach, execute, read KRSI's
 * files, and even the policy itself can be detached meanwhile.
 */

#include <errno.h>
#include <sys/syscall.h>
#include <string.h>

#include "kselftest_harness.h"
#include "blocker.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

/* For so long the program stays at most: what waited for it would take as long. */
#define LIMIT_MS 300000ULL

FIXTURE(blocked)
{
	struct policy blocking, other;
	struct blocker *blocker;
	struct verdict *verdict;
	pid_t pid;
};

/* Or the blocked child would hold the links that we close. */
static int close_all(void *arg)
{
	return syscall(SYS_close_range, 3, ~0U, 0);
}

FIXTURE_SETUP(blocked)
{
	struct run how = { .path = test_path("exit0"), .before = close_all };
	unsigned long long end;

	ASSERT_EQ(0, mode_set("enforce"));
	/* Loaded before, for that may take long by itself. */
	ASSERT_EQ(0, policy_start(&self->other, "verdict.bpf.o", "verdict_full"));
	policy_detach(&self->other);
	self->verdict = self->other.data;
	self->verdict->tgid = ~0U;
	self->verdict->answer = -EPERM;
	ASSERT_EQ(0, policy_start(&self->blocking, "blocker.bpf.o", "blocking"));
	self->blocker = self->blocking.data;
	self->blocker->limit_ns = LIMIT_MS * 1000000;

	how.tgid[0] = &self->blocker->tgid;
	self->pid = run_start(&how);
	ASSERT_LT(0, self->pid);
	end = now_ms() + LIMIT_MS / 2;
	while (!*(volatile __u32 *)&self->blocker->blocked && now_ms() < end)
		usleep(1000);
	ASSERT_EQ(1, self->blocker->blocked);
}

FIXTURE_TEARDOWN(blocked)
{
	if (self->blocker)
		self->blocker->release = 1;
	if (self->pid > 0)
		run_wait(self->pid);
	policy_close(&self->blocking);
	policy_close(&self->other);
	mode_restore();
}

/* Done before the program has come back: no clock, for a machine may be slow. */
#define EXPECT_MEANWHILE(statement) do { \
	statement; \
	EXPECT_EQ(1, *(volatile __u32 *)&self->blocker->blocked) { \
		TH_LOG("%s waited", #statement); \
	} \
} while (0)

static void let_go(struct __test_metadata *_metadata, FIXTURE_DATA(blocked) *self)
{
	/* It was held all the time. */
	EXPECT_EQ(1, self->blocker->blocked);
	self->blocker->release = 1;
	EXPECT_EQ(0, run_wait(self->pid));
	self->pid = 0;
}

TEST_F_TIMEOUT(blocked, no_other_policy_waits, 900)
{
	struct policy_line line;

	EXPECT_MEANWHILE(EXPECT_EQ(0, policy_attach(&self->other)));
	EXPECT_MEANWHILE(EXPECT_EQ(0, bpf_link__update_map(self->other.link, self->other.map)));
	EXPECT_MEANWHILE(EXPECT_EQ(0, policy_line("blocking", &line)));
	EXPECT_MEANWHILE(EXPECT_EQ(0, mode_set("audit")));
	EXPECT_MEANWHILE(EXPECT_EQ(0, mode_set("enforce")));
	EXPECT_MEANWHILE(EXPECT_EQ(0, bpf_link_detach(bpf_link__fd(self->other.link))));
	EXPECT_MEANWHILE(policy_detach(&self->other));
	EXPECT_MEANWHILE(EXPECT_EQ(0, policy_attach(&self->other)));
	EXPECT_MEANWHILE(policy_detach(&self->other));
	let_go(_metadata, self);
}

TEST_F_TIMEOUT(blocked, no_other_exec_waits, 900)
{
	struct run how = {
		.path = test_path("exit0"),
		.tgid = { &self->verdict->tgid },
	};
	__u32 calls = self->blocker->calls;

	EXPECT_MEANWHILE(EXPECT_EQ(0, run(&how)));
	/* The program runs for two at the same time. */
	EXPECT_LT(calls, self->blocker->calls);
	ASSERT_EQ(0, policy_attach(&self->other));
	EXPECT_MEANWHILE(EXPECT_EQ(-EPERM, run(&how)));
	policy_detach(&self->other);
	EXPECT_MEANWHILE(EXPECT_EQ(0, run(&how)));
	let_go(_metadata, self);
}

TEST_F_TIMEOUT(blocked, the_policy_itself_can_be_detached, 900)
{
	struct run how = { .path = test_path("exit0") };
	__u32 calls;

	EXPECT_MEANWHILE(policy_detach(&self->blocking));
	EXPECT_EQ(0, policy_count("blocking"));
	calls = self->blocker->calls;
	EXPECT_MEANWHILE(EXPECT_EQ(0, run(&how)));
	EXPECT_EQ(calls, self->blocker->calls);
	/* Again, with the program of before still running. */
	EXPECT_MEANWHILE(EXPECT_EQ(0, policy_attach(&self->blocking)));
	EXPECT_MEANWHILE(EXPECT_EQ(0, run(&how)));
	EXPECT_LT(calls, self->blocker->calls);
	EXPECT_MEANWHILE(policy_detach(&self->blocking));
	let_go(_metadata, self);
}

TEST_F_TIMEOUT(blocked, the_policy_itself_can_be_updated, 900)
{
	struct policy named;
	struct verdict *verdict;
	struct run how = { .path = test_path("exit0") };

	ASSERT_EQ(0, policy_open(&named, "verdict.bpf.o", "verdict_sleep"));
	policy_name(&named, "blocking");
	ASSERT_EQ(0, policy_load(&named));
	verdict = named.data;
	verdict->tgid = ~0U;
	verdict->answer = -EACCES;
	how.tgid[0] = &verdict->tgid;
	EXPECT_MEANWHILE(EXPECT_EQ(0, bpf_link__update_map(self->blocking.link, named.map)));
	EXPECT_MEANWHILE(EXPECT_EQ(-EACCES, run(&how)));
	let_go(_metadata, self);
	policy_close(&named);
}

TEST_F_TIMEOUT(blocked, its_object_may_be_closed_before_it_returns, 900)
{
	struct blocker *blocker = self->blocker;

	/* The map with our data is kept mapped; all else goes with the object. */
	int fd = bpf_map__fd(bpf_object__find_map_by_name(self->blocking.obj, ".bss"));
	struct blocker *kept = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, kept);
	ASSERT_EQ(blocker->limit_ns, kept->limit_ns);
	self->blocker = kept;
	EXPECT_MEANWHILE(policy_close(&self->blocking));
	/* Time for whatever frees programs and maps to do it wrongly. */
	sleep(2);
	let_go(_metadata, self);
}

TEST_HARNESS_MAIN
