// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what becomes of a policy's answer: allowed, denied with its errno,
 * only counted, or an error of the policy that harms nobody; and that every
 * policy sees the exec, whatever those before it said.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

FIXTURE(verdict)
{
	struct policy policy;
	struct verdict *verdict;
};

FIXTURE_VARIANT(verdict)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(verdict, no_sleep) { .map = "verdict_no_sleep" };
FIXTURE_VARIANT_ADD(verdict, sleep) { .map = "verdict_sleep" };
/* clang-format on */

FIXTURE_SETUP(verdict)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_open(&self->policy, "verdict.bpf.o", variant->map));
}

FIXTURE_TEARDOWN(verdict)
{
	policy_close(&self->policy);
	mode_restore();
}

static void attach(struct __test_metadata *_metadata, struct policy *p, __u32 flags)
{
	struct verdict *verdict;

	policy_ops(p)->flags = flags;
	ASSERT_EQ(0, policy_load(p));
	verdict = p->data;
	/* Nobody's, until a child says that it is the one. */
	verdict->tgid = ~0U;
	ASSERT_EQ(0, policy_attach(p));
}

static int judged(struct verdict *verdict, int answer)
{
	int ret;

	verdict->answer = answer;
	verdict->seen = 0;
	ret = run_exit0(&verdict->tgid, NULL, NULL);
	verdict->tgid = ~0U;
	return ret;
}

TEST_F(verdict, allows_and_denies)
{
	struct policy_line line;

	attach(_metadata, &self->policy, 0);
	self->verdict = self->policy.data;
	EXPECT_EQ(0, judged(self->verdict, 0));
	EXPECT_EQ(1, self->verdict->seen);
	EXPECT_EQ(-EPERM, judged(self->verdict, -EPERM));
	EXPECT_EQ(1, self->verdict->seen);
	EXPECT_EQ(-EACCES, judged(self->verdict, -EACCES));
	EXPECT_EQ(1, self->verdict->seen);
	EXPECT_EQ(0, judged(self->verdict, 0));

	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(2, line.denials);
	EXPECT_EQ(0, line.would_denials);
	EXPECT_EQ(0, line.errors);
	EXPECT_EQ(self->verdict->calls, line.runs);
}

/* None of them may reach the kernel: some would even break the caller. */
static const int wild[] = {
	1, 2, 512, INT_MAX, INT_MIN, -ESTALE, -ENOEXEC, -ENOENT, -4095, -4096, -512, 0x7fff0000,
};

TEST_F(verdict, counts_a_wild_answer_and_allows)
{
	struct policy_line line;
	int i;

	attach(_metadata, &self->policy, 0);
	self->verdict = self->policy.data;
	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		EXPECT_EQ(0, judged(self->verdict, wild[i])) {
			TH_LOG("answer %d", wild[i]);
		}
		ASSERT_EQ(0, policy_line("verdict", &line));
		EXPECT_EQ(i + 1, line.errors);
	}
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(0, line.would_denials);
}

TEST_F(verdict, denies_a_wild_answer_if_fail_closed)
{
	struct policy_line line;
	int i;

	attach(_metadata, &self->policy, KRSI_FAIL_CLOSED);
	self->verdict = self->policy.data;
	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		EXPECT_EQ(-EPERM, judged(self->verdict, wild[i])) {
			TH_LOG("answer %d", wild[i]);
		}
	}
	EXPECT_EQ(0, judged(self->verdict, 0));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(ARRAY_SIZE(wild), line.errors);
	EXPECT_STREQ("fail_closed", line.flags);
}

TEST_F(verdict, only_counts_in_audit)
{
	struct policy_line line;

	attach(_metadata, &self->policy, KRSI_AUDIT);
	self->verdict = self->policy.data;
	EXPECT_EQ(0, judged(self->verdict, -EPERM));
	EXPECT_EQ(0, judged(self->verdict, -EACCES));
	EXPECT_EQ(0, judged(self->verdict, 0));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(2, line.would_denials);
	EXPECT_STREQ("audit", line.wanted);
	EXPECT_STREQ("audit", line.mode);
	EXPECT_STREQ("audit", line.flags);
}

TEST_F(verdict, only_counts_while_the_global_mode_is_audit)
{
	struct policy_line line;

	attach(_metadata, &self->policy, 0);
	self->verdict = self->policy.data;
	ASSERT_EQ(0, mode_set("audit"));
	EXPECT_EQ(0, judged(self->verdict, -EPERM));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(1, line.would_denials);
	EXPECT_STREQ("enforce", line.wanted);
	EXPECT_STREQ("audit", line.mode);

	ASSERT_EQ(0, mode_set("enforce"));
	EXPECT_EQ(-EPERM, judged(self->verdict, -EPERM));
}

TEST_F(verdict, counts_a_failure_in_audit_as_a_would_denial_if_fail_closed)
{
	struct policy_line line;

	attach(_metadata, &self->policy, KRSI_AUDIT | KRSI_FAIL_CLOSED);
	self->verdict = self->policy.data;
	EXPECT_EQ(0, judged(self->verdict, 1));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(1, line.would_denials);
	EXPECT_EQ(1, line.errors);
	EXPECT_STREQ("audit,fail_closed", line.flags);
}

TEST_F(verdict, may_be_about_an_interpreter)
{
	static const char script[] = "/tmp/krsi_verdict_script";
	struct run how = { .path = script };
	char text[4200];

	snprintf(text, sizeof(text), "#!%s\n", test_path("exit0"));
	ASSERT_EQ(0, file_make(script, text, 0755));
	attach(_metadata, &self->policy, 0);
	self->verdict = self->policy.data;
	self->verdict->answer = -EACCES;
	self->verdict->depth = 1;
	how.tgid[0] = &self->verdict->tgid;
	EXPECT_EQ(-EACCES, run(&how));
	EXPECT_EQ(1, self->verdict->seen);
	self->verdict->depth = 2;
	EXPECT_EQ(0, run(&how));
	unlink(script);
}

/* Several policies, in the order in which they are attached. */
FIXTURE(verdicts)
{
	struct policy policy[3];
};

FIXTURE_VARIANT(verdicts)
{
	int answer[3];
	__u32 flags[3];
	int result;
	/* How often each denied, and would have. */
	int denials[3], would_denials[3];
};

/* clang-format off */
FIXTURE_VARIANT_ADD(verdicts, the_first_one_denies) {
	.answer = { -EPERM, 0, 0 }, .result = -EPERM, .denials = { 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(verdicts, the_last_one_denies) {
	.answer = { 0, 0, -EACCES }, .result = -EACCES, .denials = { 0, 0, 1 },
};
FIXTURE_VARIANT_ADD(verdicts, eperm_then_eacces) {
	.answer = { 0, -EPERM, -EACCES }, .result = -EPERM, .denials = { 0, 1, 1 },
};
FIXTURE_VARIANT_ADD(verdicts, eacces_then_eperm) {
	.answer = { -EACCES, -EPERM, 0 }, .result = -EACCES, .denials = { 1, 1, 0 },
};
FIXTURE_VARIANT_ADD(verdicts, one_in_audit_has_no_say) {
	.answer = { -EPERM, -EACCES, 0 }, .flags = { KRSI_AUDIT, 0, 0 },
	.result = -EACCES, .denials = { 0, 1, 0 }, .would_denials = { 1, 0, 0 },
};
FIXTURE_VARIANT_ADD(verdicts, a_wild_one_has_no_say) {
	.answer = { 512, -EACCES, INT_MIN }, .result = -EACCES, .denials = { 0, 1, 0 },
};
/* clang-format on */

static const char *const names[] = { "first", "second", "third" };

FIXTURE_SETUP(verdicts)
{
	int i;

	ASSERT_EQ(0, mode_set("enforce"));
	for (i = 0; i < 3; i++) {
		/* Both kinds, and a kind on either side of the other. */
		ASSERT_EQ(0, policy_open(&self->policy[i], "verdict.bpf.o",
					 i == 1 ? "verdict_sleep" : "verdict_no_sleep"));
		policy_name(&self->policy[i], names[i]);
		attach(_metadata, &self->policy[i], variant->flags[i]);
	}
}

FIXTURE_TEARDOWN(verdicts)
{
	int i;

	for (i = 0; i < 3; i++)
		policy_close(&self->policy[i]);
	mode_restore();
}

TEST_F(verdicts, all_see_it_and_the_first_denial_is_the_result)
{
	struct run how = { .path = test_path("exit0") };
	struct verdict *verdict[3];
	struct policy_line line;
	int i;

	for (i = 0; i < 3; i++) {
		verdict[i] = self->policy[i].data;
		verdict[i]->answer = variant->answer[i];
		how.tgid[i] = &verdict[i]->tgid;
	}
	EXPECT_EQ(variant->result, run(&how));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, verdict[i]->seen);
		ASSERT_EQ(0, policy_line(names[i], &line));
		EXPECT_EQ(variant->denials[i], line.denials);
		EXPECT_EQ(variant->would_denials[i], line.would_denials);
	}
}

TEST(what_is_no_failure_denies_nothing_when_fail_closed)
{
	char *envp[] = { "CUT=long", NULL };
	struct policy policy;
	struct policy_line line;
	struct probe *probe;

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_open(&policy, "probe.bpf.o", "sleep"));
	policy_ops(&policy)->flags = KRSI_FAIL_CLOSED;
	ASSERT_EQ(0, policy_load(&policy));
	ASSERT_EQ(0, policy_attach(&policy));
	probe = policy.data;
	probe_clear(probe);
	ask_env(probe, "NONE", 64);
	ask_env(probe, "CUT", 1);
	ask_env(probe, "=", 64);
	ask_find(probe, "CUT", 7);
	ask_env_block(probe, 4000, 64);
	ask_arg(probe, 100, 64);
	EXPECT_EQ(0, probe_run(probe, NULL, envp));
	ASSERT_EQ(0, policy_line("sleep", &line));
	EXPECT_EQ(0, line.errors);
	EXPECT_EQ(0, line.denials);
	policy_close(&policy);
	mode_restore();
}

TEST_HARNESS_MAIN
