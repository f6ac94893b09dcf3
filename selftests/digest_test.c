// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the digest of an executed file is that of its contents, is
 * computed once, and never is an old one, whatever changes the file; on each
 * filesystem, and in an overlay on both sides.
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
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "digest.h"
#include "disk.h"

KEEP_POLICIES("digests.bpf.o", "digests_all")

#define DIR "/tmp/krsi_digest"

FIXTURE(digest)
{
	struct seeing seeing;
	char file[64]; /* what is executed */
	char layer[64]; /* where its contents lie */
	off_t tail;
};

FIXTURE_VARIANT(digest)
{
	const char *fs;
	const char *file, *layer;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(digest, tmpfs) { "tmpfs", DIR "/f", DIR "/f" };
FIXTURE_VARIANT_ADD(digest, ext4) { "ext4", DIR "/disk/f", DIR "/disk/f" };
FIXTURE_VARIANT_ADD(digest, vfat) { "vfat", DIR "/disk/f", DIR "/disk/f" };
FIXTURE_VARIANT_ADD(digest, btrfs) { "btrfs", DIR "/disk/f", DIR "/disk/f" };
FIXTURE_VARIANT_ADD(digest, upper) { "overlay", DIR "/merged/f", DIR "/upper/f" };
FIXTURE_VARIANT_ADD(digest, lower) { "overlay", DIR "/merged/f", DIR "/lower/f" };
/* clang-format on */

FIXTURE_SETUP(digest)
{
	ASSERT_EQ(0, private_tmpfs(DIR));
	strcpy(self->file, variant->file);
	strcpy(self->layer, variant->layer);
	if (!strcmp(variant->fs, "overlay")) {
		ASSERT_EQ(0, mkdir(DIR "/lower", 0755));
		if (strstr(variant->layer, "lower"))
			ASSERT_EQ(0, make_program(self->layer, 'a', &self->tail));
		ASSERT_EQ(0, overlay_mount(DIR));
		if (strstr(variant->layer, "upper"))
			ASSERT_EQ(0, make_program(self->file, 'a', &self->tail));
	} else {
		if (strcmp(variant->fs, "tmpfs"))
			ASSERT_EQ(0, disk_mount(variant->fs, DIR "/image", DIR "/disk"));
		ASSERT_EQ(0, make_program(self->file, 'a', &self->tail));
	}
	ASSERT_EQ(0, seeing_start(&self->seeing));
}

FIXTURE_TEARDOWN(digest)
{
	seeing_end(&self->seeing);
	umount2(DIR "/merged", MNT_DETACH);
	umount2(DIR "/disk", MNT_DETACH);
}

#define EXECUTE(self) seeing_exec(&(self)->seeing, (struct run){ .path = (self)->file })
#define EXPECT_DIGEST(self) EXPECT_TRUE(is_digest_of(EXECUTE(self), (self)->file))

TEST_F(digest, is_that_of_the_contents_and_computed_once)
{
	EXPECT_DIGEST(self);
	EXPECT_LT(0, seeing_hashed(&self->seeing));
	EXPECT_DIGEST(self);
	EXPECT_EQ(0, seeing_hashed(&self->seeing));
	/* An overlay denies no writes below it. */
	EXPECT_EQ(strcmp(variant->fs, "overlay") ? KRSI_DIGEST_DENIED : 0,
		  self->seeing.seen->event[0].digest.flags);
}

TEST_F(digest, outlasts_what_changes_no_contents)
{
	EXPECT_DIGEST(self);
	if (strcmp(variant->fs, "vfat")) {
		ASSERT_EQ(0, chmod(self->layer, 0700));
		EXPECT_DIGEST(self);
		EXPECT_EQ(0, seeing_hashed(&self->seeing));
	}
	if (!strcmp(self->layer, self->file)) {
		char other[80];

		snprintf(other, sizeof(other), "%s2", self->file);
		ASSERT_EQ(0, rename(self->file, other));
		strcpy(self->file, other);
		EXPECT_DIGEST(self);
		EXPECT_EQ(0, seeing_hashed(&self->seeing));
	}
}

/* What a change is made by. */
static int by_write(const char *path, off_t at)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	ret = pwrite(fd, "b", 1, at) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

static int by_mapping(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, at + TAIL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	map[at]++;
	return munmap(map, at + TAIL) ? -errno : 0;
}

static int by_truncate(const char *path, off_t at)
{
	return truncate(path, at + 1) ? -errno : 0;
}

static int by_truncate_up(const char *path, off_t at)
{
	return truncate(path, at + TAIL + 4096) ? -errno : 0;
}

static int by_ftruncate(const char *path, off_t at)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = ftruncate(fd, at + 2) ? -errno : 0;

	close(fd);
	return ret;
}

/* Truncates what is open for reading alone, and writes it anew. */
static int by_open(const char *path, off_t at)
{
	int fd = open(path, O_RDONLY | O_TRUNC | O_CLOEXEC);
	off_t tail;

	close(fd);
	return fd < 0 ? -errno : make_program(path, 'c', &tail);
}

static int (*const changes[])(const char *path, off_t at) = {
	by_write, by_mapping, by_truncate, by_truncate_up, by_ftruncate, by_open,
};

TEST_F(digest, is_new_after_each_change)
{
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		EXPECT_DIGEST(self);
		ASSERT_EQ(0, changes[i](self->file, self->tail));
		EXPECT_DIGEST(self) {
			TH_LOG("after change %zu", i);
		}
		EXPECT_LT(0, seeing_hashed(&self->seeing));
	}
}

/* In an overlay: by the name in the layer. */
TEST_F(digest, is_new_after_each_change_of_the_layer)
{
	size_t i;

	if (strcmp(variant->fs, "overlay"))
		return;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		EXPECT_DIGEST(self);
		ASSERT_EQ(0, changes[i](self->layer, self->tail));
		EXPECT_TRUE(is_digest_of(EXECUTE(self), self->layer)) {
			TH_LOG("after change %zu", i);
		}
	}
}

TEST_F(digest, is_none_while_somebody_can_write)
{
	int fd;

	EXPECT_DIGEST(self);
	fd = open(self->layer, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	/* Without an overlay it can't be executed at all. */
	EXPECT_EQ(strcmp(variant->fs, "overlay") ? -ENOMSG : -EBUSY, EXECUTE(self)->digest_ret);
	close(fd);
	EXPECT_DIGEST(self);
}

/*
 * While others execute it all the time, the contents change, and the next exec
 * must tell of the new ones.
 */
TEST_F(digest, is_never_old_while_others_compute_it)
{
	int n = rounds(60, 8), i, j, fd;
	unsigned char expected[2][32];
	pid_t pids[2];
	char *text;

	text = malloc(TAIL);
	for (i = 0; i < 2; i++) {
		memset(text, 'x' + i, TAIL);
		fd = open(self->file, O_WRONLY | O_CLOEXEC);
		ASSERT_EQ(TAIL, pwrite(fd, text, TAIL, self->tail));
		close(fd);
		ASSERT_EQ(0, sha256_file(self->file, expected[i]));
	}
	for (i = 0; i < 2; i++) {
		pids[i] = fork_bound();
		if (!pids[i]) {
			struct run how = { .path = self->file };

			for (;;)
				run(&how);
		}
	}
	for (i = 0; i < n; i++) {
		const struct digest_event *event;

		memset(text, 'x' + i % 2, TAIL);
		do {
			fd = open(self->file, O_WRONLY | O_CLOEXEC);
		} while (fd < 0 && errno == ETXTBSY);
		ASSERT_LE(0, fd);
		/* In pieces, so that who reads meanwhile reads of both. */
		for (j = 0; j < 16; j++)
			ASSERT_EQ(TAIL / 16, pwrite(fd, text, TAIL / 16,
						    self->tail + TAIL / 16 * j));
		close(fd);
		event = EXECUTE(self);
		ASSERT_EQ(32, event->digest_ret);
		ASSERT_EQ(0, memcmp(expected[i % 2], event->digest.value, 32));
	}
	for (i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	free(text);
}

/*
 * What the contents are changed by to the first and to the second, again and again; false if
 * that can't be now, as the file is being executed.
 */
static bool flip_by_writes(const char *path, off_t at, int to)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), j;
	char text[TAIL / 16];

	if (fd < 0)
		return false;
	memset(text, 'x' + to, sizeof(text));
	/* In pieces, so that who reads meanwhile reads of both. */
	for (j = 0; j < 16; j++)
		pwrite(fd, text, sizeof(text), at + sizeof(text) * j);
	close(fd);
	return true;
}

static bool flip_by_mapping(const char *path, off_t at, int to)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *map;

	if (fd < 0)
		return false;
	map = mmap(NULL, at + TAIL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	memset(map + at, 'x' + to, TAIL);
	munmap(map, at + TAIL);
	return true;
}

/* Behind what is always there it reads as zeros. */
static bool flip_by_truncate(const char *path, off_t at, int to)
{
	return !truncate(path, at + TAIL + (to ? TAIL : 0));
}

static bool (*const flips[])(const char *path, off_t at, int to) = {
	flip_by_writes, flip_by_mapping, flip_by_truncate,
};

/* Odd while the contents change, and two more for each change. */
static volatile unsigned int *seq;

static pid_t start_flips(FIXTURE_DATA(digest) *self, int kind)
{
	pid_t pid = fork_bound();

	while (!pid) {
		int to;

		++*seq;
		to = (*seq + 1) / 2 % 2;
		while (!flips[kind](self->layer, self->tail, to))
			;
		++*seq;
		/* About as long as it takes to read them, and at times much longer. */
		usleep(rand() % 4 ? rand() % 4000 : rounds(50000, 300000));
	}
	return pid;
}

/*
 * The contents change as fast as may be. A digest is of what they are at rest, or the answer
 * is that they did not rest; if nothing changed meanwhile, it is that of what they are now.
 */
static void storm(struct __test_metadata *_metadata, FIXTURE_DATA(digest) *self,
		  const FIXTURE_VARIANT(digest) *variant, int kind)
{
	unsigned long long end = now_ms() + rounds(10000, 30000);
	int n = rounds(50, 6), told = 0, busy = 0, still = 0, i;
	bool is_overlay = !strcmp(variant->fs, "overlay");
	unsigned char expected[2][32];
	pid_t pid;

	/* No program: it is only asked about, and what is short is read often. */
	self->tail = 0;
	ASSERT_EQ(0, truncate(self->layer, 0));
	ASSERT_EQ(0, truncate(self->layer, TAIL));
	for (i = 1; i >= 0; i--) {
		ASSERT_TRUE(flips[kind](self->layer, self->tail, i));
		ASSERT_EQ(0, sha256_file(self->layer, expected[i]));
	}
	seq = mmap(NULL, sizeof(*seq), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, seq);
	pid = start_flips(self, kind);
	while ((told < n || *seq / 2 < n || !still || (is_overlay && !busy)) && now_ms() < end) {
		const struct digest_event *event;
		unsigned int before;
		bool at_rest;

		/* While it is executed it can't be written to: there must be a while between. */
		usleep(rand() % 1000);
		before = *seq;
		event = seeing_ask(&self->seeing, self->file);
		at_rest = before % 2 == 0 && before == *seq;
		if (event->digest_ret == -ENOMSG)
			continue; /* It is open for writing: not executed. */
		if (event->digest_ret == -EBUSY && !at_rest) {
			busy++;
			continue;
		}
		ASSERT_EQ(32, event->digest_ret);
		told++;
		still += at_rest;
		i = !memcmp(expected[1], event->digest.value, 32);
		ASSERT_EQ(0, memcmp(expected[i], event->digest.value, 32)) {
			TH_LOG("torn, by flip %d", kind);
		}
		if (at_rest) {
			ASSERT_EQ(before / 2 % 2, i) {
				TH_LOG("old, by flip %d", kind);
			}
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_LT(0, still);
	/* If it can be read while it is written to. */
	if (is_overlay)
		EXPECT_LT(0, busy);
}

TEST_F(digest, is_never_torn_nor_old_by_writes)
{
	storm(_metadata, self, variant, 0);
}

TEST_F(digest, is_never_torn_nor_old_by_mapped_writes)
{
	storm(_metadata, self, variant, 1);
}

TEST_F(digest, is_never_torn_nor_old_by_truncation)
{
	storm(_metadata, self, variant, 2);
}

TEST_HARNESS_MAIN
