// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that removals are seen of what is executed without being the
 * executable of a process: scripts, files that binfmt_misc or a program loader
 * runs, and files that never had a name when they were executed.
 */

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#define SCRIPT DIR "/script"
#define SH "/usr/bin/sh"
/* The last command of a shell may take its place. */
#define REMOVE_IT RM " \"$0\"\ntrue\n"

FIXTURE(script)
{
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(script)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(script)
{
	watch_end(&self->watch);
}

static void removes_itself(struct __test_metadata *_metadata, struct watch *watch,
			   const char *text, __u32 whose)
{
	struct stat st;

	ASSERT_EQ(0, file_make(SCRIPT, text, 0755));
	ASSERT_EQ(0, stat(SCRIPT, &st));
	ASSERT_EQ(0, RUN(watch, SCRIPT));
	EXPECT_ONLY(watch, SCRIPT, .whose = whose, .name_now = KRSI_NAME_GONE);
	EXPECT_TRUE(same_file(&watch->seen->event[0].file, &st));
	EXPECT_NE(0, access(SCRIPT, F_OK));
}

TEST_F(script, removed_by_its_interpreter)
{
	removes_itself(_metadata, &self->watch, "#!" PROGRAM " unlink\n", KRSI_WHOSE_OWN);
	EXPECT_EQ(self->watch.seen->tgid, self->watch.seen->event[0].task.tgid);
}

TEST_F(script, removed_by_rm_that_it_starts)
{
	removes_itself(_metadata, &self->watch, "#!" SH "\n" REMOVE_IT, KRSI_WHOSE_ANCESTOR);
}

TEST_F(script, removed_by_rm_that_it_becomes)
{
	removes_itself(_metadata, &self->watch, "#!" SH "\nexec " RM " \"$0\"\n", 0);
}

/* env executes the shell anew, so that its process no longer runs the script. */
TEST_F(script, that_env_runs_is_nobodys)
{
	removes_itself(_metadata, &self->watch, "#!/usr/bin/env -S sh -e\n" REMOVE_IT, 0);
}

TEST_F(script, that_another_script_interprets)
{
	ASSERT_EQ(0, file_make(DIR "/other", "#!" SH "\n" RM " $1\n" REMOVE_IT, 0755));
	ASSERT_EQ(0, file_make(SCRIPT, "#!" DIR "/other\n", 0755));
	ASSERT_EQ(0, RUN(&self->watch, SCRIPT));
	EXPECT_REMOVAL(&self->watch, 0, SCRIPT, .whose = KRSI_WHOSE_ANCESTOR,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, DIR "/other", .whose = KRSI_WHOSE_ANCESTOR,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(4, self->watch.seen->n);
}

/* As many as there can be. */
TEST_F(script, in_a_chain_of_scripts)
{
	char path[64], text[64];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), SCRIPT "%d", i);
		snprintf(text, sizeof(text), "#!" SCRIPT "%d\n", i + 1);
		ASSERT_EQ(0, file_make(path, text, 0755));
	}
	ASSERT_EQ(0, file_make(SCRIPT "4", "#!" SH "\n" RM " \"$0\" \"$@\"\ntrue\n", 0755));
	ASSERT_EQ(0, RUN(&self->watch, SCRIPT "0"));
	EXPECT_EQ(10, self->watch.seen->n);
	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), SCRIPT "%d", 4 - i);
		EXPECT_REMOVAL(&self->watch, i, path, .whose = KRSI_WHOSE_ANCESTOR,
			       .name_now = KRSI_NAME_GONE);
	}
}

TEST_F(script, whose_interpreter_is_removed)
{
	ASSERT_EQ(0, file_copy(SH, DIR "/sh", 0755));
	ASSERT_EQ(0, file_make(SCRIPT, "#!" DIR "/sh\n" RM " " DIR "/sh\ntrue\n", 0755));
	ASSERT_EQ(0, RUN(&self->watch, SCRIPT));
	EXPECT_ONLY(&self->watch, DIR "/sh", .whose = KRSI_WHOSE_ANCESTOR,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(script, removed_while_it_runs_and_after)
{
	ASSERT_EQ(0, file_make(SCRIPT, "#!" SH "\n" PROGRAM " ready wait\ntrue\n", 0755));
	ASSERT_EQ(0, link(SCRIPT, DIR "/link"));
	ASSERT_EQ(0, START(&self->running, &self->watch, SCRIPT));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, unlink(DIR "/link"));
	ASSERT_EQ(0, running_end(&self->running));
	ASSERT_EQ(0, unlink(SCRIPT));
	EXPECT_REMOVAL(&self->watch, 0, DIR "/link", .links_left = 1,
		       .whose = KRSI_WHOSE_DESCENDANT, .name_now = KRSI_NAME_SAME);
	EXPECT_REMOVAL(&self->watch, 1, SCRIPT, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(4, self->watch.seen->n);
}

/* To a shell that is given its name it is a file that is read. */
TEST_F(script, that_was_not_executed_is_no_executable)
{
	ASSERT_EQ(0, file_make(SCRIPT, REMOVE_IT, 0755));
	ASSERT_EQ(0, RUN(&self->watch, SH, SCRIPT));
	EXPECT_FILE_REMOVAL(&self->watch, 0, SCRIPT);
	EXPECT_EQ(1, self->watch.seen->n);
}

#define MISC "/proc/sys/fs/binfmt_misc"

TEST_F(script, that_binfmt_misc_gives_to_an_interpreter)
{
	if (access(MISC "/register", F_OK))
		ASSERT_EQ(0, mount("binfmt_misc", MISC, "binfmt_misc", 0, NULL));
	ASSERT_LT(0, file_write(MISC "/register", ":krsi_unlink:M::KRSIFOREIGN::" SH ":"));
	removes_itself(_metadata, &self->watch, "KRSIFOREIGN=1\n" REMOVE_IT, KRSI_WHOSE_ANCESTOR);
	file_write(MISC "/krsi_unlink", "-1");
}

#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define DYNAMIC DIR "/dynamic"

FIXTURE(loaded)
{
	struct watch watch;
};

FIXTURE_SETUP(loaded)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("unlinker_dynamic"), DYNAMIC, 0755));
	ASSERT_EQ(0, file_copy(LOADER, DIR "/loader", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(loaded)
{
	watch_end(&self->watch);
}

TEST_F(loaded, program_removes_itself)
{
	ASSERT_EQ(0, RUN(&self->watch, DYNAMIC, "self"));
	EXPECT_ONLY(&self->watch, DYNAMIC, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(loaded, program_started_by_its_loader_removes_itself)
{
	ASSERT_EQ(0, RUN(&self->watch, LOADER, DYNAMIC, "unlink", DYNAMIC));
	EXPECT_ONLY(&self->watch, DYNAMIC, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(loaded, program_started_by_a_loader_removes_both)
{
	ASSERT_EQ(0, RUN(&self->watch, DIR "/loader", DYNAMIC, "fork", "unlink", DYNAMIC, "self"));
	EXPECT_REMOVAL(&self->watch, 0, DYNAMIC, .whose = KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR,
		       .name_now = KRSI_NAME_GONE);
	EXPECT_REMOVAL(&self->watch, 1, DIR "/loader",
		       .whose = KRSI_WHOSE_OWN | KRSI_WHOSE_ANCESTOR, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(4, self->watch.seen->n);
}

TEST_F(loaded, program_started_by_its_loader_is_known_after_it_has_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, LOADER, DYNAMIC));
	ASSERT_EQ(0, unlink(DYNAMIC));
	EXPECT_ONLY(&self->watch, DYNAMIC, .name_now = KRSI_NAME_GONE);
}

/* What the kernel loads for a program is not a program that runs. */
TEST_F(loaded, loader_that_a_program_asks_for_is_not_executed)
{
	ASSERT_EQ(0, RUN(&self->watch, DYNAMIC, "unlink", DIR "/loader"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, DIR "/loader");
	EXPECT_EQ(1, self->watch.seen->n);
}

FIXTURE(nameless)
{
	struct watch watch;
	struct policy policy;
	struct observer *observer;
};

FIXTURE_SETUP(nameless)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_no_sleep"));
	self->observer = self->policy.data;
}

FIXTURE_TEARDOWN(nameless)
{
	policy_close(&self->policy);
	watch_end(&self->watch);
}

TEST_F(nameless, file_is_executed_then_gets_a_name_and_loses_it)
{
	int fd = open(DIR, O_TMPFILE | O_RDWR, 0755), ro;
	char path[64], shown[64], *argv[] = { "tmpfile", NULL };
	struct run how = observed(self->observer, "");
	struct stat st;

	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, file_copy(test_path("exit0"), path, 0755));
	ro = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	ASSERT_EQ(0, fstat(ro, &st));
	how.at = true;
	how.dirfd = ro;
	how.flags = AT_EMPTY_PATH;
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	snprintf(shown, sizeof(shown), DIR "/#%lu (deleted)", st.st_ino);
	EXPECT_ROUND(self->observer, 0, shown, KRSI_EXEC_UNLINKED | KRSI_EXEC_WRITABLE);
	EXPECT_EQ(2, self->observer->n);
	EXPECT_QUIET(&self->watch);

	ASSERT_EQ(0, linkat(ro, "", AT_FDCWD, DIR "/named", AT_EMPTY_PATH));
	ASSERT_EQ(0, unlink(DIR "/named"));
	EXPECT_ONLY(&self->watch, DIR "/named", .name_now = KRSI_NAME_UNKNOWN);
	close(ro);
}

TEST_F(nameless, file_is_removed_before_it_is_executed)
{
	char *argv[] = { "gone", NULL };
	struct run how = observed(self->observer, "");

	how.at = true;
	how.dirfd = open(DIR "/exit0", O_RDONLY | O_CLOEXEC);
	how.flags = AT_EMPTY_PATH;
	how.argv = argv;
	ASSERT_EQ(0, unlink(DIR "/exit0"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, DIR "/exit0");
	EXPECT_EQ(1, self->watch.seen->n);
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(self->observer, 0, DIR "/exit0 (deleted)", KRSI_EXEC_UNLINKED);
	/* Both ends are of one file. */
	EXPECT_EQ(0, memcmp(&self->observer->event[0].file, &self->watch.seen->event[0].file,
			    sizeof(struct krsi_file_id)));
	close(how.dirfd);
}

TEST_HARNESS_MAIN
