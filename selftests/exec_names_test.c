// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what an exec tells of its file's names: how many are left, and where
 * the one leads by which the file was opened; so that what was replaced is told
 * from what was deleted, on each way to execute it once more.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "observe.h"
#include "shipped.h"
#include "unlinking.h"

KEEP_POLICIES("observer.bpf.o", "observer_no_sleep")

#define TOOL_NAME DIR "/tool"
#define NEXT DIR "/next"
#define ASIDE DIR "/aside"
#define APP DIR "/app"
#define MISC "/proc/sys/fs/binfmt_misc"

/* What is held open is executed, and so told. */
#define EXPECT_TOLD(depth, links_left, leads, expected) \
	do { \
		const struct observed *told = &self->observer->event[depth]; \
\
		EXPECT_EQ(links_left, told->links); \
		EXPECT_EQ(leads, told->name_now); \
		EXPECT_EQ(expected, told->flags & (KRSI_EXEC_UNLINKED | KRSI_EXEC_MOUNT_ROOT | \
						   KRSI_EXEC_USER_MOUNT)); \
	} while (0)

FIXTURE(name)
{
	struct policy policy;
	struct observer *observer;
	int fd;
};

FIXTURE_SETUP(name)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, file_copy(DIR "/exit0", TOOL_NAME, 0555));
	ASSERT_EQ(0, file_copy(DIR "/exit0", NEXT, 0555));
	ASSERT_EQ(0, mkdir(ASIDE, 0755));
	self->fd = open(TOOL_NAME, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_no_sleep"));
	self->observer = self->policy.data;
}

FIXTURE_TEARDOWN(name)
{
	close(self->fd);
	policy_close(&self->policy);
}

static int execute(struct observer *observer, int fd)
{
	char *argv[] = { "tool", NULL };
	struct run how = observed(observer, "");

	how.at = true;
	how.dirfd = fd;
	how.flags = AT_EMPTY_PATH;
	how.argv = argv;
	return run(&how);
}

TEST_F(name, leads_to_the_file)
{
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 1, KRSI_NAME_SAME, 0);
	ASSERT_EQ(0, rename(TOOL_NAME, ASIDE "/renamed"));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 1, KRSI_NAME_SAME, 0);
}

TEST_F(name, leads_to_the_file_that_was_renamed_over_it)
{
	ASSERT_EQ(0, rename(NEXT, TOOL_NAME));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_OTHER, KRSI_EXEC_UNLINKED);
}

/* The order of cp --remove-destination, tar and git. */
TEST_F(name, leads_to_the_file_that_was_made_in_its_place)
{
	ASSERT_EQ(0, unlink(TOOL_NAME));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	ASSERT_EQ(0, file_copy(NEXT, TOOL_NAME, 0555));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_OTHER, KRSI_EXEC_UNLINKED);
}

TEST_F(name, is_gone_and_another_one_is_left)
{
	ASSERT_EQ(0, link(TOOL_NAME, ASIDE "/link"));
	ASSERT_EQ(0, unlink(TOOL_NAME));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 1, KRSI_NAME_GONE, 0);
	ASSERT_EQ(0, unlink(ASIDE "/link"));
	ASSERT_EQ(0, execute(self->observer, self->fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
}

TEST_F(name, that_was_never_there_and_one_by_linkat)
{
	int fd = open(DIR, O_TMPFILE | O_RDWR, 0755), ro;
	char path[64];

	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, file_copy(NEXT, path, 0555));
	ro = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	ASSERT_EQ(0, execute(self->observer, ro));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	ASSERT_EQ(0, linkat(ro, "", AT_FDCWD, DIR "/linked", AT_EMPTY_PATH));
	ASSERT_EQ(0, execute(self->observer, ro));
	EXPECT_TOLD(0, 1, KRSI_NAME_GONE, 0);
	close(ro);
}

/* The whole directory is removed and unpacked anew, or another takes its place. */
TEST_F(name, in_a_directory_that_was_made_again)
{
	int fd;

	ASSERT_EQ(0, mkdir(APP, 0755));
	ASSERT_EQ(0, file_copy(NEXT, APP "/tool", 0555));
	fd = open(APP "/tool", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, unlink(APP "/tool"));
	ASSERT_EQ(0, rmdir(APP));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	/* A file where the directory was. */
	ASSERT_EQ(0, file_copy(NEXT, APP, 0555));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	ASSERT_EQ(0, unlink(APP));
	ASSERT_EQ(0, mkdir(APP, 0755));
	ASSERT_EQ(0, file_copy(NEXT, APP "/tool", 0555));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_OTHER, KRSI_EXEC_UNLINKED);
	close(fd);
}

/* Moved aside and removed there: by which name it was started only the record knows. */
TEST_F(name, in_a_directory_that_was_moved_aside_is_known_by_the_last_exec)
{
	struct watch watch;
	int fd, recorded;

	for (recorded = 0; recorded < 2; recorded++) {
		if (recorded)
			ASSERT_EQ(0, watch_start(&watch, "unlinks_executable"));
		ASSERT_EQ(0, mkdir(APP, 0755));
		ASSERT_EQ(0, file_copy(NEXT, APP "/tool", 0555));
		fd = open(APP "/tool", O_RDONLY | O_CLOEXEC);
		ASSERT_EQ(0, execute(self->observer, fd));
		ASSERT_EQ(0, rename(APP, ASIDE "/app"));
		ASSERT_EQ(0, mkdir(APP, 0755));
		ASSERT_EQ(0, file_copy(NEXT, APP "/tool", 0555));
		ASSERT_EQ(0, unlink(ASIDE "/app/tool"));
		ASSERT_EQ(0, rmdir(ASIDE "/app"));
		ASSERT_EQ(0, execute(self->observer, fd));
		EXPECT_TOLD(0, 0, recorded ? KRSI_NAME_OTHER : KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
		close(fd);
		ASSERT_EQ(0, unlink(APP "/tool"));
		ASSERT_EQ(0, rmdir(APP));
	}
	watch_end(&watch);
}

TEST_F(name, of_what_a_handle_opens_is_not_known)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} found = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int dir = open(DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC), mount_id, fd;

	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, TOOL_NAME, &found.handle, &mount_id, 0));
	ASSERT_EQ(0, unlink(TOOL_NAME));
	fd = open_by_handle_at(dir, &found.handle, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		/* A filesystem that opens nothing by handle that has no name. */
		EXPECT_EQ(ESTALE, errno);
	} else {
		ASSERT_EQ(0, execute(self->observer, fd));
		EXPECT_TOLD(0, 0, self->observer->event[0].name_now, KRSI_EXEC_UNLINKED);
		EXPECT_NE(KRSI_NAME_SAME, self->observer->event[0].name_now);
		EXPECT_NE(KRSI_NAME_OTHER, self->observer->event[0].name_now);
		close(fd);
	}
	close(dir);
}

TEST_F(name, of_what_is_mounted_alone)
{
	struct run how;

	ASSERT_EQ(0, mknod(DIR "/mounted", S_IFREG | 0644, 0));
	ASSERT_EQ(0, mount(TOOL_NAME, DIR "/mounted", NULL, MS_BIND, NULL));
	how = observed(self->observer, DIR "/mounted");
	ASSERT_EQ(0, run(&how));
	EXPECT_TOLD(0, 1, KRSI_NAME_SAME, KRSI_EXEC_MOUNT_ROOT);
	ASSERT_EQ(0, rename(NEXT, TOOL_NAME));
	how = observed(self->observer, DIR "/mounted");
	ASSERT_EQ(0, run(&how));
	EXPECT_TOLD(0, 0, KRSI_NAME_OTHER, KRSI_EXEC_MOUNT_ROOT | KRSI_EXEC_UNLINKED);
	ASSERT_EQ(0, unlink(TOOL_NAME));
	how = observed(self->observer, DIR "/mounted");
	ASSERT_EQ(0, run(&how));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_MOUNT_ROOT | KRSI_EXEC_UNLINKED);
}

/* As an ordinary user can. */
static int mount_alone(void *arg)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	       mount(NEXT, DIR "/mounted", NULL, MS_BIND, NULL) || unlink(NEXT);
}

TEST_F(name, of_what_a_user_has_mounted)
{
	struct run how = observed(self->observer, DIR "/mounted");

	ASSERT_EQ(0, mknod(DIR "/mounted", S_IFREG | 0644, 0));
	how.before = mount_alone;
	ASSERT_EQ(0, run(&how));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE,
		    KRSI_EXEC_MOUNT_ROOT | KRSI_EXEC_USER_MOUNT | KRSI_EXEC_UNLINKED);
}

/* With flag F the interpreter is opened when it is registered, and no more. */
TEST_F(name, of_an_interpreter_that_binfmt_misc_holds)
{
	struct run how = observed(self->observer, DIR "/krsinames");

	if (access(MISC "/register", F_OK))
		ASSERT_EQ(0, mount("binfmt_misc", MISC, "binfmt_misc", 0, NULL));
	ASSERT_LT(0, file_write(MISC "/register", ":krsinames:M::KRSINAMES::" TOOL_NAME ":F"));
	ASSERT_EQ(0, rename(NEXT, TOOL_NAME));
	ASSERT_EQ(0, file_make(DIR "/krsinames", "KRSINAMES\n", 0755));
	EXPECT_EQ(0, run(&how));
	EXPECT_TOLD(0, 1, KRSI_NAME_SAME, 0);
	EXPECT_TOLD(1, 0, KRSI_NAME_OTHER, KRSI_EXEC_UNLINKED);
	ASSERT_LT(0, file_write(MISC "/krsinames", "-1"));
}

TEST_F(name, in_an_overlay)
{
	int fd;

	ASSERT_EQ(0, mkdir(DIR "/lower", 0755));
	ASSERT_EQ(0, mkdir(DIR "/upper", 0755));
	ASSERT_EQ(0, mkdir(DIR "/work", 0755));
	ASSERT_EQ(0, mkdir(APP, 0755));
	ASSERT_EQ(0, file_copy(NEXT, DIR "/lower/tool", 0555));
	ASSERT_EQ(0, mount("overlay", APP, "overlay", 0,
			   "lowerdir=" DIR "/lower,upperdir=" DIR "/upper,workdir=" DIR "/work"));
	fd = open(APP "/tool", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 1, KRSI_NAME_SAME, 0);
	ASSERT_EQ(0, unlink(APP "/tool"));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	ASSERT_EQ(0, file_copy(NEXT, APP "/tool", 0555));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_OTHER, KRSI_EXEC_UNLINKED);
	close(fd);

	/* What lies in the upper layer. */
	fd = open(APP "/tool", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, unlink(APP "/tool"));
	ASSERT_EQ(0, execute(self->observer, fd));
	EXPECT_TOLD(0, 0, KRSI_NAME_GONE, KRSI_EXEC_UNLINKED);
	close(fd);
	ASSERT_EQ(0, umount(APP));
}

/*
 * The count is there from the start, the name is looked up when a program asks: one of no links has
 * none, and one that has none by then has no link left.
 */
TEST_F(name, is_gone_if_no_link_is_left_whenever_it_is_removed)
{
	unsigned long long end = now_ms() + 3000;
	int unlinked = 0, linked = 0;
	pid_t remover;

	remover = fork();
	ASSERT_LE(0, remover);
	while (!remover) {
		if (file_copy(NEXT, APP, 0555))
			_exit(1);
		unlink(APP);
	}
	while (now_ms() < end) {
		const struct observed *told = &self->observer->event[0];
		int fd = open(APP, O_RDONLY | O_CLOEXEC);
		struct stat now;

		if (fd < 0)
			continue;
		if (!execute(self->observer, fd)) {
			EXPECT_EQ(!told->links, !!(told->flags & KRSI_EXEC_UNLINKED));
			EXPECT_FALSE(!told->links && told->name_now == KRSI_NAME_SAME);
			ASSERT_EQ(0, fstat(fd, &now));
			EXPECT_FALSE(now.st_nlink && told->name_now != KRSI_NAME_SAME);
			told->links ? linked++ : unlinked++;
		}
		close(fd);
	}
	kill(remover, SIGKILL);
	waitpid(remover, NULL, 0);
	TH_LOG("%d with a name, %d without one", linked, unlinked);
	EXPECT_LT(0, unlinked);
}

TEST_HARNESS_MAIN
