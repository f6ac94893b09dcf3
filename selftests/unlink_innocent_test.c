// SPDX-License-Identifier: GPL-2.0
/*
 * Proves which facts tell innocent removals of executables from those of
 * attackers, and which look-alikes no fact tells apart.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#define SCRIPT DIR "/script"
#define NEW PROGRAM ".dpkg-new"
#define TMP PROGRAM ".dpkg-tmp"

FIXTURE(innocent)
{
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(innocent)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(PROGRAM, NEW, 0755));
	ASSERT_EQ(0, file_make(SCRIPT, "#!/usr/bin/sh\n" PROGRAM " ready wait\ntrue\n", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(innocent)
{
	watch_end(&self->watch);
}

/* The name leads to another file, from the first removal on. */
static void expect_upgrade(struct __test_metadata *_metadata, struct watch *watch, __u32 whose)
{
	EXPECT_EQ(4, watch->seen->n);
	EXPECT_REMOVAL(watch, 0, PROGRAM, .how = KRSI_UNLINK_RENAME_OVER, .links_left = 1,
		       .whose = whose, .name_now = KRSI_NAME_OTHER);
	EXPECT_REMOVAL(watch, 1, TMP, .whose = whose, .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
}

TEST_F(innocent, upgrade_of_a_daemon_that_runs)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, UPGRADE(PROGRAM)));
	expect_upgrade(_metadata, &self->watch, KRSI_WHOSE_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(innocent, upgrade_of_what_started_the_upgrade)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "fork", "exec", TOOL, UPGRADE(PROGRAM)));
	expect_upgrade(_metadata, &self->watch, KRSI_WHOSE_ANCESTOR);
}

TEST_F(innocent, upgrade_of_the_upgrading_program_itself)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, UPGRADE(PROGRAM)));
	expect_upgrade(_metadata, &self->watch, KRSI_WHOSE_OWN);
}

TEST_F(innocent, upgrade_of_what_ran_and_has_ended)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, UPGRADE(PROGRAM)));
	expect_upgrade(_metadata, &self->watch, 0);
}

/* It unlinks first and then makes the new file: at that time the name leads nowhere. */
TEST_F(innocent, install_over_a_program_that_runs)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, "/usr/bin/install", "-m755", NEW, PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .whose = KRSI_WHOSE_OTHER, .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(innocent, save_of_a_script_that_runs)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, SCRIPT));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, "/usr/bin/sed", "-i", "s/true/exit 0/", SCRIPT));
	EXPECT_ONLY(&self->watch, SCRIPT, .how = KRSI_UNLINK_RENAME_OVER,
		    .whose = KRSI_WHOSE_OTHER, .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(innocent, save_with_a_backup_of_a_script_that_runs)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, SCRIPT));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "rename", SCRIPT, SCRIPT "~", "rename", NEW, SCRIPT,
			 "unlink", SCRIPT "~"));
	EXPECT_ONLY(&self->watch, SCRIPT "~", .whose = KRSI_WHOSE_OTHER,
		    .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

/* As pip, npm and git do before they put the new one there. */
TEST_F(innocent, upgrade_that_moves_the_old_file_aside)
{
	ASSERT_EQ(0, mkdir(DIR "/aside", 0755));
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "rename", PROGRAM, DIR "/aside/program",
			 "rename", NEW, PROGRAM, "unlink", DIR "/aside/program"));
	EXPECT_ONLY(&self->watch, DIR "/aside/program", .whose = KRSI_WHOSE_OTHER,
		    .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

/* As installers do. */
TEST_F(innocent, upgrade_that_changes_the_whole_directory)
{
	ASSERT_EQ(0, mkdir(DIR "/app", 0755));
	ASSERT_EQ(0, mkdir(DIR "/app.new", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/app/run", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/app.new/run", 0755));
	ASSERT_EQ(0, START(&self->running, &self->watch, DIR "/app/run", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "rename", DIR "/app", DIR "/app.old",
			 "rename", DIR "/app.new", DIR "/app", "unlink", DIR "/app.old/run"));
	EXPECT_ONLY(&self->watch, DIR "/app.old/run", .whose = KRSI_WHOSE_OTHER,
		    .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, running_end(&self->running));
}

/* Of a directory that went elsewhere nothing stands in the old place. */
TEST_F(innocent, removal_in_a_directory_that_was_moved_is_one)
{
	ASSERT_EQ(0, mkdir(DIR "/app", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/app/run", 0755));
	ASSERT_EQ(0, RUN(&self->watch, DIR "/app/run", "rename", DIR "/app", DIR "/elsewhere",
			 "unlink", DIR "/elsewhere/run"));
	EXPECT_ONLY(&self->watch, DIR "/elsewhere/run", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

/* Two names of one file, as conda, ostree and cp -al make them: both were executed. */
TEST_F(innocent, removal_of_the_name_that_nobody_was_started_by)
{
	ASSERT_EQ(0, link(PROGRAM, DIR "/link"));
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, DIR "/link"));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "unlink", DIR "/link"));
	EXPECT_ONLY(&self->watch, DIR "/link", .whose = KRSI_WHOSE_OTHER, .links_left = 1,
		    .name_now = KRSI_NAME_SAME);
	EXPECT_EQ(0, running_end(&self->running));
}

/* The other way round: that it was executed by another name last doesn't matter. */
TEST_F(innocent, removal_of_the_name_that_who_runs_it_was_started_by)
{
	ASSERT_EQ(0, link(PROGRAM, DIR "/link"));
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, RUN(&self->watch, DIR "/link"));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "unlink", PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .whose = KRSI_WHOSE_OTHER, .links_left = 1,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

TEST_F(innocent, build_that_makes_its_output_anew)
{
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, file_copy(NEW, DIR "/output", 0755));
		ASSERT_EQ(0, RUN(&self->watch, DIR "/output"));
		ASSERT_EQ(0, unlink(DIR "/output"));
		EXPECT_REMOVAL(&self->watch, i, DIR "/output", .name_now = KRSI_NAME_GONE);
	}
	EXPECT_EQ(6, self->watch.seen->n);
}

TEST_F(innocent, build_that_writes_its_output_anew_in_its_place)
{
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM));
	usleep(50000);
	ASSERT_EQ(0, file_copy(DIR "/exit0", PROGRAM, 0755));
	EXPECT_QUIET(&self->watch);
	ASSERT_EQ(0, unlink(PROGRAM));
	EXPECT_ONLY(&self->watch, PROGRAM, .flags = KRSI_WRITTEN_SINCE,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(innocent, rotation_of_logs_is_of_no_executables)
{
	ASSERT_EQ(0, file_make(DIR "/log", "new\n", 0644));
	ASSERT_EQ(0, file_make(DIR "/log.1", "old\n", 0644));
	ASSERT_EQ(0, file_make(DIR "/log.2", "older\n", 0644));
	ASSERT_EQ(0, RUN(&self->watch, TOOL, "rename", DIR "/log.1", DIR "/log.2",
			 "rename", DIR "/log", DIR "/log.1", "unlink", DIR "/log.2"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, DIR "/log.2", .how = KRSI_UNLINK_RENAME_OVER);
	EXPECT_FILE_REMOVAL(&self->watch, 1, DIR "/log.2");
	EXPECT_EQ(2, self->watch.seen->n);
}

TEST_F(innocent, removal_of_a_tree_of_programs_that_never_ran)
{
	ASSERT_EQ(0, mkdir(DIR "/tree", 0755));
	ASSERT_EQ(0, mkdir(DIR "/tree/sub", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/tree/one", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/tree/sub/two", 0755));
	ASSERT_EQ(0, file_make(DIR "/tree/three.o", "object\n", 0644));
	ASSERT_EQ(0, RUN(&self->watch, RM, "-r", DIR "/tree"));
	EXPECT_EQ(3, seen(&self->watch, UNLINKS_FILE));
	EXPECT_EQ(3, self->watch.seen->n);
	EXPECT_NE(0, access(DIR "/tree", F_OK));
}

/* A container runtime hides itself from its container: there is no removal. */
TEST_F(innocent, runtime_that_executes_a_copy_of_itself_in_memory)
{
	static const char name[] = "/memfd:runc_cloned:/proc/self/exe (deleted)";
	char *argv[] = { "runc", "clone", NULL };
	struct observer *observer;
	struct policy policy;
	struct run how;

	ASSERT_EQ(0, policy_start(&policy, "observer.bpf.o", "observer_no_sleep"));
	observer = policy.data;
	how = observed(observer, PROGRAM);
	how.argv = argv;
	ASSERT_EQ(0, run(&how));
	EXPECT_ROUND(observer, 0, PROGRAM, KRSI_EXEC_WRITABLE);
	EXPECT_TRUE(is_round(observer, 2, 0, name, KRSI_EXEC_MEMFD | KRSI_EXEC_UNLINKED));
	EXPECT_EXECUTED(observer, 3, name);
	EXPECT_EQ(4, observer->n);
	EXPECT_QUIET(&self->watch);
	policy_close(&policy);
}

/* All facts of a removal but whose file it is, and when. */
static bool same_facts(const struct unlinked *one, const struct unlinked *other)
{
	return one->how == other->how && one->flags == other->flags &&
	       one->links_left == other->links_left && one->whose == other->whose &&
	       one->name_now == other->name_now;
}

static void expect_dropper(struct __test_metadata *_metadata, struct watch *watch, char *innocent,
			   const char *path)
{
	const struct unlinked *dropper, *look_alike;

	ASSERT_EQ(0, RUN(watch, "/usr/bin/sh", "-c", "cp " NEW " " DIR "/dropped && " DIR
			 "/dropped && rm " DIR "/dropped; true"));
	ASSERT_EQ(0, RUN(watch, "/usr/bin/sh", "-c", innocent));
	EXPECT_EQ(4, watch->seen->n);
	EXPECT_REMOVAL(watch, 0, DIR "/dropped", .name_now = KRSI_NAME_GONE);
	dropper = seen_nth(watch, UNLINKS_EXECUTABLE, 0);
	look_alike = seen_nth(watch, UNLINKS_EXECUTABLE, 1);
	EXPECT_TRUE(same_facts(dropper, look_alike));
	EXPECT_STREQ(path, look_alike->path);
}

/* No fact but the path, or the parent, tells these from a dropper. */
TEST_F(innocent, configure_test_looks_like_a_dropper)
{
	expect_dropper(_metadata, &self->watch, "cp " NEW " " DIR "/conftest && " DIR
		       "/conftest; rm -f " DIR "/conftest; true", DIR "/conftest");
}

TEST_F(innocent, go_run_looks_like_a_dropper)
{
	expect_dropper(_metadata, &self->watch, "mkdir -p " DIR "/go-build1/exe && cp " NEW " " DIR
		       "/go-build1/exe/main && " DIR "/go-build1/exe/main; rm -r " DIR
		       "/go-build1; true", DIR "/go-build1/exe/main");
}

TEST_F(innocent, removal_of_a_tree_of_programs_that_ran_looks_like_a_dropper)
{
	expect_dropper(_metadata, &self->watch, "mkdir " DIR "/tree && cp " NEW " " DIR
		       "/tree/generator && " DIR "/tree/generator; rm -r " DIR "/tree; true",
		       DIR "/tree/generator");
}

TEST_HARNESS_MAIN
