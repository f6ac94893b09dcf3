// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy lives exactly as long as its link: attach, update,
 * detach, close, pin; that one map may be linked many times; and that KRSI's
 * own account of it is right.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

#define PIN "/sys/fs/bpf/krsi_attach_test"

FIXTURE(attach)
{
	struct policy policy;
	struct verdict *verdict;
};

FIXTURE_SETUP(attach)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "verdict.bpf.o", "verdict_full"));
	self->verdict = self->policy.data;
	self->verdict->tgid = ~0U;
	self->verdict->answer = -EPERM;
}

FIXTURE_TEARDOWN(attach)
{
	unlink(PIN);
	policy_close(&self->policy);
	mode_restore();
}

static int judged(struct verdict *verdict)
{
	int ret;

	ret = run_exit0(&verdict->tgid, NULL, NULL);
	verdict->tgid = ~0U;
	return ret;
}

TEST_F(attach, ends_when_the_link_is_closed)
{
	EXPECT_EQ(-EPERM, judged(self->verdict));
	policy_detach(&self->policy);
	EXPECT_EQ(0, judged(self->verdict));
	EXPECT_EQ(1, self->verdict->seen);
	EXPECT_EQ(0, policy_count("verdict"));
}

TEST_F(attach, ends_with_the_process_that_holds_the_link)
{
	struct policy child;
	pid_t pid = fork();

	if (!pid)
		_exit(policy_start(&child, "verdict.bpf.o", "verdict_sleep") ||
		      policy_count("verdict") != 2);
	ASSERT_EQ(0, run_wait(pid));
	EXPECT_EQ(1, policy_count("verdict"));
	policy_detach(&self->policy);
	EXPECT_EQ(0, policy_count("verdict"));
}

TEST_F(attach, can_be_repeated_with_a_new_id)
{
	struct policy_line first, second;

	ASSERT_EQ(0, policy_line("verdict", &first));
	policy_detach(&self->policy);
	ASSERT_EQ(0, policy_attach(&self->policy));
	ASSERT_EQ(0, policy_line("verdict", &second));
	EXPECT_LT(first.id, second.id);
	EXPECT_EQ(-EPERM, judged(self->verdict));
	ASSERT_EQ(0, policy_line("verdict", &second));
	EXPECT_EQ(1, second.denials);
}

TEST_F(attach, outlives_the_process_when_pinned)
{
	struct policy_line line;

	ASSERT_EQ(0, bpf_link__pin(self->policy.link, PIN));
	/* Closes our descriptor; the pin is the only holder now. */
	policy_detach(&self->policy);
	EXPECT_EQ(-EPERM, judged(self->verdict));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(1, line.denials);

	ASSERT_EQ(0, unlink(PIN));
	EXPECT_TRUE(policy_gone("verdict"));
	EXPECT_EQ(0, judged(self->verdict));
}

TEST_F(attach, ends_when_the_link_is_detached_by_force)
{
	EXPECT_EQ(0, bpf_link_detach(bpf_link__fd(self->policy.link)));
	EXPECT_EQ(0, policy_count("verdict"));
	EXPECT_EQ(0, judged(self->verdict));
	/* There is nothing to update any more; to detach again is no error. */
	EXPECT_EQ(0, bpf_link_detach(bpf_link__fd(self->policy.link)));
	EXPECT_NE(0, bpf_link_update(bpf_link__fd(self->policy.link),
				     policy_map_fd(&self->policy), NULL));
}

TEST_F(attach, is_updated_at_once_and_keeps_its_account)
{
	struct policy_line before, after;
	struct policy other;
	struct verdict *verdict;

	EXPECT_EQ(-EPERM, judged(self->verdict));
	ASSERT_EQ(0, policy_line("verdict", &before));

	ASSERT_EQ(0, policy_open(&other, "verdict.bpf.o", "verdict_no_sleep"));
	policy_ops(&other)->flags = KRSI_AUDIT;
	ASSERT_EQ(0, policy_load(&other));
	verdict = other.data;
	verdict->tgid = ~0U;
	verdict->answer = -EACCES;
	ASSERT_EQ(0, bpf_link__update_map(self->policy.link, other.map));

	EXPECT_EQ(0, judged(verdict));
	EXPECT_EQ(1, verdict->seen);
	EXPECT_EQ(1, self->verdict->seen);
	ASSERT_EQ(0, policy_line("verdict", &after));
	EXPECT_EQ(1, policy_count("verdict"));
	EXPECT_EQ(before.id, after.id);
	EXPECT_EQ(before.attached, after.attached);
	EXPECT_EQ(before.denials, after.denials);
	EXPECT_EQ(before.runs + verdict->calls, after.runs);
	EXPECT_EQ(1, after.would_denials);
	EXPECT_STREQ("audit", after.flags);
	EXPECT_STREQ("audit", after.wanted);
	EXPECT_STRNE(before.ops, after.ops);
	/* The new map has no process_executed. */
	EXPECT_EQ(NULL, strstr(after.ops, "process_executed"));

	/* And back, with the op that was away. */
	ASSERT_EQ(0, bpf_link__update_map(self->policy.link, self->policy.map));
	self->verdict->answer = 0;
	self->verdict->executed = 0;
	EXPECT_EQ(0, judged(self->verdict));
	EXPECT_LE(1, self->verdict->executed);
	policy_close(&other);
}

TEST_F(attach, may_be_made_twice_from_one_map)
{
	struct policy_line first, second;
	struct bpf_link *link;

	link = bpf_map__attach_struct_ops(self->policy.map);
	ASSERT_NE(NULL, link);
	EXPECT_EQ(-EPERM, judged(self->verdict));
	EXPECT_EQ(2, self->verdict->seen);
	ASSERT_EQ(0, policy_line_nth("verdict", 0, &first));
	ASSERT_EQ(0, policy_line_nth("verdict", 1, &second));
	EXPECT_LT(first.id, second.id);
	EXPECT_EQ(1, first.denials);
	EXPECT_EQ(1, second.denials);

	/* One of them goes, the other stays. */
	policy_detach(&self->policy);
	EXPECT_EQ(-EPERM, judged(self->verdict));
	EXPECT_EQ(3, self->verdict->seen);
	ASSERT_EQ(0, policy_line("verdict", &first));
	EXPECT_EQ(second.id, first.id);
	EXPECT_EQ(2, first.denials);
	bpf_link__destroy(link);
	EXPECT_EQ(0, judged(self->verdict));
}

#define MANY 64

TEST_F(attach, serves_sixty_four_policies_at_once)
{
	struct bpf_link *links[MANY];
	struct policy_line line;
	int i;

	policy_detach(&self->policy);
	for (i = 0; i < MANY; i++) {
		links[i] = bpf_map__attach_struct_ops(self->policy.map);
		ASSERT_NE(NULL, links[i]);
	}
	self->verdict->calls = 0;
	EXPECT_EQ(-EPERM, judged(self->verdict));
	EXPECT_EQ(MANY, self->verdict->seen);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, policy_line_nth("verdict", i, &line));
		EXPECT_EQ(1, line.denials);
		EXPECT_LE(1, line.runs);
		EXPECT_EQ(0, line.errors);
	}
	/* From the middle outwards: lists are not stacks. */
	for (i = 0; i < MANY; i++)
		bpf_link__destroy(links[(MANY / 2 + (i % 2 ? i / 2 : MANY - 1 - i / 2)) % MANY]);
	EXPECT_EQ(0, policy_count("verdict"));
	EXPECT_EQ(0, judged(self->verdict));
}

/* Is @map's id in the comma-separated list of a line? */
static bool lists_map(const char *maps, const struct bpf_map *map)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	char id[16], list[300];

	if (bpf_map_get_info_by_fd(bpf_map__fd(map), &info, &size))
		return false;
	snprintf(id, sizeof(id), ",%u,", info.id);
	snprintf(list, sizeof(list), ",%s,", maps);
	return strstr(list, id);
}

static __u32 prog_id(const struct policy *p, const char *name)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, name);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (!prog || bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return 0;
	return info.id;
}

TEST_F(attach, is_accounted_for)
{
	const struct bpf_map *map;
	struct policy_line line;
	char comm[16], ops[128];

	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_LE(1, line.id);
	EXPECT_STREQ("enforce", line.wanted);
	EXPECT_STREQ("enforce", line.mode);
	EXPECT_STREQ("-", line.flags);
	snprintf(ops, sizeof(ops), "process_exec:%u,process_executed:%u",
		 prog_id(&self->policy, "judge_and_read"),
		 prog_id(&self->policy, "count_executed"));
	EXPECT_STREQ(ops, line.ops);
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(0, line.would_denials);
	EXPECT_EQ(0, line.errors);
	EXPECT_LT(0, line.memory);
	EXPECT_GT(1000000, line.memory);
	EXPECT_EQ(getuid(), line.uid);
	EXPECT_EQ(getpid(), line.pid);
	prctl(PR_GET_NAME, comm);
	EXPECT_STREQ(comm, line.comm);
	EXPECT_LE(time(NULL) - 60, line.attached);
	EXPECT_GE(time(NULL), line.attached);
	bpf_object__for_each_map(map, self->policy.obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		EXPECT_TRUE(lists_map(line.maps, map)) {
			TH_LOG("%s is not among %s", bpf_map__name(map), line.maps);
		}
	}
}

TEST_F(attach, runs_are_counted_each)
{
	struct policy_line line;
	int i;

	self->verdict->answer = 0;
	self->verdict->tgid = 0;
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, run_exit0(&(__u32){}, NULL, NULL));
	ASSERT_EQ(0, policy_line("verdict", &line));
	/* Of both ops; nobody executes at this moment. */
	EXPECT_EQ(self->verdict->calls + self->verdict->executed, line.runs);
	EXPECT_LE(5, self->verdict->calls);
	EXPECT_LE(5, self->verdict->executed);
}

TEST_HARNESS_MAIN
