// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that each way to make a file's contents executable is one event of
 * file_map_exec, with the file that the user means and its digest where it can
 * be known, that it can be denied, and that nothing else is an event.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "digest.h"
#include "disk.h"

KEEP_POLICIES("digests.bpf.o", "digests_all")

#define DIR "/tmp/krsi_map"
#define FILE_A DIR "/a"
#define PAGE 4096

FIXTURE(map)
{
	struct seeing seeing;
	struct digests *seen;
	int fd;
};

FIXTURE_SETUP(map)
{
	off_t tail;

	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, make_program(FILE_A, 'a', &tail));
	self->fd = open(FILE_A, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, seeing_start(&self->seeing));
	self->seen = self->seeing.seen;
	self->seen->ops = DIGESTS_MAP;
	self->seen->tgid = getpid();
}

FIXTURE_TEARDOWN(map)
{
	seeing_end(&self->seeing);
	umount2(DIR "/merged", MNT_DETACH);
}

/* Is it the only event, of this file and so? Forgets it. */
static bool was_only(struct digests *seen, const char *path, __u32 how, __u32 flags)
{
	const struct digest_event *e = &seen->event[0];
	bool is_so = seen->n == 1 && e->how == how && e->flags == flags && !strcmp(e->path, path);

	if (!is_so)
		fprintf(stderr, "# %u events, the first %s how %u flags %x\n", seen->n, e->path,
			e->how, e->flags);
	seen->n = 0;
	return is_so;
}

static int no_event(struct digests *seen)
{
	return !seen->n || was_only(seen, "none", 0, 0);
}

#define MMAP(fd, prot, flags) mmap(NULL, PAGE, prot, flags, fd, 0)

TEST_F(map, executable_is_an_event_and_nothing_else_is)
{
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_READ, MAP_PRIVATE));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	EXPECT_NE(MAP_FAILED, MMAP(-1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS));
	EXPECT_TRUE(no_event(self->seen));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_READ | PROT_EXEC, MAP_PRIVATE));
	EXPECT_TRUE(is_digest_of(&self->seen->event[0], FILE_A));
	EXPECT_EQ(0, self->seen->event[0].digest.flags);
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP, 0));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_EXEC, MAP_SHARED));
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP, KRSI_MAP_SHARED));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_EXEC | PROT_WRITE, MAP_PRIVATE));
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP, KRSI_MAP_WRITABLE));
	ASSERT_EQ(0, unlink(FILE_A));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_EXEC, MAP_PRIVATE));
	EXPECT_TRUE(was_only(self->seen, FILE_A " (deleted)", KRSI_MAP_MMAP, KRSI_MAP_UNLINKED));
}

TEST_F(map, of_a_file_that_its_user_can_write_to_has_no_digest)
{
	int fd = open(FILE_A, O_RDWR | O_CLOEXEC);

	EXPECT_NE(MAP_FAILED, MMAP(fd, PROT_EXEC | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-EBUSY, self->seen->event[0].digest_ret);
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP,
			     KRSI_MAP_SHARED | KRSI_MAP_WRITABLE));
	close(fd);
}

/* What would fail anyway, and what is no file, is not read. */
TEST_F(map, of_what_cannot_be_read_has_no_digest)
{
	int fd = open(FILE_A, O_WRONLY | O_CLOEXEC), zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

	EXPECT_EQ(MAP_FAILED, MMAP(fd, PROT_EXEC, MAP_PRIVATE));
	EXPECT_EQ(-EAGAIN, self->seen->event[0].digest_ret);
	EXPECT_EQ(-EAGAIN, self->seen->event[0].build_id_ret);
	self->seen->n = 0;
	EXPECT_NE(MAP_FAILED, MMAP(zero, PROT_EXEC, MAP_PRIVATE));
	EXPECT_EQ(-ENODATA, self->seen->event[0].digest_ret);
	EXPECT_EQ(-ENODATA, self->seen->event[0].build_id_ret);
	EXPECT_TRUE(was_only(self->seen, "/dev/zero", KRSI_MAP_MMAP, 0));
	close(fd);
	close(zero);
}

TEST_F(map, made_executable_later_is_an_event_with_what_is_known)
{
	char *map = MMAP(self->fd, PROT_READ, MAP_PRIVATE), *other;
	const struct digest_event *event = &self->seen->event[0];

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_NONE));
	EXPECT_TRUE(no_event(self->seen));
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(-EAGAIN, event->digest_ret);
	/* Its head was just copied there, so it is in memory. */
	EXPECT_LT(0, event->build_id_ret);
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MPROTECT, 0));
	/* It is already. */
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	EXPECT_TRUE(no_event(self->seen));

	other = MMAP(self->fd, PROT_EXEC, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, other);
	self->seen->n = 0;
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_TRUE(is_digest_of(event, FILE_A));
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MPROTECT, 0));
}

TEST_F(map, of_shared_memory_is_an_event)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	void *at = shmat(id, NULL, SHM_EXEC);

	shmctl(id, IPC_RMID, NULL);
	ASSERT_NE((void *)-1, at);
	ASSERT_EQ(1, self->seen->n);
	EXPECT_EQ(-EOPNOTSUPP, self->seen->event[0].digest_ret);
	EXPECT_TRUE(self->seen->event[0].flags & KRSI_MAP_MEMFD);
}

TEST_F(map, of_other_pages_is_an_event)
{
	/* Only what can be written to counts as shared there. */
	int fd = open(FILE_A, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	self->seen->n = 0;
	ASSERT_EQ(0, syscall(SYS_remap_file_pages, map, PAGE, 0, 1, 0));
	EXPECT_EQ(-EBUSY, self->seen->event[0].digest_ret);
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP, KRSI_MAP_SHARED));
	close(fd);
}

/* An old program's: what can be read can be executed. */
TEST_F(map, of_who_implies_it_is_an_event)
{
	ASSERT_LE(0, personality(READ_IMPLIES_EXEC));
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_READ, MAP_PRIVATE));
	personality(PER_LINUX);
	EXPECT_TRUE(was_only(self->seen, FILE_A, KRSI_MAP_MMAP, 0));
}

TEST_F(map, in_an_overlay_is_of_the_overlay_with_the_digest_of_the_layer)
{
	const struct digest_event *event = &self->seen->event[0];
	struct stat st;
	off_t tail;
	char *map;
	int fd;

	ASSERT_EQ(0, mkdir(DIR "/lower", 0755));
	ASSERT_EQ(0, make_program(DIR "/lower/f", 'a', &tail));
	ASSERT_EQ(0, stat(DIR "/lower/f", &st));
	ASSERT_EQ(0, overlay_mount(DIR));
	fd = open(DIR "/merged/f", O_RDONLY | O_CLOEXEC);
	map = MMAP(fd, PROT_READ | PROT_EXEC, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_digest_of(event, DIR "/lower/f"));
	EXPECT_EQ(st.st_ino, event->ino);
	EXPECT_TRUE(was_only(self->seen, DIR "/merged/f", KRSI_MAP_MMAP, KRSI_MAP_SHARED));
	/* What is mapped is the layer's, by a name that nobody knows. */
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ));
	ASSERT_EQ(0, mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_TRUE(is_digest_of(event, DIR "/lower/f"));
	EXPECT_EQ(st.st_ino, event->ino);
	EXPECT_TRUE(was_only(self->seen, DIR "/merged/f", KRSI_MAP_MPROTECT, KRSI_MAP_SHARED));
	close(fd);
	/* Copied up, as it is opened for writing; here the hook gets the layer's file itself. */
	fd = open(DIR "/merged/f", O_RDWR | O_CLOEXEC);
	map = MMAP(fd, PROT_READ | PROT_EXEC, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, stat(DIR "/upper/f", &st));
	self->seen->n = 0;
	ASSERT_EQ(0, syscall(SYS_remap_file_pages, map, PAGE, 0, 0, 0));
	EXPECT_EQ(-EBUSY, event->digest_ret);
	EXPECT_EQ(st.st_ino, event->ino);
	EXPECT_TRUE(was_only(self->seen, DIR "/merged/f", KRSI_MAP_MMAP, KRSI_MAP_SHARED));
	close(fd);
}

TEST_F(map, can_be_denied)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	char *map = MMAP(self->fd, PROT_READ, MAP_PRIVATE);

	ASSERT_NE(MAP_FAILED, map);
	self->seen->deny = 1;
	EXPECT_EQ(MAP_FAILED, MMAP(self->fd, PROT_EXEC, MAP_PRIVATE));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, mprotect(map, PAGE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ((void *)-1, shmat(id, NULL, SHM_EXEC));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(3, self->seen->n);
	/* Nothing else is asked about. */
	EXPECT_NE(MAP_FAILED, MMAP(self->fd, PROT_READ, MAP_PRIVATE));
	self->seen->deny = 0;
	shmctl(id, IPC_RMID, NULL);
}

TEST_F(map, by_an_exec_is_of_the_program_and_its_interpreter)
{
	struct run how = { .path = "/usr/bin/true", .tgid = { &self->seen->tgid } };
	const struct digest_event *e = self->seen->event;
	int i, programs = 0, interpreters = 0, libraries = 0;

	ASSERT_EQ(0, run(&how));
	ASSERT_GE(DIGESTS_MAX, self->seen->n);
	for (i = 0; i < self->seen->n; i++) {
		EXPECT_TRUE(is_digest_of(&e[i], e[i].path));
		if (e[i].flags & KRSI_MAP_PROGRAM)
			programs += !strcmp(e[i].path, "/usr/bin/true");
		else if (e[i].flags & KRSI_MAP_BY_EXEC)
			interpreters += !!strstr(e[i].path, "/ld-linux");
		else
			libraries += !!strstr(e[i].path, "/libc.so");
	}
	EXPECT_LT(0, programs);
	EXPECT_LT(0, interpreters);
	EXPECT_LT(0, libraries);
	EXPECT_EQ(self->seen->n, programs + interpreters + libraries);
}

TEST_HARNESS_MAIN
