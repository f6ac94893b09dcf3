// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that policies may come, change and go while others execute: no exec
 * fails, none is denied by a policy that is gone, nothing is left behind.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

#define EXECUTING 4

/* What each of them did, and whether it shall go on. */
struct shared {
	volatile bool stop;
	volatile unsigned int execs[EXECUTING];
	volatile int failure;
};

FIXTURE(race)
{
	struct policy no_sleep, full;
	struct shared *shared;
	pid_t pids[EXECUTING];
};

static void execute_until_told(struct shared *shared, int nr)
{
	char *envp[] = { "VERDICT_TEST=0123456789", NULL };

	while (!shared->stop) {
		int ret = run_exit0(NULL, NULL, envp);

		if (ret)
			shared->failure = ret;
		shared->execs[nr]++;
	}
}

FIXTURE_SETUP(race)
{
	struct verdict *verdict;
	int i;

	ASSERT_EQ(0, mode_set("enforce"));
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	ASSERT_EQ(0, policy_open(&self->no_sleep, "verdict.bpf.o", "verdict_no_sleep"));
	ASSERT_EQ(0, policy_load(&self->no_sleep));
	ASSERT_EQ(0, policy_open(&self->full, "verdict.bpf.o", "verdict_full"));
	ASSERT_EQ(0, policy_load(&self->full));
	verdict = self->full.data;
	verdict->answer = 0;
	/* Links are made by hand, so their maps must be ready. */
	ASSERT_EQ(0, policy_attach(&self->no_sleep));
	ASSERT_EQ(0, policy_attach(&self->full));
	policy_detach(&self->no_sleep);
	policy_detach(&self->full);
	for (i = 0; i < EXECUTING; i++) {
		self->pids[i] = fork();
		if (!self->pids[i]) {
			execute_until_told(self->shared, i);
			_exit(0);
		}
	}
	/* Or each round would wait for its turn among them. */
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, -15));
}

FIXTURE_TEARDOWN(race)
{
	int i;

	self->shared->stop = true;
	for (i = 0; i < EXECUTING; i++)
		run_wait(self->pids[i]);
	policy_close(&self->no_sleep);
	policy_close(&self->full);
	mode_restore();
}

/* The debug kernel would need hours for as many. */
#define ROUNDS 10000
#define ROUNDS_DEBUG 700
/* On a busy machine few execs fall into the time that a policy is attached for. */
#define RUNS 5
#define MORE_MS 120000
/* How often it says how far it is, so that nobody takes it for hung. */
#define REPORTS 10

TEST_F_TIMEOUT(race, attach_update_and_detach_while_four_processes_execute, 1500)
{
	int maps[2] = { policy_map_fd(&self->no_sleep), policy_map_fd(&self->full) };
	unsigned long long begin = now_ms(), end = 0;
	int i, n = rounds(ROUNDS, ROUNDS_DEBUG);
	struct verdict *verdict[2] = { self->no_sleep.data, self->full.data };

	for (i = 0; i < n || verdict[0]->calls < RUNS || verdict[1]->calls < RUNS; i++) {
		int link = bpf_link_create(maps[i % 2], 0, BPF_STRUCT_OPS, NULL);

		ASSERT_LE(0, link);
		ASSERT_EQ(0, bpf_link_update(link, maps[(i + 1) % 2], NULL));
		if (i % 3 == 0)
			ASSERT_EQ(0, bpf_link_detach(link));
		ASSERT_EQ(0, close(link));
		if (i % (n / REPORTS) == 0)
			TH_LOG("%d rounds in %llu ms", i, now_ms() - begin);
		if (i == n)
			end = now_ms() + MORE_MS;
		if (i > n && now_ms() > end)
			break;
	}
	TH_LOG("%d rounds in %llu ms, execs %u %u %u %u, runs of programs %u", i,
	       now_ms() - begin, self->shared->execs[0], self->shared->execs[1],
	       self->shared->execs[2], self->shared->execs[3],
	       verdict[0]->calls + verdict[1]->calls);
	EXPECT_EQ(0, self->shared->failure);
	for (i = 0; i < EXECUTING; i++)
		EXPECT_LT(0, self->shared->execs[i]);
	EXPECT_LE(RUNS, verdict[0]->calls);
	EXPECT_LE(RUNS, verdict[1]->calls);
	EXPECT_EQ(0, policy_count(NULL));
}

TEST_F(race, many_links_of_many_maps_come_and_go)
{
	int maps[2] = { policy_map_fd(&self->no_sleep), policy_map_fd(&self->full) };
	int links[16], i, n = rounds(2000, 200);
	struct policy_line line;

	srandom(8);
	memset(links, -1, sizeof(links));
	for (i = 0; i < n; i++) {
		int at = random() % ARRAY_SIZE(links), map = maps[random() % 2];

		if (links[at] < 0) {
			links[at] = bpf_link_create(map, 0, BPF_STRUCT_OPS, NULL);
			ASSERT_LE(0, links[at]);
		} else if (random() % 2) {
			ASSERT_EQ(0, bpf_link_update(links[at], map, NULL));
		} else {
			close(links[at]);
			links[at] = -1;
		}
		if (i % 16 == 0)
			ASSERT_LE(0, policy_count(NULL));
	}
	for (i = 0; !policy_line_nth(NULL, i, &line); i++)
		EXPECT_EQ(0, line.errors);
	for (i = 0; i < ARRAY_SIZE(links); i++)
		close(links[i]);
	EXPECT_EQ(0, policy_count(NULL));
	EXPECT_EQ(0, self->shared->failure);
}

TEST_F(race, the_mode_changes_while_four_processes_execute)
{
	struct verdict *verdict = self->full.data;
	int i, n = rounds(1000, 100);
	unsigned long long end = now_ms() + 150000;

	ASSERT_EQ(0, policy_attach(&self->full));
	/* On a busy machine no exec may fall into the first rounds' short times. */
	for (i = 0; i < n || (!verdict->calls && now_ms() < end); i++) {
		ASSERT_EQ(0, mode_set(i % 3 ? "off" : "audit"));
		ASSERT_EQ(0, mode_set("enforce"));
	}
	EXPECT_EQ(0, self->shared->failure);
	EXPECT_LT(0, verdict->calls);
}

TEST_F(race, a_denial_holds_through_updates)
{
	/* Both deny this child, so there is no moment at which it may execute. */
	struct verdict *verdict[2] = { self->no_sleep.data, self->full.data };
	struct run how = { .path = test_path("exit0") };
	int i, link, n = rounds(1000, 100);
	pid_t pid;

	for (i = 0; i < 2; i++) {
		verdict[i]->answer = -EACCES;
		verdict[i]->tgid = ~0U;
		how.tgid[i] = &verdict[i]->tgid;
	}
	link = bpf_link_create(policy_map_fd(&self->full), 0, BPF_STRUCT_OPS, NULL);
	ASSERT_LE(0, link);
	pid = fork();
	if (!pid) {
		for (i = 0; i < n; i++) {
			struct policy *p = i % 2 ? &self->full : &self->no_sleep;

			if (bpf_link_update(link, policy_map_fd(p), NULL))
				_exit(1);
		}
		_exit(0);
	}
	while (!waitpid(pid, &i, WNOHANG))
		ASSERT_EQ(-EACCES, run(&how));
	EXPECT_EQ(0, i);
	close(link);
}

TEST_HARNESS_MAIN
