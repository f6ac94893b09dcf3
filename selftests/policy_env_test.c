// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy env_audit reports an exec whose environment
 * has the dynamic loader run the caller's code, with the value that counts, and
 * refuses it in enforce mode; and that it is silent about other variables, about
 * those that load nothing, which the loader itself is asked, and about libraries that
 * are allowed, on the machine's own paths and nowhere else.
 */

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
	EXPECT_EQ(variant->result, EXECUTE(PRELOAD "=", PRELOAD "=hide.so", "Z=behind"));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "hide.so");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(2, self->shipped.report[0].times);
}

TEST_F(env, with_a_second_value_that_is_cut)
{
	const struct krsi_report *report = &self->shipped.report[0];
	char set[1024] = PRELOAD "=";

	memset(set + strlen(set), 'v', 1000);
	EXPECT_EQ(variant->result, EXECUTE(AUDIT "=", PRELOAD "=", set));
	ASSERT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_EQ(1000, report->value_len);
	EXPECT_EQ(sizeof(report->value) - 1, strspn(report->value, "v"));
	EXPECT_EQ(sizeof(report->value) - 1, strlen(report->value));
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

#define LIBRARY "/tmp/krsi_allowed.so"
#define OTHER "libother.so"

/* Executes exit0 with one variable, whose value is the second. */
static int execute(const char *name, const char *value)
{
	char set[4096];

	snprintf(set, sizeof(set), "%s=%s", name, value);
	return EXECUTE("A=b", set, "Z=behind");
}

/* Is an exec with this silent, and allowed? And with this reported as what it is? */
#define EXPECT_SILENT(name, value)						\
	({									\
		EXPECT_EQ(0, execute(name, value));				\
		EXPECT_NO_REPORT(&self->shipped)				\
		{								\
			TH_LOG("%s=%s", name, value);				\
		}								\
	})
#define EXPECT_TOLD(name, value)						\
	({									\
		EXPECT_EQ(variant->result, execute(name, value));		\
		EXPECT_REPORT(&self->shipped, 0, name, EXIT0, value);		\
		EXPECT_EQ(1, self->shipped.n);					\
		self->shipped.n = 0;						\
	})

TEST_F(env, with_a_list_of_nothing_is_silent)
{
	static const char *const nothing[] = { "", " ", ":", "  ", "::", " : :: " };
	char many[101];

	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		EXPECT_SILENT(PRELOAD, nothing[i]);
	EXPECT_SILENT(AUDIT, "");
	EXPECT_SILENT(AUDIT, "::");
	memset(many, ':', 100);
	many[100] = '\0';
	EXPECT_SILENT(PRELOAD, many);
	EXPECT_EQ(0, EXECUTE(PRELOAD "=", PRELOAD "=:", AUDIT "=", AUDIT "=:"));
	EXPECT_NO_REPORT(&self->shipped);
}

/* What separates in one variable is a name in the other, and what looks blank may be one. */
TEST_F(env, with_a_list_of_something_is_told)
{
	static const char *const something[] = {
		"\t", "\n", " \v", "::x", "   x", ":x:", "\xa0", "x ", "=", "$LIB",
	};

	for (size_t i = 0; i < sizeof(something) / sizeof(something[0]); i++)
		EXPECT_TOLD(PRELOAD, something[i]);
	EXPECT_TOLD(AUDIT, " ");
	EXPECT_TOLD(AUDIT, ": :");
	EXPECT_TOLD(AUDIT, "\t");
}

/* Nobody fills an environment with names of nothing without a reason. */
TEST_F(env, with_more_than_is_looked_at_is_told)
{
	char many[251] = {}, *set[] = { [0 ... 8] = PRELOAD "=", NULL };

	memset(many, ':', 250);
	EXPECT_TOLD(PRELOAD, many);
	EXPECT_EQ(variant->result, run_exit0(NULL, NULL, set));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "");
	EXPECT_EQ(9, self->shipped.report[0].times);
}

TEST_F(env, with_allowed_libraries_is_silent)
{
	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, LIBRARY));
	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, OTHER));
	EXPECT_SILENT(PRELOAD, LIBRARY);
	EXPECT_SILENT(PRELOAD, OTHER);
	EXPECT_SILENT(PRELOAD, LIBRARY ":" OTHER);
	EXPECT_SILENT(PRELOAD, OTHER " " LIBRARY);
	EXPECT_SILENT(PRELOAD, ":" LIBRARY ": " OTHER " ");
	EXPECT_EQ(0, EXECUTE(PRELOAD "=" LIBRARY, PRELOAD "=" OTHER));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(env, with_what_resembles_an_allowed_library_is_told)
{
	static const char *const others[] = {
		LIBRARY ".1", "x" LIBRARY, "/tmp/krsi_allowed.s", "/tmp//krsi_allowed.so",
		LIBRARY ":x.so", "x.so:" LIBRARY, LIBRARY " " LIBRARY "x", LIBRARY "\t/x.so",
		LIBRARY "\n", LIBRARY "/", "/", ".", "krsi_allowed.so", "../tmp/krsi_allowed.so",
	};

	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, LIBRARY));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		EXPECT_TOLD(PRELOAD, others[i]);
	/* It is allowed to be preloaded, not to audit. */
	EXPECT_TOLD(AUDIT, LIBRARY);
}

/* At and over the size of a name that can be allowed. */
TEST_F(env, with_a_library_as_long_as_can_be)
{
	char name[201] = "/";

	memset(name + 1, 'l', 199);
	name[127] = '\0';
	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, name));
	EXPECT_SILENT(PRELOAD, name);
	name[127] = ':';
	name[128] = '\0';
	EXPECT_SILENT(PRELOAD, name);
	name[127] = 'l';
	EXPECT_TOLD(PRELOAD, name);
	name[128] = 'l';
	EXPECT_TOLD(PRELOAD, name);
}

TEST_F(env, with_an_allowed_library_and_another_value)
{
	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, LIBRARY));
	EXPECT_EQ(variant->result, EXECUTE(PRELOAD "=" LIBRARY, PRELOAD "=evil.so"));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, EXIT0, "evil.so");
	EXPECT_EQ(variant->result, EXECUTE(PRELOAD "=evil.so", PRELOAD "=" LIBRARY));
	EXPECT_REPORT(&self->shipped, 1, PRELOAD, EXIT0, "evil.so");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
}

#define ROOT "/tmp/krsi_preload"

static int in_another_root(void *arg)
{
	return chroot(ROOT) || chdir("/") ? 1 : 0;
}

static int in_another_namespace(void *arg)
{
	return unshare(CLONE_NEWNS) ? 1 : 0;
}

/* The path leads to another file there. */
TEST_F(env, with_an_allowed_library_elsewhere_is_told)
{
	char *envp[] = { PRELOAD "=" LIBRARY, NULL };
	struct run how = { .path = "/exit0", .envp = envp, .before = in_another_root };

	ASSERT_EQ(0, shipped_allow_preload(&self->shipped, LIBRARY));
	mkdir(ROOT, 0755);
	ASSERT_EQ(0, file_copy(EXIT0, ROOT "/exit0", 0755));
	EXPECT_EQ(variant->result, run(&how));
	EXPECT_REPORT(&self->shipped, 0, PRELOAD, "/exit0", LIBRARY);
	how.path = EXIT0;
	how.before = in_another_namespace;
	EXPECT_EQ(variant->result, run(&how));
	EXPECT_REPORT(&self->shipped, 1, PRELOAD, EXIT0, LIBRARY);
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	/* What loads nothing does so everywhere. */
	envp[0] = PRELOAD "=";
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(2, shipped_reports(&self->shipped));
	unlink(ROOT "/exit0");
	rmdir(ROOT);
}

/* The real one: where coreutils has it, and where the guest does. */
TEST_F(env, with_stdbuf)
{
	const char *stdbuf = access("/usr/bin/stdbuf", X_OK) ? "/usr/libexec/coreutils/stdbuf" :
								"/usr/bin/stdbuf";
	char *argv[] = { (char *)stdbuf, "-oL", (char *)EXIT0, NULL };
	char *envp[] = { "PATH=/usr/bin", PRELOAD "=", NULL };
	const struct run how = { .path = stdbuf, .argv = argv, .envp = envp };
	const char *library = "/usr/libexec/coreutils/libstdbuf.so";

	ASSERT_EQ(0, access(library, R_OK));
	/* It says 126 of what it was refused. */
	EXPECT_EQ(variant->result ? 126 : 0, run(&how));
	ASSERT_EQ(1, shipped_reports(&self->shipped));
	EXPECT_NE(NULL, strstr(self->shipped.report[0].value, library));
	EXPECT_EQ(0, shipped_allow_preload(&self->shipped, library));
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

static int with_errors_to(void *arg)
{
	return dup2(*(int *)arg, STDERR_FILENO) < 0;
}

/* Whether the dynamic loader tries to load something: it complains, for nothing is there. */
static int loader_tries(const char *set)
{
	char *argv[] = { "true", NULL }, *envp[] = { (char *)set, NULL };
	int errors = memfd_create("errors", MFD_CLOEXEC);
	const struct run how = {
		.path = "/usr/bin/true",
		.argv = argv,
		.envp = envp,
		.before = with_errors_to,
		.arg = &errors,
	};
	struct stat st = {};
	int ret = run(&how) ?: fstat(errors, &st);

	close(errors);
	return ret ? -1 : st.st_size != 0;
}

/* Whenever the loader of this machine loads something it is told, and else not. */
TEST(the_loader_thinks_so_too)
{
	static const char *const values[] = {
		"", " ", ":", " : ", "\t", "\n", "x", ":x", "x ", "\xa0",
	};
	static const char *const names[] = { PRELOAD, AUDIT };
	struct shipped shipped = {};

	ASSERT_EQ(0, shipped_start(&shipped, "env_audit", "audit"));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (size_t j = 0; j < 2; j++) {
			char set[64];
			int tries;

			snprintf(set, sizeof(set), "%s=%s", names[j], values[i]);
			tries = loader_tries(set);
			EXPECT_LE(0, tries);
			EXPECT_EQ(tries, shipped_reports(&shipped))
			{
				TH_LOG("%s", set);
			}
			shipped.n = 0;
		}
	}
	shipped_end(&shipped);
}

TEST_HARNESS_MAIN
