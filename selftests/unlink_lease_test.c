// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a removal that has to wait for a lease to be given back is told
 * as a second attempt, and no other one is.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

#ifndef F_SETDELEG
#define F_SETDELEG (1024 + 16)
struct delegation {
	__u32 d_flags;
	__u16 d_type;
	__u16 __pad;
};
#endif

#define NEW DIR "/new"

FIXTURE(removal)
{
	struct watch watch;
};

FIXTURE_SETUP(removal)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("exit0"), NEW, 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(removal)
{
	watch_end(&self->watch);
}

/* Lets go of what is delegated, in the handler of the break's signal. */
static int delegated;

static void give_back(int signal)
{
	close(delegated);
}

static int delegate(const char *path)
{
	struct delegation deleg = { .d_type = F_RDLCK };

	signal(SIGIO, give_back);
	delegated = open(path, O_RDONLY | O_CLOEXEC);
	return fcntl(delegated, F_SETDELEG, &deleg) ? -errno : 0;
}

static void expect_retried(struct __test_metadata *_metadata, struct watch *watch, __u32 how,
			   __u32 name_now)
{
	EXPECT_EQ(4, watch->seen->n);
	EXPECT_REMOVAL(watch, 0, PROGRAM, .how = how, .whose = KRSI_WHOSE_OWN,
		       .name_now = name_now);
	EXPECT_REMOVAL(watch, 1, PROGRAM, .how = how, .flags = KRSI_UNLINK_RETRY,
		       .whose = KRSI_WHOSE_OWN, .name_now = name_now);
	EXPECT_FILE_REMOVAL(watch, 0, PROGRAM, .how = how);
	EXPECT_FILE_REMOVAL(watch, 1, PROGRAM, .how = how, .flags = KRSI_UNLINK_RETRY);
}

TEST_F(removal, of_a_file_that_is_delegated)
{
	ASSERT_EQ(0, delegate(PROGRAM));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "self", "unlink", NEW));
	EXPECT_FILE_REMOVAL(&self->watch, 2, NEW);
	EXPECT_EQ(5, self->watch.seen->n);
	/* But for that of the other file. */
	self->watch.seen->n = 4;
	expect_retried(_metadata, &self->watch, KRSI_UNLINK_UNLINK, KRSI_NAME_GONE);
}

TEST_F(removal, in_a_directory_that_is_delegated)
{
	ASSERT_EQ(0, delegate(DIR));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "self"));
	expect_retried(_metadata, &self->watch, KRSI_UNLINK_UNLINK, KRSI_NAME_GONE);
}

#define NEXT 20

static void name_next(char *path, size_t size, int i)
{
	snprintf(path, size, DIR "/next%d", i);
}

/*
 * A lease does not stand in the way of an unlink. What comes next is another
 * attempt, on another file, though its name may lie where the first one's lay.
 */
TEST_F(removal, of_another_file_than_one_with_a_lease_is_no_retry)
{
	char path[64];
	int i, j, fd;

	for (i = 0; i < NEXT; i++) {
		watch_clear(&self->watch);
		ASSERT_EQ(0, file_make(DIR "/leased", "lease\n", 0600));
		fd = open(DIR "/leased", O_RDONLY | O_CLOEXEC);
		ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_RDLCK));
		ASSERT_EQ(0, unlink(DIR "/leased"));
		close(fd);
		/* Time for the memory to be free. */
		usleep(100000);
		for (j = 0; j < NEXT; j++) {
			name_next(path, sizeof(path), j);
			ASSERT_EQ(0, file_make(path, "next\n", 0600));
		}
		name_next(path, sizeof(path), i);
		ASSERT_EQ(0, unlink(path));
		EXPECT_FILE_REMOVAL(&self->watch, 0, DIR "/leased");
		EXPECT_FILE_REMOVAL(&self->watch, 1, path);
		for (j = 0; j < NEXT; j++) {
			name_next(path, sizeof(path), j);
			unlink(path);
		}
	}
}

TEST_F(removal, that_is_given_to_a_file_that_is_delegated)
{
	ASSERT_EQ(0, delegate(NEW));
	ASSERT_EQ(0, RUN(&self->watch, PROGRAM, "rename", NEW, PROGRAM));
	expect_retried(_metadata, &self->watch, KRSI_UNLINK_RENAME_OVER, KRSI_NAME_OTHER);
}

TEST_HARNESS_MAIN
