// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what krsi_is_below() answers of the file of an exec: by what the filesystem
 * holds, in an overlay by either directory, and never "no" where it can't tell.
 */

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "observe.h"

KEEP_POLICIES("observer.bpf.o", "observer_no_sleep")

#define ABOVE DIR "/above"
#define OTHER DIR "/other"
#define FILE_BELOW ABOVE "/a/b/exit0"

FIXTURE(below)
{
	struct policy policy;
	struct observer *observer;
};

FIXTURE_SETUP(below)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, mkdir(ABOVE, 0755));
	ASSERT_EQ(0, mkdir(ABOVE "/a", 0755));
	ASSERT_EQ(0, mkdir(ABOVE "/a/b", 0755));
	ASSERT_EQ(0, mkdir(OTHER, 0755));
	ASSERT_EQ(0, file_copy(test_path("exit0"), FILE_BELOW, 0755));
	ASSERT_EQ(0, policy_start(&self->policy, "observer.bpf.o", "observer_no_sleep"));
	self->observer = self->policy.data;
}

FIXTURE_TEARDOWN(below)
{
	policy_close(&self->policy);
	umount2(OTHER, MNT_DETACH);
}

/* What the policy is told of @file and @dir, of which it gives the first @size bytes. */
static int ask_part(struct observer *observer, const char *file, const char *dir, __u32 size)
{
	struct run how = observed(observer, file);

	if (file_id(dir, &observer->dir))
		return -ENOTDIR;
	observer->dir_size = size;
	if (run(&how) || !observer->n)
		return -ECHILD;
	return observer->event[0].below;
}

static int ask(struct observer *observer, const char *file, const char *dir)
{
	return ask_part(observer, file, dir, sizeof(observer->dir));
}

TEST_F(below, every_directory_above_is_one)
{
	EXPECT_EQ(1, ask(self->observer, FILE_BELOW, ABOVE "/a/b"));
	EXPECT_EQ(1, ask(self->observer, FILE_BELOW, ABOVE "/a"));
	EXPECT_EQ(1, ask(self->observer, FILE_BELOW, ABOVE));
	EXPECT_EQ(1, ask(self->observer, FILE_BELOW, DIR));
	EXPECT_EQ(0, ask(self->observer, FILE_BELOW, OTHER));
	EXPECT_EQ(0, ask(self->observer, FILE_BELOW, "/tmp"));
	EXPECT_EQ(0, ask(self->observer, DIR "/exit0", ABOVE));
	/* By whatever mount. */
	ASSERT_EQ(0, mount(ABOVE "/a", OTHER, NULL, MS_BIND, NULL));
	EXPECT_EQ(1, ask(self->observer, OTHER "/b/exit0", ABOVE));
}

TEST_F(below, directory_with_another_generation_is_none)
{
	struct run how = observed(self->observer, FILE_BELOW);

	ASSERT_EQ(0, file_id(ABOVE, &self->observer->dir));
	self->observer->dir.generation++;
	self->observer->dir_size = sizeof(self->observer->dir);
	ASSERT_EQ(0, run(&how));
	EXPECT_EQ(0, self->observer->event[0].below);
}

TEST_F(below, half_a_directory_is_an_error)
{
	EXPECT_EQ(-EINVAL, ask_part(self->observer, FILE_BELOW, ABOVE,
				    sizeof(struct krsi_file_id) / 2));
}

TEST_F(below, too_deep_to_tell_is_not_no)
{
	int i;

	ASSERT_EQ(0, chdir(ABOVE));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, mkdir("d", 0755));
		ASSERT_EQ(0, chdir("d"));
	}
	ASSERT_EQ(0, file_copy(test_path("exit0"), "exit0", 0755));
	EXPECT_EQ(-E2BIG, ask(self->observer, "./exit0", ABOVE));
	EXPECT_EQ(-E2BIG, ask(self->observer, "./exit0", OTHER));
	ASSERT_EQ(0, chdir("/"));
}

TEST_F(below, directories_of_an_overlay_and_of_its_layer_are)
{
	ASSERT_EQ(0, mkdir(DIR "/upper", 0755));
	ASSERT_EQ(0, mkdir(DIR "/work", 0755));
	ASSERT_EQ(0, mount("overlay", OTHER, "overlay", 0, "lowerdir=" ABOVE ",upperdir=" DIR
			   "/upper,workdir=" DIR "/work"));
	EXPECT_EQ(1, ask(self->observer, OTHER "/a/b/exit0", ABOVE "/a"));
	EXPECT_EQ(1, ask(self->observer, OTHER "/a/b/exit0", ABOVE));
	EXPECT_EQ(0, ask(self->observer, OTHER "/a/b/exit0", DIR "/upper"));
	/* The overlay's own: of device and number of its inode alone. */
	EXPECT_EQ(1, ask(self->observer, OTHER "/a/b/exit0", OTHER "/a"));
	EXPECT_EQ(1, ask(self->observer, OTHER "/a/b/exit0", OTHER));
}

TEST_HARNESS_MAIN
