// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that krsi-watch, which attaches the shipped policies, keeps a policy attached
 * until it is told to end, whatever becomes of its output, and says what was lost; that it
 * measures its time by a clock that nobody sets; and that it refuses an option that could
 * never match, and an object of which not all can be attached, before or instead of half
 * of it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"

#define DIR "/tmp/krsi_watch"
#define ERRORS DIR "/errors"
#define OUT DIR "/small/out"
#define FILLER DIR "/small/filler"
#define POLICY "env_audit"
#define PRELOADED "LD_PRELOAD=evil.so"

FIXTURE(watch)
{
	pid_t pid;
	char errors[4096];
};

#define SELF struct __test_metadata *_metadata, FIXTURE_DATA(watch) *self

FIXTURE_SETUP(watch)
{
	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, mkdir(DIR "/small", 0755));
	ASSERT_EQ(0, mode_set("enforce"));
	self->pid = 0;
}

FIXTURE_TEARDOWN(watch)
{
	if (self->pid) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	EXPECT_TRUE(policy_gone(NULL));
	mode_restore();
}

/* Starts it with this standard output, none if -1; the arguments end with NULL. */
static pid_t start(int out, const struct rlimit *file_size, const char *const *args)
{
	char *argv[32] = { "krsi-watch" };
	pid_t pid;
	int i;

	for (i = 0; args[i]; i++)
		argv[i + 1] = (char *)args[i];
	pid = fork();
	if (pid)
		return pid;
	close(STDERR_FILENO);
	if (open(ERRORS, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644) != STDERR_FILENO ||
	    (out < 0 ? close(STDOUT_FILENO) : dup2(out, STDOUT_FILENO) < 0) ||
	    (file_size && setrlimit(RLIMIT_FSIZE, file_size)) || chdir(test_dir()))
		_exit(100);
	/* Whatever the runner of the tests does with it. */
	signal(SIGPIPE, SIG_DFL);
	execv("krsi-watch", argv);
	_exit(101);
}

/* What it has said so far. */
static const char *errors(FIXTURE_DATA(watch) *self)
{
	if (file_read(ERRORS, self->errors, sizeof(self->errors)) < 0)
		self->errors[0] = '\0';
	return self->errors;
}

static bool said(FIXTURE_DATA(watch) *self, const char *text)
{
	return strstr(errors(self), text);
}

/* Whether it says this within two minutes, and before it ends. */
static bool says(FIXTURE_DATA(watch) *self, const char *text)
{
	unsigned long long until = now_ms() + 120000;

	while (!said(self, text)) {
		siginfo_t ended = {};

		waitid(P_PID, self->pid, &ended, WEXITED | WNOHANG | WNOWAIT);
		if (now_ms() > until || ended.si_pid) {
			fprintf(stderr, "# not '%s': %s\n", text, self->errors);
			return false;
		}
		usleep(10000);
	}
	return true;
}

static void begin_limited(SELF, int out, const struct rlimit *file_size, const char *seconds)
{
	const char *const args[] = { POLICY ".bpf.o", seconds, NULL };

	self->pid = start(out, file_size, args);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(says(self, "is attached"));
}

#define begin(out) begin_limited(_metadata, self, out, NULL, NULL)

/* How it ends: its status, 128 and the signal; -ETIMEDOUT if it doesn't, within a minute. */
static int status(FIXTURE_DATA(watch) *self)
{
	unsigned long long until = now_ms() + 60000;
	int how;

	while (waitpid(self->pid, &how, WNOHANG) != self->pid) {
		if (now_ms() > until)
			return -ETIMEDOUT;
		usleep(10000);
	}
	self->pid = 0;
	return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

static int end(FIXTURE_DATA(watch) *self)
{
	kill(self->pid, SIGTERM);
	return status(self);
}

static int preload(void)
{
	return run_exit0(NULL, NULL, (char *[]){ PRELOADED, NULL });
}

/* What is denied is still denied, @n times. */
static void expect_denied(SELF, int n)
{
	for (int i = 0; i < n; i++)
		EXPECT_EQ(-EPERM, preload());
	EXPECT_EQ(1, policy_count(POLICY));
}

TEST_F(watch, a_reader_that_reads_gets_it_all)
{
	char text[4096];
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	begin(ends[1]);
	close(ends[1]);
	expect_denied(_metadata, self, 3);
	EXPECT_EQ(0, end(self));
	EXPECT_LT(0, read(ends[0], text, sizeof(text)));
	EXPECT_FALSE(said(self, "lost"));
	close(ends[0]);
}

TEST_F(watch, a_reader_that_ends_ends_nothing)
{
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	begin(ends[1]);
	close(ends[1]);
	close(ends[0]);
	expect_denied(_metadata, self, 1);
	EXPECT_TRUE(says(self, "writing: Broken pipe"));
	expect_denied(_metadata, self, 2);
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 3\n"));
}

TEST_F(watch, a_full_disk_is_said)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, full);
	begin(full);
	close(full);
	expect_denied(_metadata, self, 3);
	EXPECT_TRUE(says(self, "writing: No space left on device"));
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 3\n"));
}

/* The policy's file grows to 4096 bytes and a word of a line; the errors don't get there. */
TEST_F(watch, a_limit_of_the_files_size_is_said)
{
	const struct rlimit page = { .rlim_cur = 4096, .rlim_max = RLIM_INFINITY };
	int out = open(OUT, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	ASSERT_LE(0, out);
	ASSERT_EQ(0, ftruncate(out, 4090));
	begin_limited(_metadata, self, out, &page, NULL);
	close(out);
	expect_denied(_metadata, self, 2);
	EXPECT_TRUE(says(self, "writing: File too large"));
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 2\n"));
}

/* What is written again begins with a line of its own. */
TEST_F(watch, a_disk_that_has_room_again)
{
	char filler[4096] = {}, text[8192];
	int out, fill;

	ASSERT_EQ(0, mount("krsi_test", DIR "/small", "tmpfs", 0, "size=8k"));
	out = open(OUT, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	fill = open(FILLER, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_LE(0, out);
	ASSERT_LE(0, fill);
	ASSERT_EQ(sizeof(filler), write(fill, filler, sizeof(filler)));
	/* A line is longer than what is left of the page. */
	memset(filler, 'x', sizeof(filler));
	ASSERT_EQ(sizeof(filler) - 10, write(out, filler, sizeof(filler) - 10));
	begin(out);
	expect_denied(_metadata, self, 1);
	EXPECT_TRUE(says(self, "No space left on device"));
	ASSERT_EQ(0, ftruncate(fill, 0));
	expect_denied(_metadata, self, 1);
	EXPECT_TRUE(says(self, "writing again"));
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 1\n"));
	ASSERT_LT(sizeof(filler), file_read(OUT, text, sizeof(text)));
	/* Ten bytes of a line that was lost, and then a whole one. */
	EXPECT_EQ('\n', text[sizeof(filler)]);
	EXPECT_NE(NULL, strstr(text + sizeof(filler) + 1, " seq=2 "));
	EXPECT_EQ('\n', text[strlen(text) - 1]);
	close(out);
	close(fill);
}

TEST_F(watch, a_closed_output_is_said)
{
	begin(-1);
	expect_denied(_metadata, self, 2);
	EXPECT_TRUE(says(self, "writing: Bad file descriptor"));
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 2\n"));
}

/* Fills a pipe that nobody reads from; its ends. */
static int full_pipe(int ends[2])
{
	char page[4096] = {};

	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[1], F_SETFL, O_NONBLOCK))
		return -errno;
	while (write(ends[1], page, sizeof(page)) > 0)
		;
	return fcntl(ends[1], F_SETFL, 0) ? -errno : 0;
}

TEST_F(watch, a_reader_that_stands_still_ends_nothing_and_keeps_nothing_from_ending)
{
	int ends[2];

	ASSERT_EQ(0, full_pipe(ends));
	begin(ends[1]);
	expect_denied(_metadata, self, 2);
	usleep(300000);
	expect_denied(_metadata, self, 1);
	EXPECT_EQ(1, end(self));
	EXPECT_TRUE(said(self, "lines lost: 3\n"));
	close(ends[0]);
	close(ends[1]);
}

TEST_F(watch, its_time_ends_though_a_reader_stands_still)
{
	int ends[2];

	ASSERT_EQ(0, full_pipe(ends));
	begin_limited(_metadata, self, ends[1], NULL, "5");
	expect_denied(_metadata, self, 1);
	EXPECT_EQ(1, status(self));
	EXPECT_TRUE(said(self, "lines lost: 1\n"));
	close(ends[0]);
	close(ends[1]);
}

static int step_clock(int seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += seconds;
	return clock_settime(CLOCK_REALTIME, &now) ? -errno : 0;
}

#define DAY 86400

static void expect_its_time(SELF, int step)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	unsigned long long began;

	begin_limited(_metadata, self, null, NULL, "5");
	began = now_ms();
	close(null);
	ASSERT_EQ(0, step_clock(step));
	usleep(1000000);
	EXPECT_EQ(1, policy_count(POLICY));
	EXPECT_EQ(0, status(self));
	EXPECT_EQ(0, step_clock(-step));
	EXPECT_LE(4000, now_ms() - began);
	EXPECT_GE(30000, now_ms() - began);
}

TEST_F(watch, its_time_is_not_over_when_the_clock_is_set_forward)
{
	expect_its_time(_metadata, self, DAY);
}

TEST_F(watch, its_time_is_over_though_the_clock_is_set_back)
{
	expect_its_time(_metadata, self, -DAY);
}

/* A command line that ends at once, with this status and these words; nothing is attached. */
static void expect_refused(SELF, int with, const char *text, const char *const *args)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	self->pid = start(null, NULL, args);
	close(null);
	EXPECT_EQ(with, status(self))
	{
		TH_LOG("%s %s", args[0], args[1] ?: "");
	}
	EXPECT_TRUE(said(self, text))
	{
		TH_LOG("%s %s: not '%s' but %s", args[0], args[1] ?: "", text, self->errors);
	}
	EXPECT_FALSE(said(self, "is attached"));
}

#define REFUSED(with, text, ...) \
	expect_refused(_metadata, self, with, text, (const char *const[]){ __VA_ARGS__, NULL })

#define UNLINK "exec_unlink.bpf.o"
#define ENV POLICY ".bpf.o"
#define MODULES "module_allow.bpf.o"
#define BINARY "binary_deny.bpf.o"

TEST_F(watch, a_program_that_can_not_be_what_runs_is_refused)
{
	ASSERT_EQ(0, file_make(DIR "/script", "#!/bin/sh\n", 0755));
	ASSERT_EQ(0, file_make(DIR "/text", "exit 0\n", 0755));
	ASSERT_EQ(0, file_make(DIR "/empty", "", 0755));
	ASSERT_EQ(0, file_copy(test_path("exit0"), DIR "/not_executable", 0644));
	ASSERT_EQ(0, file_copy(test_path(UNLINK), DIR "/object", 0755));
	ASSERT_EQ(0, symlink("script", DIR "/link_to_script"));
	REFUSED(1, "is a script: what a process runs", "-e", DIR "/script", UNLINK, "0");
	REFUSED(1, "is a script: what a process runs", "-e", "0@" DIR "/script", UNLINK, "0");
	REFUSED(1, "is a script: what a process runs", "-E", DIR "/link_to_script", UNLINK, "0");
	REFUSED(1, "is no ELF file", "-e", DIR "/text", UNLINK, "0");
	REFUSED(1, "is no ELF file", "-e", DIR "/empty", UNLINK, "0");
	REFUSED(1, "may be executed by nobody", "-e", DIR "/not_executable", UNLINK, "0");
	REFUSED(1, "but no program", "-e", DIR "/object", UNLINK, "0");
	REFUSED(1, "is no program", "-e", DIR, UNLINK, "0");
	REFUSED(1, "No such file", "-E", DIR "/nothing", UNLINK, "0");
	REFUSED(1, "is no directory", "-p", DIR "/text", UNLINK, "0");
	REFUSED(1, "No such file", "-p", DIR "/nothing", UNLINK, "0");
	REFUSED(1, "-p takes 8", "-p", DIR, "-p", DIR, "-p", DIR, "-p", DIR, "-p", DIR, "-p", DIR,
		"-p", DIR, "-p", DIR, "-p", DIR, UNLINK, "0");
}

TEST_F(watch, a_library_that_can_not_be_preloaded_so_is_refused)
{
	char longer[129] = {};

	memset(longer, 'l', 128);
	REFUSED(1, "no single library", "-L", "", ENV, "0");
	REFUSED(1, "no single library", "-L", "a.so b.so", ENV, "0");
	REFUSED(1, "no single library", "-L", "a.so:", ENV, "0");
	REFUSED(1, "no single library", "-L", "a.so\tb.so", ENV, "0");
	REFUSED(1, "too long", "-L", longer, ENV, "0");
	REFUSED(1, "has a $", "-L", "/usr/$LIB/a.so", ENV, "0");
	REFUSED(1, "happens to be", "-L", "./a.so", ENV, "0");
	REFUSED(1, "No such file", "-L", DIR "/nothing.so", ENV, "0");
	REFUSED(1, "is no file", "-L", DIR, ENV, "0");
	REFUSED(1, "no map allowed_preload", "-L", "a.so", UNLINK, "0");
}

TEST_F(watch, a_copy_in_memory_that_can_not_be_named_so_is_refused)
{
	REFUSED(1, "no SHA-256", "-c", "00", UNLINK, "0");
	REFUSED(1, "no map allowed_memfd", "-c",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ENV, "0");
}

TEST_F(watch, a_list_that_is_read_as_empty_is_refused)
{
	int fifo;

	ASSERT_EQ(0, file_make(DIR "/empty", "", 0644));
	ASSERT_EQ(0, file_make(DIR "/wrong", "module\n", 0644));
	ASSERT_EQ(0, mkfifo(DIR "/fifo", 0644));
	fifo = open(DIR "/fifo", O_RDWR | O_CLOEXEC);
	REFUSED(1, "is no file", "-m", DIR, MODULES, "0");
	REFUSED(1, "is no file", "-m", DIR "/fifo", MODULES, "0");
	REFUSED(1, "is no file", "-m", "/dev/null", MODULES, "0");
	REFUSED(1, "names no module", "-m", DIR "/empty", MODULES, "0");
	REFUSED(1, "line 1", "-m", DIR "/wrong", MODULES, "0");
	close(fifo);
}

TEST_F(watch, a_file_without_a_build_id_is_refused)
{
	ASSERT_EQ(0, file_make(DIR "/script", "#!/bin/sh\n", 0755));
	ASSERT_EQ(0, mkfifo(DIR "/fifo", 0644));
	REFUSED(1, "has no build id", "-b", DIR "/script", BINARY, "0");
	REFUSED(1, "Illegal seek", "-b", DIR "/fifo", BINARY, "0");
	REFUSED(1, "Is a directory", "-b", DIR, BINARY, "0");
	REFUSED(1, "No such file", "-b", DIR "/nothing", BINARY, "0");
	REFUSED(1, "no map denied_build_id", "-b", test_path("exit0"), UNLINK, "0");
}

TEST_F(watch, a_file_is_denied_by_the_build_id_of_another)
{
	const char *const args[] = { "-b", DIR "/listed", BINARY, NULL };
	struct run how = { .path = DIR "/longer" };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	FILE *longer;

	ASSERT_EQ(0, file_copy(test_path("exit0"), DIR "/listed", 0755));
	ASSERT_EQ(0, file_copy(test_path("exit0"), DIR "/longer", 0755));
	longer = fopen(DIR "/longer", "ae");
	ASSERT_NE(NULL, longer);
	fputs("more", longer);
	fclose(longer);
	EXPECT_EQ(0, run(&how));
	self->pid = start(null, NULL, args);
	close(null);
	ASSERT_TRUE(says(self, "is attached"));
	EXPECT_EQ(-EPERM, run(&how));
	EXPECT_EQ(0, end(self));
	EXPECT_EQ(0, run(&how));
}

TEST_F(watch, what_is_no_time_and_what_follows_it_is_refused)
{
	REFUSED(2, UNLINK " is no number", ENV, UNLINK);
	REFUSED(2, "10m is no number", ENV, "10m");
	REFUSED(2, "-1 is no number", ENV, "--", "-1");
	REFUSED(2, " is no number", ENV, "");
	REFUSED(2, "99999999999 is no number", ENV, "99999999999");
	REFUSED(2, "usage", ENV, "0", UNLINK);
}

/* What leads to a program, a directory or a library serves as well. */
TEST_F(watch, links_are_followed)
{
	const char *const args[] = { "-e", DIR "/program", "-E", DIR "/program", "-p", DIR "/dir",
				     UNLINK, "0", NULL };
	const char *const preload[] = { "-L", DIR "/lib.so", "-L", "libfakeroot-sysv.so", ENV, "0",
					NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ASSERT_EQ(0, symlink("/usr/bin/true", DIR "/program"));
	ASSERT_EQ(0, symlink("/usr/bin", DIR "/dir"));
	ASSERT_EQ(0, symlink("/usr/libexec/coreutils/libstdbuf.so", DIR "/lib.so"));
	self->pid = start(null, NULL, args);
	EXPECT_EQ(0, status(self));
	EXPECT_TRUE(said(self, "is attached"));
	self->pid = start(null, NULL, preload);
	EXPECT_EQ(0, status(self));
	EXPECT_TRUE(said(self, "is attached"));
	close(null);
}

/* Runs a program in this directory and removes it, as who leaves no file behind. */
static int run_and_remove(const char *dir)
{
	return chdir(dir) || file_copy(test_path("exit0"), "program", 0755) ||
	       run(&(struct run){ .path = "program" }) || unlink("program") || chdir("/");
}

TEST_F(watch, a_link_to_a_directory_exempts_what_lies_in_it)
{
	const char *const args[] = { "-p", "/usr/bin", "-p", DIR "/link", UNLINK, NULL };
	char text[4096];
	int out;

	ASSERT_EQ(0, mkdir(DIR "/exempt", 0755));
	ASSERT_EQ(0, symlink("exempt", DIR "/link"));
	out = open(DIR "/out", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	self->pid = start(out, NULL, args);
	ASSERT_TRUE(says(self, "is attached"));
	EXPECT_EQ(0, run_and_remove(DIR "/exempt"));
	EXPECT_EQ(0, run_and_remove(DIR "/small"));
	EXPECT_EQ(0, end(self));
	close(out);
	ASSERT_LT(0, file_read(DIR "/out", text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, " seq=1 signal=executed_then_deleted "));
	EXPECT_NE(NULL, strstr(text, " path=" DIR "/small/program "));
	EXPECT_EQ(NULL, strstr(text, " seq=2 "));
	EXPECT_EQ(NULL, strstr(text, "/exempt/"));
}

TEST_F(watch, an_object_is_attached_whole_or_not_at_all)
{
	log_mark();
	REFUSED(1, "attaching halves_second", "halves.bpf.o");
	EXPECT_TRUE(log_has("policy halves_second refused: unknown flags"));
	EXPECT_TRUE(policy_gone(NULL));
}

TEST_HARNESS_MAIN
