// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what the shipped policy exec_unlink reports of programs that leave no
 * file behind, and what it refuses; that exemptions silence it, by path, by
 * program and by parent; and that it is silent about innocents.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "digest.h"
#include "shipped.h"
#include "unlinking.h"

KEEP_POLICIES("exec_unlink.bpf.o", "exec_unlink")

#define NEW PROGRAM ".dpkg-new"
#define NAMELESS DIR "/nameless"
#define SELF_REMOVING DIR "/self_removing"
#define SCRIPT DIR "/script"
#define CONFTEST DIR "/conftest"
#define SH "/usr/bin/sh"

FIXTURE(signal)
{
	struct shipped shipped;
};

/* Does what is to be reported; the errno that it ends with. */
static int own(void)
{
	return RUN(NULL, PROGRAM, "self");
}

/* Calls @remove while a child of this process runs the program. */
static int while_it_runs(int (*remove)(void))
{
	struct running running;
	int ret;

	if (START(&running, NULL, PROGRAM, "ready", "wait") || !running_ready(&running))
		return ECHILD;
	ret = remove();
	return running_end(&running) ?: ret;
}

static int unlink_here(void)
{
	return unlink(PROGRAM) ? errno : 0;
}

static int unlink_by_tool(void)
{
	return RUN(NULL, TOOL, "unlink", PROGRAM);
}

static int descendant(void)
{
	return while_it_runs(unlink_here);
}

static int ancestor(void)
{
	return RUN(NULL, PROGRAM, "fork", "exec", TOOL, "unlink", PROGRAM);
}

static int other(void)
{
	return while_it_runs(unlink_by_tool);
}

static int ended(void)
{
	return RUN(NULL, PROGRAM) ?: unlink_by_tool();
}

static int replaced(void)
{
	return RUN(NULL, PROGRAM, "rename", NEW, PROGRAM);
}

static int in_memory(void)
{
	return RUN(NULL, PROGRAM, "clone");
}

static int unlinked(void)
{
	struct run how = { .path = "", .at = true, .flags = AT_EMPTY_PATH };
	int ret;

	how.dirfd = open(NAMELESS, O_RDONLY | O_CLOEXEC);
	if (how.dirfd < 0 || unlink(NAMELESS))
		return errno;
	ret = run(&how);
	close(how.dirfd);
	return ret < 0 ? -ret : ret;
}

/* As pip does when it upgrades itself across filesystems. */
static int own_script(void)
{
	return RUN(NULL, SELF_REMOVING);
}

/* What is held open is executed after another file took its name. */
static int outdated(void)
{
	struct run how = { .path = "", .at = true, .flags = AT_EMPTY_PATH };
	int ret;

	how.dirfd = open(NAMELESS, O_RDONLY | O_CLOEXEC);
	if (how.dirfd < 0 || rename(NEW, NAMELESS))
		return errno;
	ret = run(&how);
	close(how.dirfd);
	return ret < 0 ? -ret : ret;
}

/* The file alone is mounted, as into a container, and its directory is replaced. */
static int mounted(void)
{
	struct run how = { .path = CONFTEST };

	if (mknod(CONFTEST, S_IFREG | 0644, 0) || mount(NAMELESS, CONFTEST, NULL, MS_BIND, NULL) ||
	    unlink(NAMELESS))
		return errno;
	return abs(run(&how));
}

static int mount_it(void *arg)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	       mount(NAMELESS, CONFTEST, NULL, MS_BIND, NULL) || unlink(NAMELESS);
}

/* The same by whom nobody has allowed to mount. */
static int mounted_by_a_user(void)
{
	struct run how = { .path = CONFTEST, .before = mount_it };

	return mknod(CONFTEST, S_IFREG | 0644, 0) ? errno : abs(run(&how));
}

FIXTURE_VARIANT(signal)
{
	int (*act)(void);
	const char *signal, *value, *path;
	int error; /* in enforce mode */
	const char *who; /* file beside the test program; NULL: PROGRAM */
};

#define TEST_ITSELF "policy_unlink_test"
#define MEMFD "/memfd:runc_cloned:/proc/self/exe (deleted)"
#define EXECUTED "executed_then_deleted"
#define DELETED "deleted_then_executed"
#define REPLACED "replaced_then_executed"

#define VARIANT(name, ...) \
	FIXTURE_VARIANT_ADD(signal, name) { name, __VA_ARGS__ }

/* clang-format off */
VARIANT(own, EXECUTED, "own", PROGRAM, EPERM);
VARIANT(own_script, EXECUTED, "own_script", SELF_REMOVING, 0, "unlinker");
VARIANT(descendant, EXECUTED, "descendant", PROGRAM, EPERM, TEST_ITSELF);
VARIANT(ancestor, EXECUTED, "ancestor", PROGRAM, 0, "unlinker");
VARIANT(other, EXECUTED, "other", PROGRAM, 0, "unlinker");
VARIANT(ended, EXECUTED, "ended", PROGRAM, 0, "unlinker");
VARIANT(replaced, "executable_replaced", "own", PROGRAM, 0);
VARIANT(in_memory, DELETED, "memfd", MEMFD, EPERM);
VARIANT(unlinked, DELETED, "unlinked", NAMELESS " (deleted)", EPERM, TEST_ITSELF);
VARIANT(outdated, REPLACED, "other", NAMELESS " (deleted)", 0, TEST_ITSELF);
VARIANT(mounted, REPLACED, "mounted", CONFTEST " (deleted)", 0, TEST_ITSELF);
VARIANT(mounted_by_a_user, DELETED, "unlinked", CONFTEST " (deleted)", EPERM, TEST_ITSELF);
/* clang-format on */

FIXTURE_SETUP(signal)
{
	char script[128];

	ASSERT_EQ(0, unlinks_dir());
	snprintf(script, sizeof(script), "#!%s unlink\n", TOOL);
	ASSERT_EQ(0, file_make(SELF_REMOVING, script, 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, NEW, 0755));
	ASSERT_EQ(0, file_copy(DIR "/exit0", NAMELESS, 0755));
}

FIXTURE_TEARDOWN(signal)
{
	shipped_end(&self->shipped);
}

TEST_F(signal, is_reported_and_goes_on_in_audit_mode)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "audit"));
	EXPECT_EQ(0, variant->act());
	EXPECT_REPORT(&self->shipped, 0, variant->signal, variant->path, variant->value);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* Also where others are exempt. */
TEST_F(signal, is_reported_and_refused_if_so_in_enforce_mode)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	ASSERT_EQ(0, mkdir(DIR "/other", 0755));
	ASSERT_EQ(0, shipped_exempt_dir(&self->shipped, DIR "/other"));
	ASSERT_EQ(0, shipped_exempt_program(&self->shipped, DIR "/exit0"));
	EXPECT_EQ(variant->error, variant->act());
	EXPECT_REPORT(&self->shipped, 0, variant->signal, variant->path, variant->value);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* What lies in memory alone lies below no directory. */
TEST_F(signal, is_none_where_the_directory_is_exempt)
{
	bool is_below = strncmp(variant->path, "/memfd", 6);

	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	ASSERT_EQ(0, shipped_exempt_dir(&self->shipped, DIR));
	EXPECT_EQ(is_below ? 0 : variant->error, variant->act());
	EXPECT_EQ(is_below ? 0 : 1, shipped_reports(&self->shipped));
}

TEST_F(signal, is_none_where_who_does_it_is_exempt)
{
	const char *who = variant->who ? test_path(variant->who) : PROGRAM;

	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
	ASSERT_EQ(0, shipped_exempt_program(&self->shipped, who));
	EXPECT_EQ(0, variant->act());
	EXPECT_NO_REPORT(&self->shipped);
}

FIXTURE(innocent)
{
	struct shipped shipped;
	struct running running;
};

FIXTURE_SETUP(innocent)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(PROGRAM, NEW, 0755));
	ASSERT_EQ(0, file_make(SCRIPT, "#!/usr/bin/sh\n" PROGRAM " ready wait\ntrue\n", 0755));
	ASSERT_EQ(0, shipped_start(&self->shipped, "exec_unlink", "enforce"));
}

FIXTURE_TEARDOWN(innocent)
{
	shipped_end(&self->shipped);
}

/* Runs a program while a file is executed; it must succeed, and not be reported. */
#define EXPECT_SILENT(file, ...) \
	do { \
		ASSERT_EQ(0, START(&self->running, NULL, file, "ready", "wait")); \
		ASSERT_TRUE(running_ready(&self->running)); \
		EXPECT_EQ(0, RUN(NULL, __VA_ARGS__)); \
		EXPECT_EQ(0, running_end(&self->running)); \
		EXPECT_NO_REPORT(&self->shipped); \
	} while (0)

TEST_F(innocent, upgrade_of_a_daemon_that_runs_is_silent)
{
	EXPECT_SILENT(PROGRAM, TOOL, UPGRADE(PROGRAM));
}

TEST_F(innocent, upgrade_of_what_started_it_is_silent)
{
	EXPECT_EQ(0, RUN(NULL, PROGRAM, "fork", "exec", TOOL, UPGRADE(PROGRAM)));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(innocent, upgrade_of_what_ran_and_has_ended_is_silent)
{
	EXPECT_EQ(0, RUN(NULL, PROGRAM));
	EXPECT_EQ(0, RUN(NULL, TOOL, UPGRADE(PROGRAM)));
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(innocent, upgrade_of_the_upgrading_program_itself_is_reported_and_goes_on)
{
	EXPECT_EQ(0, RUN(NULL, PROGRAM, UPGRADE(PROGRAM)));
	EXPECT_REPORT(&self->shipped, 0, "executable_replaced", PROGRAM ".dpkg-tmp", "own");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(innocent, save_of_a_script_that_runs_is_silent)
{
	EXPECT_SILENT(SCRIPT, "/usr/bin/sed", "-i", "s/true/exit 0/", SCRIPT);
}

TEST_F(innocent, save_with_a_backup_of_a_script_that_runs_is_silent)
{
	EXPECT_SILENT(SCRIPT, TOOL, "rename", SCRIPT, SCRIPT "~", "rename", NEW, SCRIPT,
		      "unlink", SCRIPT "~");
}

TEST_F(innocent, rotation_of_logs_is_silent)
{
	ASSERT_EQ(0, file_make(DIR "/log", "new\n", 0644));
	ASSERT_EQ(0, file_make(DIR "/log.1", "old\n", 0644));
	EXPECT_SILENT(PROGRAM, TOOL, "rename", DIR "/log", DIR "/log.1", "unlink", DIR "/log.1");
}

TEST_F(innocent, removal_of_a_tree_of_programs_that_never_ran_is_silent)
{
	ASSERT_EQ(0, mkdir(DIR "/tree", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/tree/one", 0755));
	ASSERT_EQ(0, file_make(DIR "/tree/two.o", "object\n", 0644));
	EXPECT_SILENT(PROGRAM, RM, "-r", DIR "/tree");
	EXPECT_NE(0, access(DIR "/tree", F_OK));
}

/* A link of what runs that is not its name. */
TEST_F(innocent, removal_of_another_name_of_what_runs_is_silent)
{
	ASSERT_EQ(0, link(PROGRAM, DIR "/link"));
	EXPECT_SILENT(PROGRAM, TOOL, "unlink", DIR "/link");
}

/* What runc does; the memfd is known by its contents, not by who executes it. */
TEST_F(innocent, copy_in_memory_of_a_program_that_may_be_one_is_silent)
{
	ASSERT_EQ(0, shipped_allow_memfd(&self->shipped, PROGRAM));
	EXPECT_EQ(0, in_memory());
	EXPECT_NO_REPORT(&self->shipped);
}

/* A byte more, and without seals. */
TEST_F(innocent, copy_in_memory_of_another_program_is_refused)
{
	int fd = open(PROGRAM, O_WRONLY | O_APPEND | O_CLOEXEC);
	struct run how = { .path = "", .at = true, .flags = AT_EMPTY_PATH };

	ASSERT_EQ(0, shipped_allow_memfd(&self->shipped, PROGRAM));
	how.dirfd = memfd_of(PROGRAM, 0);
	ASSERT_LE(0, how.dirfd);
	EXPECT_EQ(-EPERM, run(&how));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	close(how.dirfd);

	ASSERT_EQ(1, write(fd, "", 1));
	close(fd);
	EXPECT_EQ(EPERM, in_memory());
	EXPECT_REPORT(&self->shipped, 1, DELETED, MEMFD, "memfd");
	EXPECT_EQ(2, shipped_reports(&self->shipped));
}

/* Look-alikes: the name leads nowhere when it goes away. */
TEST_F(innocent, install_over_a_program_that_runs_is_reported_and_goes_on)
{
	ASSERT_EQ(0, START(&self->running, NULL, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	EXPECT_EQ(0, RUN(NULL, "/usr/bin/install", "-m755", NEW, PROGRAM));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, PROGRAM, "other");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(innocent, removal_of_a_tree_whose_program_ran_is_reported_and_goes_on)
{
	ASSERT_EQ(0, mkdir(DIR "/tree", 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/tree/generator", 0755));
	ASSERT_EQ(0, RUN(NULL, DIR "/tree/generator"));
	EXPECT_EQ(0, RUN(NULL, RM, "-r", DIR "/tree"));
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, DIR "/tree/generator", "ended");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* As a dropper does. */
static int configure(void)
{
	return RUN(NULL, SH, "-c", "cp " NEW " " CONFTEST " && " CONFTEST "; rm -f " CONFTEST
		   "; true");
}

/* It is rm that removes, and the shell that has started it. */
TEST_F(innocent, test_of_configure_is_reported_unless_its_parent_is_exempt)
{
	ASSERT_EQ(0, shipped_exempt_parent(&self->shipped, RM));
	ASSERT_EQ(0, shipped_exempt_program(&self->shipped, SH));
	EXPECT_EQ(0, configure());
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, CONFTEST, "ended");
	EXPECT_EQ(1, shipped_reports(&self->shipped));

	ASSERT_EQ(0, shipped_exempt_parent(&self->shipped, SH));
	EXPECT_EQ(0, configure());
	EXPECT_NE(0, access(CONFTEST, F_OK));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

/* The same by children of this process. */
TEST_F(innocent, removal_of_what_ended_is_reported_if_another_parent_is_exempt)
{
	ASSERT_EQ(0, shipped_exempt_parent(&self->shipped, SH));
	EXPECT_EQ(0, ended());
	EXPECT_REPORT(&self->shipped, 0, EXECUTED, PROGRAM, "ended");
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_HARNESS_MAIN
