// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a removal is told by the path that it is done by, in whatever
 * mount and namespace; that an attempt which permissions forbid is none, nor a
 * mount that goes away; and that the kernel's own removals are.
 */

#include <errno.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "module.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#define PLACE DIR "/place"
#define SEEN DIR "/seen"

FIXTURE(removal)
{
	struct watch watch;
	struct running running;
};

FIXTURE_SETUP(removal)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(SEEN, 0755));
	ASSERT_EQ(0, file_copy(PROGRAM, PLACE "/program", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(removal)
{
	watch_end(&self->watch);
}

TEST_F(removal, through_a_bind_mount)
{
	ASSERT_EQ(0, mount(PLACE, SEEN, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, RUN(&self->watch, PLACE "/program", "unlink", SEEN "/program"));
	EXPECT_ONLY(&self->watch, SEEN "/program", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

TEST_F(removal, of_what_was_executed_through_a_bind_mount)
{
	ASSERT_EQ(0, mount(PLACE, SEEN, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, RUN(&self->watch, SEEN "/program", "unlink", PLACE "/program"));
	EXPECT_ONLY(&self->watch, PLACE "/program", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

static int see_in_own_namespace(void *arg)
{
	return unshare(CLONE_NEWNS) || mount(PLACE, SEEN, NULL, MS_BIND, NULL);
}

TEST_F(removal, in_another_mount_namespace)
{
	char *argv[] = { "tool", "unlink", SEEN "/program", NULL };
	struct run how = { .path = TOOL, .argv = argv, .before = see_in_own_namespace };

	ASSERT_EQ(0, START(&self->running, &self->watch, PLACE "/program", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, run(&how));
	EXPECT_ONLY(&self->watch, SEEN "/program", .whose = KRSI_WHOSE_OTHER,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(0, running_end(&self->running));
}

static int change_root(void *arg)
{
	return chroot(DIR) || chdir("/");
}

/* A worker of io_uring tells that it is done a moment before it lets go. */
static int umount_soon(const char *dir)
{
	unsigned long long end = now_ms() + 60000;
	int ret;

	while ((ret = umount(dir)) && errno == EBUSY && now_ms() < end)
		usleep(10000);
	return ret;
}

static void holds_no_mount(struct __test_metadata *_metadata, struct watch *watch,
			   struct running *running, char *command)
{
	ASSERT_EQ(0, mount(PLACE, SEEN, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, START(running, watch, PROGRAM, command, SEEN "/program", "ready", "wait"));
	ASSERT_TRUE(running_ready(running));
	EXPECT_FILE_REMOVAL(watch, 0, SEEN "/program");
	EXPECT_EQ(0, umount_soon(SEEN));
	EXPECT_EQ(0, running_end(running));
}

TEST_F(removal, does_not_hold_its_mount)
{
	holds_no_mount(_metadata, &self->watch, &self->running, "unlink");
}

TEST_F(removal, through_io_uring_does_not_hold_its_mount)
{
	holds_no_mount(_metadata, &self->watch, &self->running, "uring");
}

TEST_F(removal, through_a_polling_io_uring_does_not_hold_its_mount)
{
	holds_no_mount(_metadata, &self->watch, &self->running, "sqpoll");
}

TEST_F(removal, below_another_root)
{
	char *argv[] = { "/program", "unlink", "/program", NULL };
	struct run how = { .path = "/program", .argv = argv, .before = change_root };

	ASSERT_EQ(0, run(&how));
	EXPECT_ONLY(&self->watch, "/program", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

/* As long as a name can be; the path doesn't fit the policy's memory. */
TEST_F(removal, of_a_long_name)
{
	const struct unlinked *u;
	char path[512] = DIR "/";

	memset(path + strlen(path), 'n', 255);
	ASSERT_EQ(0, rename(PROGRAM, path));
	ASSERT_EQ(0, RUN(&self->watch, path, "self"));
	EXPECT_EQ(2, self->watch.seen->n);
	u = seen_nth(&self->watch, UNLINKS_EXECUTABLE, 0);
	EXPECT_EQ(-ENAMETOOLONG, u->path_len);
	EXPECT_STREQ("", u->path);
	EXPECT_EQ(KRSI_WHOSE_OWN, u->whose);
	EXPECT_EQ(KRSI_NAME_GONE, u->name_now);
}

/* A message queue's is removed in no mount that anybody names. */
TEST_F(removal, through_no_mount)
{
	ASSERT_EQ(0, mount("krsi_test", SEEN, "mqueue", 0, NULL));
	watch_device(&self->watch, SEEN);
	ASSERT_LE(0, mq_open("/krsi_unlink", O_CREAT | O_RDWR | O_CLOEXEC, 0600, NULL));
	ASSERT_EQ(0, mq_unlink("/krsi_unlink"));
	EXPECT_FILE_REMOVAL(&self->watch, 0, NULL);
	EXPECT_EQ(1, self->watch.seen->n);
}

/* As nfsd and ksmbd remove files. */
TEST_F(removal, of_an_executable_through_no_mount)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, module_load("krsi_remover", NULL, "path=" PROGRAM));
	EXPECT_ONLY(&self->watch, NULL, .whose = KRSI_WHOSE_DESCENDANT,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_NE(0, access(PROGRAM, F_OK));
	EXPECT_EQ(0, running_end(&self->running));
	EXPECT_EQ(0, module_unload("krsi_remover"));
}

static int become_nobody(void *arg)
{
	return drop_all();
}

TEST_F(removal, that_permissions_forbid_is_none)
{
	char *argv[] = { "program", "self", NULL };
	struct run how = { .path = PROGRAM, .argv = argv, .before = become_nobody };

	EXPECT_EQ(EACCES, run(&how));
	ASSERT_EQ(0, chmod(DIR, 01777));
	/* By the sticky bit. */
	EXPECT_EQ(EPERM, run(&how));
	ASSERT_EQ(0, chmod(DIR, 0755));
	EXPECT_QUIET(&self->watch);
	EXPECT_EQ(0, access(PROGRAM, F_OK));
}

TEST_F(removal, on_a_mount_that_is_read_only_is_none)
{
	ASSERT_EQ(0, mount(PLACE, SEEN, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, SEEN, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(EROFS, RUN(&self->watch, SEEN "/program", "self"));
	EXPECT_QUIET(&self->watch);
}

TEST_F(removal, of_a_name_that_is_not_there_is_none)
{
	EXPECT_EQ(ENOENT, RUN(&self->watch, PROGRAM, "unlink", DIR "/none"));
	EXPECT_EQ(EISDIR, RUN(&self->watch, PROGRAM, "unlink", PLACE));
	EXPECT_EQ(EISDIR, RUN(&self->watch, PROGRAM, "rename", PROGRAM, PLACE));
	EXPECT_QUIET(&self->watch);
}

/* The hook comes before what the kernel checks last. */
TEST_F(removal, that_fails_after_the_permissions_were_checked_is_an_attempt)
{
	ASSERT_EQ(0, mount(TOOL, PROGRAM, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, RUN(&self->watch, PLACE "/program"));
	EXPECT_EQ(EBUSY, RUN(&self->watch, PLACE "/program", "rename", PROGRAM,
			     PLACE "/program"));
	EXPECT_ONLY(&self->watch, PLACE "/program", .how = KRSI_UNLINK_RENAME_OVER,
		    .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_OTHER);
	EXPECT_EQ(0, access(PLACE "/program", F_OK));
}

TEST_F(removal, of_a_mount_is_none)
{
	ASSERT_EQ(0, mount("krsi_test", SEEN, "tmpfs", 0, NULL));
	watch_device(&self->watch, SEEN);
	ASSERT_EQ(0, file_copy(PROGRAM, SEEN "/program", 0755));
	ASSERT_EQ(0, START(&self->running, &self->watch, SEEN "/program", "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, umount2(SEEN, MNT_DETACH));
	EXPECT_NE(0, access(SEEN "/program", F_OK));
	ASSERT_EQ(0, running_end(&self->running));
	EXPECT_QUIET(&self->watch);
}

TEST_F(removal, by_mounting_over_it_is_none)
{
	ASSERT_EQ(0, START(&self->running, &self->watch, PROGRAM, "ready", "wait"));
	ASSERT_TRUE(running_ready(&self->running));
	ASSERT_EQ(0, mount("krsi_test", DIR, "tmpfs", 0, NULL));
	EXPECT_NE(0, access(PROGRAM, F_OK));
	ASSERT_EQ(0, running_end(&self->running));
	EXPECT_QUIET(&self->watch);
}

#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static int dump_core_there(void *arg)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	return setrlimit(RLIMIT_CORE, &limit) || chdir(DIR);
}

/* A core dump unlinks the file in its way. */
TEST_F(removal, by_the_kernel_itself)
{
	char *argv[] = { "core", "sh", "kill -SEGV $PPID", NULL };
	struct run how = {
		.path = DIR "/core",
		.argv = argv,
		.tgid = { &self->watch.seen->tgid },
		.before = dump_core_there,
	};
	char pattern[256];

	ASSERT_LT(0, file_read(CORE_PATTERN, pattern, sizeof(pattern)));
	ASSERT_LT(0, file_write(CORE_PATTERN, "core"));
	ASSERT_EQ(0, file_copy(PROGRAM, DIR "/core", 0755));
	EXPECT_EQ(128 + SIGSEGV, run(&how));
	ASSERT_LT(0, file_write(CORE_PATTERN, pattern));
	EXPECT_ONLY(&self->watch, DIR "/core", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
	EXPECT_EQ(self->watch.seen->tgid, self->watch.seen->event[0].task.tgid);
}

TEST_HARNESS_MAIN
