// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that every way to execute a file leads to process_exec once per file,
 * with its depth and flags, and to process_executed once if it succeeded.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "ask.h"
#include "observe.h"
#include "verdict.h"

KEEP_POLICIES("observer.bpf.o", "observer_no_sleep", "observer_sleep")

FIXTURE(exec)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_VARIANT(exec)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(exec, no_sleep) { .map = "observer_no_sleep" };
FIXTURE_VARIANT_ADD(exec, sleep) { .map = "observer_sleep" };
/* clang-format on */

FIXTURE_SETUP(exec)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", variant->map));
	self->observer = self->policy.data;
}

FIXTURE_TEARDOWN(exec)
{
	policy_close(&self->policy);
}

TEST_F(exec, of_a_path)
{
	struct run how = observed(self->observer, DIR "/exit0");

	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 1, DIR "/exit0");
	EXPECT_EQ(2, self->observer->n);
}

TEST_F(exec, of_a_path_relative_to_a_directory)
{
	struct run how = observed(self->observer, "exit0");

	how.at = true;
	how.dirfd = open(DIR, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, how.dirfd);
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 1, DIR "/exit0");
	EXPECT_EQ(2, self->observer->n);
	close(how.dirfd);
}

TEST_F(exec, of_a_symbolic_link_is_one_of_its_target)
{
	struct run how = observed(self->observer, DIR "/link");

	ASSERT_EQ(0, symlink(DIR "/exit0", DIR "/link"));
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 1, DIR "/exit0");
	EXPECT_EQ(2, self->observer->n);
}

static void by_descriptor(struct run *how, int fd)
{
	how->path = "";
	how->at = true;
	how->dirfd = fd;
	how->flags = AT_EMPTY_PATH;
}

TEST_F(exec, of_a_descriptor)
{
	char *argv[] = { "exit0", NULL };
	struct run how = observed(self->observer, "");

	by_descriptor(&how, open(DIR "/exit0", O_PATH | O_CLOEXEC));
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 1, DIR "/exit0");
	EXPECT_EQ(2, self->observer->n);
	close(how.dirfd);
}

TEST_F(exec, of_a_memfd)
{
	static const char name[] = "/memfd:hidden (deleted)";
	char *argv[] = { "exit0", NULL }, path[64];
	struct run how = observed(self->observer, "");
	int fd = memfd_create("hidden", 0), ro;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, file_copy(DIR "/exit0", path, 0755));
	ro = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, ro);
	close(fd);
	by_descriptor(&how, ro);
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	/* A memfd never had a name; its owner may write to it. */
	EXPECT_ROUND(self->observer, 0, name,
		     KRSI_EXEC_MEMFD | KRSI_EXEC_UNLINKED | KRSI_EXEC_WRITABLE);
	EXPECT_EXECUTED(self->observer, 1, name);
	EXPECT_EQ(2, self->observer->n);
	close(ro);
}

TEST_F(exec, of_a_file_that_was_unlinked)
{
	char *argv[] = { "gone", NULL };
	struct run how = observed(self->observer, "");

	ASSERT_EQ(0, file_copy(DIR "/exit0", DIR "/gone", 0555));
	by_descriptor(&how, open(DIR "/gone", O_RDONLY | O_CLOEXEC));
	how.argv = argv;
	ASSERT_EQ(0, unlink(DIR "/gone"));
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/gone (deleted)", KRSI_EXEC_UNLINKED);
	EXPECT_EXECUTED(self->observer, 1, DIR "/gone (deleted)");
	EXPECT_EQ(2, self->observer->n);
	close(how.dirfd);
}

TEST_F(exec, of_a_script_shows_each_interpreter)
{
	char *argv[] = { "a", "x", NULL };
	struct run how = observed(self->observer, DIR "/a");

	ASSERT_EQ(0, file_make(DIR "/a", "#!" DIR "/b\n", 0555));
	ASSERT_EQ(0, file_make(DIR "/b", "#!" DIR "/exit0 argument\n", 0755));
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/a", KRSI_EXEC_SCRIPT);
	EXPECT_ROUND(self->observer, 1, DIR "/b", KRSI_EXEC_SCRIPT | KRSI_EXEC_WRITABLE);
	EXPECT_ROUND(self->observer, 2, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 3, DIR "/exit0");
	EXPECT_EQ(4, self->observer->n);
	/* x; a x after its name became an argument; and with "argument" b. */
	EXPECT_EQ(2, self->observer->event[0].argc);
	EXPECT_EQ(3, self->observer->event[1].argc);
	EXPECT_EQ(5, self->observer->event[2].argc);
}

TEST_F(exec, of_a_script_on_a_descriptor)
{
	char *argv[] = { "a", NULL };
	struct run how = observed(self->observer, "");

	ASSERT_EQ(0, file_make(DIR "/a", "#!" DIR "/exit0\n", 0555));
	by_descriptor(&how, open(DIR "/a", O_RDONLY));
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/a", KRSI_EXEC_SCRIPT);
	EXPECT_ROUND(self->observer, 1, DIR "/exit0", 0);
	EXPECT_EQ(3, self->observer->n);

	/* The interpreter could not open it: that is found out after the round. */
	how = observed(self->observer, "");
	by_descriptor(&how, open(DIR "/a", O_RDONLY | O_CLOEXEC));
	how.argv = argv;
	EXPECT_EQ(-ENOENT, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/a", KRSI_EXEC_SCRIPT);
	EXPECT_EQ(1, self->observer->n);
}

static int make_chain(int scripts)
{
	char path[64], text[64];
	int i, ret = 0;

	for (i = 0; i < scripts && !ret; i++) {
		snprintf(path, sizeof(path), DIR "/chain%d", i);
		if (i + 1 < scripts)
			snprintf(text, sizeof(text), "#!" DIR "/chain%d\n", i + 1);
		else
			snprintf(text, sizeof(text), "#!" DIR "/exit0\n");
		ret = file_make(path, text, 0555);
	}
	return ret;
}

TEST_F(exec, of_a_chain_of_five_scripts_succeeds)
{
	struct run how = observed(self->observer, DIR "/chain0");
	char path[64];
	int i;

	ASSERT_EQ(0, make_chain(5));
	ASSERT_EQ(0, run(&how));
	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), DIR "/chain%d", i);
		EXPECT_ROUND(self->observer, i, path, KRSI_EXEC_SCRIPT);
	}
	EXPECT_ROUND(self->observer, 5, DIR "/exit0", 0);
	EXPECT_EXECUTED(self->observer, 6, DIR "/exit0");
	EXPECT_EQ(7, self->observer->n);
}

TEST_F(exec, of_a_chain_of_six_scripts_shows_six_rounds_and_fails)
{
	struct run how = observed(self->observer, DIR "/chain0");
	char path[64];
	int i;

	ASSERT_EQ(0, make_chain(6));
	EXPECT_EQ(-ELOOP, run(&how));
	for (i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), DIR "/chain%d", i);
		EXPECT_ROUND(self->observer, i, path, KRSI_EXEC_SCRIPT);
	}
	EXPECT_EQ(6, self->observer->n);
}

TEST_F(exec, of_a_script_that_names_itself_shows_one_file_in_six_rounds)
{
	struct run how = observed(self->observer, DIR "/self");
	int i;

	ASSERT_EQ(0, file_make(DIR "/self", "#!" DIR "/self\n", 0555));
	EXPECT_EQ(-ELOOP, run(&how));
	for (i = 0; i < 6; i++)
		EXPECT_ROUND(self->observer, i, DIR "/self", KRSI_EXEC_SCRIPT);
	EXPECT_EQ(6, self->observer->n);
}

TEST_F(exec, that_is_only_asked_for_shows_the_file_alone)
{
	struct run how = observed(self->observer, DIR "/exit0");

	how.at = true;
	how.dirfd = AT_FDCWD;
	how.flags = AT_EXECVE_CHECK;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0", KRSI_EXEC_CHECK);
	EXPECT_EQ(1, self->observer->n);

	/* Neither its interpreter, nor that it is a script. */
	ASSERT_EQ(0, file_make(DIR "/a", "#!" DIR "/exit0\n", 0555));
	how = observed(self->observer, DIR "/a");
	how.at = true;
	how.dirfd = AT_FDCWD;
	how.flags = AT_EXECVE_CHECK;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/a", KRSI_EXEC_CHECK);
	EXPECT_EQ(1, self->observer->n);
}

/* It goes through another hook than the others, which must serve as well. */
static struct run asked_for(__u32 *tgid)
{
	static char *argv[] = { "exit0", "argument", NULL };
	static char *envp[] = { "A=b", "VERDICT_TEST=0123", NULL };

	return (struct run){
		.path = test_path("exit0"),
		.argv = argv,
		.envp = envp,
		.tgid = { tgid },
		.at = true,
		.dirfd = AT_FDCWD,
		.flags = AT_EXECVE_CHECK,
	};
}

static void read_asked_for(struct __test_metadata *_metadata, const char *map)
{
	struct probe_query *env, *count, *block, *arg, *args;
	struct policy policy;
	struct probe *probe;
	struct run how;

	ASSERT_EQ(0, policy_start(&policy, "probe.bpf.o", map));
	probe = policy.data;
	probe_clear(probe);
	env = ask_env(probe, "VERDICT_TEST", 16);
	count = ask_count(probe, "A");
	block = ask_env_block(probe, 4, 16);
	arg = ask_arg(probe, 1, 16);
	args = ask_arg_block(probe, 0, 16);
	how = asked_for(&probe->tgid);
	EXPECT_EQ(0, run(&how));
	EXPECT_EQ(1, probe->ran);
	EXPECT_EQ(2, probe->argc);
	EXPECT_EQ(2, probe->envc);
	EXPECT_EQ(4, env->ret);
	EXPECT_STREQ("0123", env->buf);
	EXPECT_EQ(1, count->ret);
	EXPECT_EQ(sizeof("VERDICT_TEST=0123"), block->ret);
	EXPECT_EQ(0, memcmp("VERDICT_TEST=012", block->buf, 16));
	EXPECT_EQ(8, arg->ret);
	EXPECT_STREQ("argument", arg->buf);
	EXPECT_EQ(sizeof("exit0\0argument"), args->ret);
	EXPECT_EQ(0, memcmp("exit0\0argument", args->buf, sizeof("exit0\0argument")));
	policy_close(&policy);
}

TEST(an_exec_that_is_only_asked_for_can_be_read)
{
	read_asked_for(_metadata, "no_sleep");
	read_asked_for(_metadata, "sleep");
}

TEST(an_exec_that_is_only_asked_for_can_be_denied)
{
	struct policy_line line;
	struct verdict *verdict;
	struct policy policy;
	struct run how;

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&policy, "verdict.bpf.o", "verdict_full"));
	verdict = policy.data;
	how = asked_for(&verdict->tgid);
	verdict->tgid = ~0U;
	verdict->answer = -EACCES;
	EXPECT_EQ(-EACCES, run(&how));
	EXPECT_EQ(1, verdict->seen);
	EXPECT_EQ(4, verdict->value);
	EXPECT_EQ(0, verdict->executed);
	verdict->answer = -EPERM;
	EXPECT_EQ(-EPERM, run(&how));
	/* A program that fails denies no question either. */
	verdict->answer = 1;
	EXPECT_EQ(0, run(&how));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_EQ(2, line.denials);
	EXPECT_EQ(1, line.errors);
	policy_close(&policy);
	mode_restore();
}

TEST_F(exec, that_fails_after_its_round_is_not_executed)
{
	struct run how = observed(self->observer, DIR "/text");

	ASSERT_EQ(0, file_make(DIR "/text", "no program\n", 0555));
	EXPECT_EQ(-ENOEXEC, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/text", 0);
	EXPECT_EQ(1, self->observer->n);

	how = observed(self->observer, DIR "/a");
	ASSERT_EQ(0, file_make(DIR "/a", "#!" DIR "/none\n", 0555));
	EXPECT_EQ(-ENOENT, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/a", KRSI_EXEC_SCRIPT);
	EXPECT_EQ(1, self->observer->n);
}

TEST_F(exec, that_is_refused_before_it_is_none)
{
	struct run how = observed(self->observer, DIR "/exit0");
	int fd;

	ASSERT_EQ(0, chmod(DIR "/exit0", 0444));
	EXPECT_EQ(-EACCES, run(&how));
	ASSERT_EQ(0, chmod(DIR "/exit0", 0755));
	fd = open(DIR "/exit0", O_WRONLY | O_CLOEXEC);
	EXPECT_EQ(-ETXTBSY, run(&how));
	close(fd);
	how.path = DIR "/none";
	EXPECT_EQ(-ENOENT, run(&how));
	EXPECT_EQ(0, self->observer->n);
}

TEST_F(exec, that_a_policy_comes_into_shows_the_rounds_that_are_left)
{
	struct run how = observed(self->observer, DIR "/script");
	sigset_t broken;
	pid_t pid;
	int fd;

	policy_detach(&self->policy);
	ASSERT_EQ(0, file_make(DIR "/script", "#!" DIR "/exit0\n", 0555));
	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &broken, NULL));
	fd = open(DIR "/exit0", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_WRLCK));
	pid = run_start(&how);
	/* The script's round is over, and its interpreter waits for the lease. */
	ASSERT_EQ(SIGIO, sigwaitinfo(&broken, NULL));
	ASSERT_EQ(0, policy_attach(&self->policy));
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	EXPECT_EQ(0, run_wait(pid));
	EXPECT_TRUE(is_round(self->observer, 0, 1, DIR "/exit0", 0));
	EXPECT_EXECUTED(self->observer, 1, DIR "/exit0");
	EXPECT_EQ(2, self->observer->n);
	close(fd);
}

TEST_HARNESS_MAIN
