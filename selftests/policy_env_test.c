// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy env_audit reports an exec whose environment
 * has the dynamic loader run the caller's code, with the value that counts, and
 * refuses it in enforce mode; and that it is silent about other variables.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "run.h"
#include "shipped.h"

KEEP_POLICIES("env_audit.bpf.o", "env_audit")

#define EXIT0 test_path("exit0")
#define PRELOAD "LD_PRELOAD"
#define AUDIT "LD_AUDIT"

FIXTURE(env)
{
	struct shipped shipped;
};

FIXTURE_VARIANT(env)
{
	const char *mode;
	int result; /* of an exec that is reported */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(env, audit) { "audit", 0 };
FIXTURE_VARIANT_ADD(env, enforce) { "enforce", -EPERM };
/* clang-format on */

FIXTURE_SETUP(env)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "env_audit", variant->mode));
}

FIXTURE_TEARDOWN(env)
{
	shipped_end(&self->shipped);
}

/* Executes exit0 with these variables. */
#define EXECUTE(...) run_exit0(NULL, NULL, (char *[]){ __VA_ARGS__, NULL })

TEST_F(env, with_a_library_to_preload)
{
	const struct krsi_report *report = &self->shipped.report[0];

	EXPECT_EQ(variant->result, EXECUTE("HOME=/", PRELOAD "=/tmp/hide.so"));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "/tmp/hide.so");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(1, report->times);
	EXPECT_EQ(getpid(), report->task.ppid);
}

TEST_F(env, with_a_library_to_audit)
{
	EXPECT_EQ(variant->result, EXECUTE(AUDIT "=audit.so"));
	EXPECT_REPORT(&self->shipped, 0, AUDIT, EXIT0, "audit.so");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(env, with_both)
{
	EXPECT_EQ(variant->result, EXECUTE(AUDIT "=audit.so", PRELOAD "=hide.so"));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "hide.so");
	EXPECT_REPORT(&self->shipped, 1, AUDIT, EXIT0, "audit.so");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
}

TEST_F(env, with_a_variable_that_is_set_twice)
{
	EXPECT_EQ(variant->result, EXECUTE(PRELOAD "=", PRELOAD "=hide.so"));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(2, self->shipped.report[0].times);
}

TEST_F(env, with_a_value_that_is_cut)
{
	const struct krsi_report *report = &self->shipped.report[0];
	char set[1024] = PRELOAD "=";
	const char *value = set + strlen(set);

	memset(set + strlen(set), 'v', 1000);
	EXPECT_EQ(variant->result, EXECUTE(set));
	ASSERT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(1000, report->value_len);
	EXPECT_EQ(sizeof(report->value) - 1, strlen(report->value));
	EXPECT_EQ(0, strncmp(report->value, value, sizeof(report->value) - 1));
}

TEST_F(env, with_other_variables_is_silent)
{
	char *argv[] = { "exit0", PRELOAD "=hide.so", NULL };
	char *envp[] = { PRELOAD "X=hide.so", "LD_LIBRARY_PATH=/tmp", "X" AUDIT "=1", NULL };

	EXPECT_EQ(0, run_exit0(NULL, argv, envp));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_HARNESS_MAIN
