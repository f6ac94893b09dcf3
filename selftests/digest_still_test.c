// SPDX-License-Identifier: GPL-2.0
/*
 * Proves which contents can be told to hold still, and how long: memfds by
 * their seals, files that are mapped or pinned elsewhere, fs-verity; in each
 * round of an exec; and that a large file is hashed once, and no longer than
 * its task lives.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/fsverity.h>
#include <linux/io_uring.h>

#include "kselftest_harness.h"
#include "digest.h"
#include "disk.h"

KEEP_POLICIES("digests.bpf.o", "digests_all")

#define DIR "/tmp/krsi_still"
#define PROGRAM DIR "/program"

FIXTURE(still)
{
	struct seeing seeing;
	off_t tail;
};

FIXTURE_SETUP(still)
{
	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, make_program(PROGRAM, 'a', &self->tail));
	ASSERT_EQ(0, seeing_start(&self->seeing));
}

FIXTURE_TEARDOWN(still)
{
	seeing_end(&self->seeing);
	umount2(DIR "/disk", MNT_DETACH);
}

#define EXECUTE(self, ...) seeing_exec(&(self)->seeing, (struct run){ __VA_ARGS__ })

TEST_F(still, is_a_memfd_that_is_sealed)
{
	const unsigned int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	const unsigned int less[] = {
		0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK,
		F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
	};
	const struct digest_event *event;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(less) / sizeof(less[0]); i++) {
		fd = memfd_of(PROGRAM, less[i]);
		ASSERT_LE(0, fd);
		event = EXECUTE(self, .path = "", .at = true, .dirfd = fd, .flags = AT_EMPTY_PATH);
		EXPECT_EQ(-EOPNOTSUPP, event->digest_ret);
		EXPECT_EQ(0, self->seeing.result);
		close(fd);
	}
	fd = memfd_of(PROGRAM, all);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		event = EXECUTE(self, .path = "", .at = true, .dirfd = fd, .flags = AT_EMPTY_PATH);
		EXPECT_TRUE(is_digest_of(event, PROGRAM));
		EXPECT_TRUE(event->digest.flags & KRSI_DIGEST_LASTS);
	}
	EXPECT_EQ(0, seeing_hashed(&self->seeing));
	close(fd);
}

/* A mapping that somebody writes to keeps the file open for writing. */
TEST_F(still, is_no_file_that_is_mapped_to_be_written)
{
	int fd = open(PROGRAM, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	EXECUTE(self, .path = PROGRAM);
	EXPECT_EQ(-ETXTBSY, self->seeing.result);
	munmap(map, 4096);
	EXPECT_TRUE(is_digest_of(EXECUTE(self, .path = PROGRAM), PROGRAM));
}

/* io_uring can write to what was mapped when it was told of it, long after. */
TEST_F(still, is_no_file_whose_pages_are_pinned)
{
	struct io_uring_params params = {};
	int fd = open(PROGRAM, O_RDWR | O_CLOEXEC), ring;
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 self->tail & ~4095);
	struct iovec iov = { .iov_base = map, .iov_len = 4096 };

	ASSERT_NE(MAP_FAILED, map);
	ring = syscall(SYS_io_uring_setup, 4, &params);
	ASSERT_LE(0, ring);
	fcntl(ring, F_SETFD, FD_CLOEXEC);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1));
	munmap(map, 4096);
	close(fd);
	EXPECT_EQ(-EBUSY, EXECUTE(self, .path = PROGRAM)->digest_ret);
	EXPECT_EQ(0, self->seeing.result);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0));
	close(ring);
	EXPECT_TRUE(is_digest_of(EXECUTE(self, .path = PROGRAM), PROGRAM));
}

TEST_F(still, is_each_round_of_a_script)
{
	const struct digest_event *event;

	ASSERT_EQ(0, file_make(DIR "/script", "#!" PROGRAM "\n", 0755));
	event = EXECUTE(self, .path = DIR "/script");
	ASSERT_EQ(2, self->seeing.seen->n);
	EXPECT_TRUE(is_digest_of(&event[0], DIR "/script"));
	EXPECT_TRUE(is_digest_of(&event[1], PROGRAM));
	EXPECT_EQ(1, event[1].how);
	EXPECT_EQ(-ENODATA, event[0].build_id_ret);
	EXPECT_EQ(-ENODATA, event[0].verity_ret);
}

TEST_F(still, is_what_is_only_asked_about)
{
	const struct digest_event *event =
		EXECUTE(self, .path = PROGRAM, .at = true, .dirfd = AT_FDCWD,
			.flags = AT_EXECVE_CHECK);

	EXPECT_EQ(0, self->seeing.result);
	EXPECT_TRUE(event->flags & KRSI_EXEC_CHECK);
	EXPECT_TRUE(is_digest_of(event, PROGRAM));
}

TEST_F(still, has_the_build_id_of_its_notes)
{
	const struct digest_event *event;
	unsigned char id[20] = {};
	int size;

	size = build_id_of(PROGRAM, id);
	ASSERT_LT(0, size);
	event = EXECUTE(self, .path = PROGRAM);
	EXPECT_EQ(size, event->build_id_ret);
	EXPECT_EQ(0, memcmp(id, event->build_id, sizeof(id)));
	EXPECT_EQ(-ENODATA, event->verity_ret);
}

TEST_F(still, lasts_with_fs_verity)
{
	unsigned char value[64];
	const struct digest_event *event;
	static const struct {
		__u32 alg, algo;
	} algos[] = {
		{ FS_VERITY_HASH_ALG_SHA256, KRSI_DIGEST_VERITY_SHA256 },
		{ FS_VERITY_HASH_ALG_SHA512, KRSI_DIGEST_VERITY_SHA512 },
	};
	const char *const file = DIR "/disk/program";
	int size;
	size_t i;

	ASSERT_EQ(0, disk_mount_with("ext4", "-O verity", DIR "/image", DIR "/disk"));
	for (i = 0; i < 2; i++) {
		unlink(file);
		ASSERT_EQ(0, file_copy(PROGRAM, file, 0755));
		size = verity_enable(file, algos[i].alg, value);
		ASSERT_LT(0, size);
		event = EXECUTE(self, .path = file);
		EXPECT_EQ(size, event->verity_ret);
		EXPECT_EQ(algos[i].algo, event->verity.algo);
		EXPECT_EQ(size, event->verity.size);
		EXPECT_EQ(0, memcmp(value, event->verity.value, size));
		EXPECT_TRUE(event->verity.flags & KRSI_DIGEST_LASTS);
		EXPECT_TRUE(is_digest_of(event, PROGRAM));
		EXPECT_TRUE(event->digest.flags & KRSI_DIGEST_LASTS);
	}
}

TEST_F(still, and_large_is_hashed_once)
{
	const off_t size = (off_t)rounds(100, 20) << 20;
	int first;

	ASSERT_EQ(0, truncate(PROGRAM, size));
	EXPECT_EQ(32, EXECUTE(self, .path = PROGRAM)->digest_ret);
	first = seeing_hashed(&self->seeing);
	EXPECT_LE(size >> 16, first);
	EXPECT_TRUE(is_digest_of(EXECUTE(self, .path = PROGRAM), PROGRAM));
	EXPECT_EQ(0, seeing_hashed(&self->seeing));
}

/* Some minutes' work, if nobody ends it. */
TEST_F(still, and_huge_is_left_when_the_task_is_killed)
{
	struct run how = {
		.path = PROGRAM,
		.tgid = { &self->seeing.seen->tgid, &self->seeing.hits->tgid },
	};
	unsigned long long begin;
	pid_t pid;

	ASSERT_EQ(0, truncate(PROGRAM, 1LL << 40));
	pid = run_start(&how);
	begin = now_ms();
	while (self->seeing.hits->n[0] < 10 && now_ms() - begin < 60000)
		usleep(1000);
	EXPECT_LE(10, self->seeing.hits->n[0]);
	kill(pid, SIGKILL);
	begin = now_ms();
	EXPECT_EQ(128 + SIGKILL, run_wait(pid));
	EXPECT_GT(5000, now_ms() - begin);
	/* It can be opened for writing at once, and what was read is not kept. */
	ASSERT_EQ(0, truncate(PROGRAM, self->tail + TAIL));
	EXPECT_TRUE(is_digest_of(EXECUTE(self, .path = PROGRAM), PROGRAM));
}

TEST_HARNESS_MAIN
