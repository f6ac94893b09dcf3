// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy env_audit looks for the variables that it is told
 * to, and refuses or only reports what they say; and that of a value no more leaves
 * the kernel than is asked for.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"
#include "run.h"
#include "shipped.h"

KEEP_POLICIES("env_audit.bpf.o", "env_audit")

#define EXIT0 test_path("exit0")
#define LIST (KRSI_VARIABLE_COLONS | KRSI_VARIABLE_SPACES)

FIXTURE(variables)
{
	struct shipped shipped;
	struct krsi_variables variables;
};

FIXTURE_SETUP(variables)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "env_audit", "enforce"));
	self->variables = self->shipped.variables;
}

FIXTURE_TEARDOWN(variables)
{
	shipped_end(&self->shipped);
}

/* The first that is free becomes this one. */
static int add(FIXTURE_DATA(variables) *self, const char *name, __u32 flags)
{
	struct krsi_variable *variable = self->variables.variable;

	while (variable->name[0])
		variable++;
	memcpy(variable->name, name, strlen(name));
	variable->flags = flags;
	return shipped_look_for(&self->shipped, &self->variables);
}

/* Executes exit0 with these variables. */
#define EXECUTE(...) run_exit0(NULL, NULL, (char *[]){ __VA_ARGS__, NULL })

TEST_F(variables, are_two_where_nobody_says_otherwise)
{
	const struct krsi_variable *variable = self->variables.variable;

	EXPECT_STREQ("LD_PRELOAD", variable[0].name);
	EXPECT_EQ(KRSI_VARIABLE_DENIES | LIST | KRSI_VARIABLE_ALLOWED, variable[0].flags);
	EXPECT_STREQ("LD_AUDIT", variable[1].name);
	EXPECT_EQ(KRSI_VARIABLE_DENIES | KRSI_VARIABLE_COLONS, variable[1].flags);
	EXPECT_EQ(0, variable[2].name[0]);
	EXPECT_EQ(KRSI_VALUE_WHOLE, self->variables.told);
}

TEST_F(variables, that_are_only_told_refuse_nothing)
{
	struct policy_line line;

	ASSERT_EQ(0, add(self, "LD_LIBRARY_PATH", 0));
	ASSERT_EQ(0, add(self, "GLIBC_TUNABLES", 0));
	EXPECT_EQ(0, EXECUTE("GLIBC_TUNABLES=a=b:c=d", "LD_LIBRARY_PATH=/tmp:"));
	EXPECT_REPORT(&self->shipped, 0, "LD_LIBRARY_PATH", EXIT0, "/tmp:");
	EXPECT_REPORT(&self->shipped, 1, "GLIBC_TUNABLES", EXIT0, "a=b:c=d");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	EXPECT_EQ(0, self->shipped.report[0].verdict);
	EXPECT_EQ(0, self->shipped.report[1].verdict);
	ASSERT_EQ(0, policy_line("env_audit", &line));
	EXPECT_EQ(0, line.denials);
	EXPECT_EQ(0, line.errors);
}

TEST_F(variables, that_are_only_told_let_no_other_pass)
{
	ASSERT_EQ(0, add(self, "LD_LIBRARY_PATH", 0));
	EXPECT_EQ(-EPERM, EXECUTE("LD_LIBRARY_PATH=/tmp", "LD_AUDIT=audit.so"));
	EXPECT_REPORT(&self->shipped, 0, "LD_AUDIT", EXIT0, "audit.so");
	EXPECT_REPORT(&self->shipped, 1, "LD_LIBRARY_PATH", EXIT0, "/tmp");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	EXPECT_EQ(-EPERM, self->shipped.report[0].verdict);
	EXPECT_EQ(0, self->shipped.report[1].verdict);
}

/* A colon alone is a directory in LD_LIBRARY_PATH, the current one. */
TEST_F(variables, that_are_one_word_are_silent_only_if_empty)
{
	ASSERT_EQ(0, add(self, "LD_LIBRARY_PATH", 0));
	EXPECT_EQ(0, EXECUTE("LD_LIBRARY_PATH="));
	EXPECT_NO_REPORT(&self->shipped);
	EXPECT_EQ(0, EXECUTE("LD_LIBRARY_PATH=:"));
	EXPECT_REPORT(&self->shipped, 0, "LD_LIBRARY_PATH", EXIT0, ":");
	EXPECT_EQ(0, EXECUTE("LD_LIBRARY_PATH= "));
	EXPECT_REPORT(&self->shipped, 1, "LD_LIBRARY_PATH", EXIT0, " ");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
}

TEST_F(variables, that_are_added_deny_if_they_are_told_to)
{
	ASSERT_EQ(0, add(self, "PYTHONSTARTUP", KRSI_VARIABLE_DENIES));
	EXPECT_EQ(-EPERM, EXECUTE("PYTHONSTARTUP=/tmp/evil.py"));
	EXPECT_REPORT(&self->shipped, 0, "PYTHONSTARTUP", EXIT0, "/tmp/evil.py");
	EXPECT_EQ(0, EXECUTE("PYTHONSTARTUPX=1", "PYTHONSTART=1", "X=PYTHONSTARTUP=1"));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(variables, that_are_lists_know_what_is_allowed)
{
	ASSERT_EQ(0, add(self, "LIST", KRSI_VARIABLE_DENIES | LIST | KRSI_VARIABLE_ALLOWED));
	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, "good.so"));
	EXPECT_EQ(0, EXECUTE("LIST=good.so: good.so"));
	EXPECT_NO_REPORT(&self->shipped);
	EXPECT_EQ(-EPERM, EXECUTE("LIST=good.so: bad.so"));
	EXPECT_REPORT(&self->shipped, 0, "LIST", EXIT0, "good.so: bad.so");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* The last of eight, with a name as long as can be. */
TEST_F(variables, can_be_eight)
{
	char longest[KRSI_VARIABLE_SIZE] = {}, name[8], set[64];

	memset(longest, 'V', sizeof(longest) - 1);
	for (int i = 2; i < KRSI_VARIABLES - 1; i++) {
		snprintf(name, sizeof(name), "V%d", i);
		ASSERT_EQ(0, add(self, name, 0));
	}
	ASSERT_EQ(0, add(self, longest, KRSI_VARIABLE_DENIES));
	snprintf(set, sizeof(set), "%s=value", longest);
	EXPECT_EQ(-EPERM, EXECUTE(set));
	EXPECT_REPORT(&self->shipped, 0, longest, EXIT0, "value");
	EXPECT_EQ(0, EXECUTE("V2=two", "V6=six"));
	EXPECT_REPORT(&self->shipped, 1, "V2", EXIT0, "two");
	EXPECT_REPORT(&self->shipped, 2, "V6", EXIT0, "six");
	EXPECT_EQ(3, shipped_reports(&self->shipped));
}

/* As preload.h says: the last is copied over it, and is told twice until it is emptied. */
TEST_F(variables, that_are_taken_out_are_silent)
{
	struct krsi_variable *variable = self->variables.variable;

	variable[0] = variable[1];
	ASSERT_EQ(0, shipped_look_for(&self->shipped, &self->variables));
	EXPECT_EQ(-EPERM, EXECUTE("LD_AUDIT=audit.so"));
	memset(&variable[1], 0, sizeof(variable[1]));
	ASSERT_EQ(0, shipped_look_for(&self->shipped, &self->variables));
	EXPECT_EQ(0, EXECUTE("LD_PRELOAD=hide.so"));
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	EXPECT_EQ(-EPERM, EXECUTE("LD_AUDIT=audit.so"));
	EXPECT_EQ(3, shipped_reports(&self->shipped));
}

FIXTURE(value)
{
	struct shipped shipped;
};

FIXTURE_VARIANT(value)
{
	__u32 told;
	size_t copied; /* bytes of the value, at most */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(value, whole) { KRSI_VALUE_WHOLE, 255 };
FIXTURE_VARIANT_ADD(value, prefix) { KRSI_VALUE_PREFIX, KRSI_VALUE_PREFIX_LEN };
FIXTURE_VARIANT_ADD(value, length) { KRSI_VALUE_LENGTH, 0 };
FIXTURE_VARIANT_ADD(value, hash) { KRSI_VALUE_HASH, 0 };
/* clang-format on */

FIXTURE_SETUP(value)
{
	struct krsi_variables variables;

	ASSERT_EQ(0, shipped_start(&self->shipped, "env_audit", "enforce"));
	variables = self->shipped.variables;
	variables.told = variant->told;
	ASSERT_EQ(0, shipped_look_for(&self->shipped, &variables));
}

FIXTURE_TEARDOWN(value)
{
	shipped_end(&self->shipped);
}

/* FNV-1a, 64 bits, as its authors give it. */
static void hash_of(char *hex, size_t size, const char *value)
{
	unsigned long long hash = 14695981039346656037ULL;

	for (; *value; value++)
		hash = (hash ^ (unsigned char)*value) * 1099511628211ULL;
	snprintf(hex, size, "fnv1a:%016llx", hash);
}

/* Is what is told of the value what was asked for, and nothing more in all its bytes? */
static bool is_told(struct shipped *shipped, __u32 told, size_t copied, const char *value)
{
	const struct krsi_report *report = &shipped->report[0];
	char expected[sizeof(report->value)] = {};

	if (told == KRSI_VALUE_HASH)
		hash_of(expected, sizeof(expected), value);
	else
		memcpy(expected, value, strnlen(value, copied));
	if (shipped_reports(shipped) == 1 && report->value_len == strlen(value) &&
	    !memcmp(report->value, expected, sizeof(expected)))
		return true;
	fprintf(stderr, "# %d reports, of %zu bytes %u: '%s', not '%s'\n", shipped->n,
		strlen(value), report->value_len, report->value, expected);
	return false;
}

/* Of this length, no two bytes next to each other alike. */
static char *set_of(const char *name, size_t length)
{
	char *set = malloc(strlen(name) + length + 2);

	sprintf(set, "%s=", name);
	for (size_t i = 0; i < length; i++)
		set[strlen(name) + 1 + i] = "abcdefghijklm\xfe"[i % 14];
	set[strlen(name) + 1 + length] = '\0';
	return set;
}

/* Around what is copied, and what is read at once. */
static const size_t lengths[] = { 1,   15,  16,	 17,  63,  64,	65,   127,
				  128, 254, 255, 256, 257, 1000, 100000 };

TEST_F(value, is_told_as_far_as_it_may_be)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *set = set_of("LD_AUDIT", lengths[i]);

		EXPECT_EQ(-EPERM, EXECUTE("A=b", set, "SECRET=behind"));
		EXPECT_TRUE(is_told(&self->shipped, variant->told, variant->copied,
				    strchr(set, '=') + 1));
		self->shipped.n = 0;
		free(set);
	}
}

TEST_F(value, of_a_later_definition_is_told_as_far_as_it_may_be)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char *set = set_of("LD_AUDIT", lengths[i]);

		EXPECT_EQ(-EPERM, EXECUTE("LD_AUDIT=", "LD_AUDIT=:", set, "SECRET=behind"));
		EXPECT_TRUE(is_told(&self->shipped, variant->told, variant->copied,
				    strchr(set, '=') + 1));
		EXPECT_EQ(3, self->shipped.report[0].times);
		self->shipped.n = 0;
		free(set);
	}
}

/* The longest string that execve takes. */
TEST_F(value, as_long_as_can_be_is_measured)
{
	size_t length = 131072 - sizeof("LD_AUDIT=");
	char *set = set_of("LD_AUDIT", length);

	EXPECT_EQ(-EPERM, EXECUTE("LD_AUDIT=", set));
	EXPECT_TRUE(is_told(&self->shipped, variant->told, variant->copied, strchr(set, '=') + 1));
	free(set);
}

TEST_HARNESS_MAIN
