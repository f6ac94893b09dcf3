// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy binary_deny refuses listed files under every
 * name and in every way to run them, and nothing else.
 */

#include <dlfcn.h>
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
#include <linux/fsverity.h>

#include "kselftest_harness.h"
#include "binary.h"
#include "build_id.h"
#include "digest.h"
#include "disk.h"
#include "run.h"
#include "shipped.h"

KEEP_POLICIES("binary_deny.bpf.o", "binary_deny")

#define DIR "/tmp/krsi_binary"
#define LISTED DIR "/listed"
#define OTHER DIR "/other"

FIXTURE(binary)
{
	struct shipped shipped;
	struct krsi_binary_digest digest;
	char hex[65];
};

FIXTURE_VARIANT(binary)
{
	const char *mode;
	int result; /* of an exec that is refused */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(binary, audit) { "audit", 0 };
FIXTURE_VARIANT_ADD(binary, enforce) { "enforce", -EPERM };
/* clang-format on */

static int map_fd(struct shipped *shipped, const char *name)
{
	return bpf_object__find_map_fd_by_name(shipped->policy.obj, name);
}

static int list(struct shipped *shipped, const char *map, const void *key)
{
	__u32 reason = 1;

	return bpf_map_update_elem(map_fd(shipped, map), key, &reason, BPF_ANY);
}

static void unlist(struct shipped *shipped, const char *map)
{
	__u8 key[128];
	int fd = map_fd(shipped, map);

	while (fd >= 0 && !bpf_map_get_next_key(fd, NULL, key) && !bpf_map_delete_elem(fd, key))
		;
}

FIXTURE_SETUP(binary)
{
	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, file_copy(test_path("exit0"), LISTED, 0755));
	ASSERT_EQ(0, file_copy(LISTED, OTHER, 0755));
	ASSERT_EQ(0, file_append(OTHER, "1"));
	ASSERT_EQ(0, sha256_file(LISTED, self->digest.value));
	hex_of(self->hex, self->digest.value, 32);
	ASSERT_EQ(0, shipped_start(&self->shipped, "binary_deny", variant->mode));
	ASSERT_EQ(0, list(&self->shipped, "denied_digest", &self->digest));
}

FIXTURE_TEARDOWN(binary)
{
	unlist(&self->shipped, "denied_digest");
	unlist(&self->shipped, "denied_verity");
	unlist(&self->shipped, "denied_build_id");
	shipped_end(&self->shipped);
}

/* Executes a file by its name. */
static int execute(const char *path)
{
	struct run how = { .path = path };

	return run(&how);
}

TEST_F(binary, is_refused_by_its_digest)
{
	EXPECT_EQ(variant->result, execute(LISTED));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", LISTED, self->hex);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
}

TEST_F(binary, is_refused_under_every_name)
{
	ASSERT_EQ(0, file_copy(LISTED, DIR "/copy", 0755));
	ASSERT_EQ(0, link(LISTED, DIR "/link"));
	ASSERT_EQ(0, symlink(LISTED, DIR "/symlink"));
	EXPECT_EQ(variant->result, execute(DIR "/copy"));
	EXPECT_EQ(variant->result, execute(DIR "/link"));
	EXPECT_EQ(variant->result, execute(DIR "/symlink"));
	ASSERT_EQ(0, rename(LISTED, DIR "/renamed"));
	EXPECT_EQ(variant->result, execute(DIR "/renamed"));
	EXPECT_EQ(4, shipped_reports(&self->shipped));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", DIR "/copy", self->hex);
	EXPECT_REPORT(&self->shipped, 3, "denied_digest", DIR "/renamed", self->hex);
}

TEST_F(binary, that_is_not_listed_runs)
{
	EXPECT_EQ(0, execute(OTHER));
	EXPECT_NO_REPORT(&self->shipped);
}

/* The loader is what is executed; what it loads is only mapped. */
TEST_F(binary, that_a_loader_loads_is_refused)
{
	char *argv[] = { "ld.so", DIR "/true", NULL };
	struct run how = { .path = "/lib64/ld-linux-x86-64.so.2", .argv = argv };
	struct krsi_binary_digest digest;

	ASSERT_EQ(0, file_copy("/usr/bin/true", DIR "/true", 0755));
	EXPECT_EQ(0, run(&how));
	EXPECT_NO_REPORT(&self->shipped);
	ASSERT_EQ(0, sha256_file(DIR "/true", digest.value));
	hex_of(self->hex, digest.value, 32);
	ASSERT_EQ(0, list(&self->shipped, "denied_digest", &digest));
	EXPECT_EQ(variant->result ? 127 : 0, run(&how));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", DIR "/true", self->hex);
}

TEST_F(binary, that_is_a_library_is_refused)
{
	struct krsi_binary_digest digest;
	void *library;
	char *map;
	int fd;

	ASSERT_EQ(0, file_copy("/usr/lib/x86_64-linux-gnu/liburing.so.2", DIR "/lib.so", 0644));
	library = dlopen(DIR "/lib.so", RTLD_NOW);
	ASSERT_NE(NULL, library);
	dlclose(library);
	EXPECT_NO_REPORT(&self->shipped);
	ASSERT_EQ(0, sha256_file(DIR "/lib.so", digest.value));
	hex_of(self->hex, digest.value, 32);
	ASSERT_EQ(0, list(&self->shipped, "denied_digest", &digest));
	library = dlopen(DIR "/lib.so", RTLD_NOW);
	EXPECT_EQ(!variant->result, !!library);
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", DIR "/lib.so", self->hex);

	/* Its digest is known by now. */
	fd = open(DIR "/lib.so", O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(variant->result ? -1 : 0, mprotect(map, 4096, PROT_READ | PROT_EXEC));
	EXPECT_REPORT(&self->shipped, shipped_reports(&self->shipped) - 1, "denied_digest",
		      DIR "/lib.so", self->hex);
	close(fd);
}

static volatile __u32 *deny_unhashable(struct shipped *shipped)
{
	struct bpf_map *map = bpf_object__find_map_by_name(shipped->policy.obj, ".data");
	size_t size;

	return map ? bpf_map__initial_value(map, &size) : NULL;
}

TEST_F(binary, that_has_no_digest_when_it_becomes_executable_is_reported)
{
	volatile __u32 *deny = deny_unhashable(&self->shipped);
	int fd = open(LISTED, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	__u32 before;

	ASSERT_NE(NULL, deny);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, mprotect(map, 4096, PROT_READ | PROT_EXEC));
	EXPECT_REPORT(&self->shipped, 0, "unhashable_mapping", LISTED, "");
	ASSERT_EQ(0, mprotect(map, 4096, PROT_READ));
	before = *deny;
	*deny |= KRSI_BINARY_MAPPED;
	EXPECT_EQ(variant->result ? -1 : 0, mprotect(map, 4096, PROT_READ | PROT_EXEC));
	*deny = before;
	close(fd);
}

/* Executes a memfd with this program in it. */
static int execute_memfd(const char *program, unsigned int seals)
{
	int fd = memfd_of(program, seals), ret;
	struct run how = { .path = "", .at = true, .dirfd = fd, .flags = AT_EMPTY_PATH };

	ret = fd < 0 ? fd : run(&how);
	close(fd);
	return ret;
}

TEST_F(binary, in_a_memfd_is_refused_and_so_is_a_memfd_that_is_not_sealed)
{
	unsigned int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

	EXPECT_EQ(0, execute_memfd(OTHER, seals));
	EXPECT_NO_REPORT(&self->shipped);
	EXPECT_EQ(variant->result, execute_memfd(LISTED, seals));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", "/memfd:krsi (deleted)", self->hex);
	EXPECT_EQ(variant->result, execute_memfd(OTHER, 0));
	EXPECT_REPORT(&self->shipped, 1, "unhashable_memfd", "/memfd:krsi (deleted)", "");
}

TEST_F(binary, as_an_interpreter_is_refused)
{
	ASSERT_EQ(0, file_make(DIR "/script", "#!" LISTED "\n", 0755));
	ASSERT_EQ(0, file_make(DIR "/innocent", "#!" OTHER "\n", 0755));
	EXPECT_EQ(0, execute(DIR "/innocent"));
	EXPECT_NO_REPORT(&self->shipped);
	EXPECT_EQ(variant->result, execute(DIR "/script"));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", LISTED, self->hex);
}

TEST_F(binary, is_refused_when_it_is_only_asked_about)
{
	struct run how = {
		.path = LISTED, .at = true, .dirfd = AT_FDCWD, .flags = AT_EXECVE_CHECK,
	};

	EXPECT_EQ(variant->result, run(&how));
	EXPECT_REPORT(&self->shipped, 0, "denied_digest", LISTED, self->hex);
}

/* As krsi run --deny-build-id has it. */
static int key_of(const char *path, struct krsi_binary_build_id *id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = read_build_id(fd, id);

	close(fd);
	return ret;
}

TEST_F(binary, is_refused_by_its_build_id_whatever_else_it_holds)
{
	struct krsi_binary_build_id id;
	unsigned char expected[20] = {};

	/* By a reader that shares nothing with that one. */
	ASSERT_EQ(20, build_id_of(OTHER, expected));
	ASSERT_EQ(0, key_of(OTHER, &id));
	EXPECT_EQ(20, id.size);
	EXPECT_EQ(0, memcmp(expected, id.value, 20));
	ASSERT_EQ(0, list(&self->shipped, "denied_build_id", &id));
	hex_of(self->hex, id.value, id.size);
	EXPECT_EQ(variant->result, execute(OTHER));
	EXPECT_REPORT(&self->shipped, 0, "denied_build_id", OTHER, self->hex);
}

TEST_F(binary, of_32_bits_is_refused_by_its_build_id)
{
	struct krsi_binary_build_id id;

	ASSERT_EQ(0, key_of(test_path("narrow"), &id));
	ASSERT_EQ(0, list(&self->shipped, "denied_build_id", &id));
	hex_of(self->hex, id.value, id.size);
	ASSERT_EQ(0, file_copy(test_path("narrow"), DIR "/narrow", 0755));
	/* Without an argument it is refused or fails by itself. */
	execute(DIR "/narrow");
	EXPECT_REPORT(&self->shipped, 0, "denied_build_id", DIR "/narrow", self->hex);
}

TEST_F(binary, that_is_a_library_is_refused_by_its_build_id)
{
	struct krsi_binary_build_id id;
	void *library;

	ASSERT_EQ(0, file_copy("/usr/lib/x86_64-linux-gnu/liburing.so.2", DIR "/lib.so", 0644));
	ASSERT_EQ(0, key_of(DIR "/lib.so", &id));
	ASSERT_EQ(0, list(&self->shipped, "denied_build_id", &id));
	hex_of(self->hex, id.value, id.size);
	library = dlopen(DIR "/lib.so", RTLD_NOW);
	EXPECT_EQ(!variant->result, !!library);
	EXPECT_REPORT(&self->shipped, 0, "denied_build_id", DIR "/lib.so", self->hex);
}

/* Where a file has these bytes; -1 if nowhere. */
static off_t find(const char *path, const void *bytes, size_t size)
{
	static char file[2 << 20];
	int n = file_read(path, file, sizeof(file));
	char *at = n < 0 ? NULL : memmem(file, n, bytes, size);

	return at ? at - file : -1;
}

/* Its reader and the kernel's agree on it. */
TEST_F(binary, that_has_no_build_id_is_no_other)
{
	struct krsi_binary_build_id id, none;
	off_t at;
	int fd;

	ASSERT_EQ(0, key_of(OTHER, &id));
	ASSERT_EQ(0, list(&self->shipped, "denied_build_id", &id));
	at = find(OTHER, id.value, id.size);
	ASSERT_LT(0, at);
	/* The note's type stands before its name. */
	fd = open(OTHER, O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(1, pwrite(fd, "\1", 1, at - 8));
	close(fd);
	EXPECT_EQ(-ENODATA, key_of(OTHER, &none));
	EXPECT_EQ(0, none.size);
	EXPECT_EQ(0, execute(OTHER));
	EXPECT_NO_REPORT(&self->shipped);

	ASSERT_EQ(0, file_make(DIR "/script", "#!" OTHER "\n", 0755));
	EXPECT_EQ(-ENODATA, key_of(DIR "/script", &none));
	EXPECT_EQ(-EISDIR, key_of(DIR, &none));
	/* Cut off before its segments, and in the midst of its header. */
	ASSERT_EQ(0, truncate(LISTED, 64));
	EXPECT_EQ(-ENODATA, key_of(LISTED, &none));
	ASSERT_EQ(0, truncate(LISTED, 20));
	EXPECT_EQ(-ENODATA, key_of(LISTED, &none));
	ASSERT_EQ(0, truncate(LISTED, 0));
	EXPECT_EQ(-ENODATA, key_of(LISTED, &none));
}

TEST_F(binary, is_refused_by_its_fs_verity_digest)
{
	struct krsi_binary_verity verity = { .algo = KRSI_DIGEST_VERITY_SHA256 };
	const char *const file = DIR "/disk/other";

	ASSERT_EQ(0, disk_mount_with("ext4", "-O verity", DIR "/image", DIR "/disk"));
	ASSERT_EQ(0, file_copy(OTHER, file, 0755));
	ASSERT_EQ(32, verity_enable(file, FS_VERITY_HASH_ALG_SHA256, verity.value));
	EXPECT_EQ(0, execute(file));
	EXPECT_NO_REPORT(&self->shipped);
	ASSERT_EQ(0, list(&self->shipped, "denied_verity", &verity));
	hex_of(self->hex, verity.value, 32);
	EXPECT_EQ(variant->result, execute(file));
	EXPECT_REPORT(&self->shipped, 0, "denied_verity", file, self->hex);
	umount2(DIR "/disk", MNT_DETACH);
}

/* Once it is no more listed, and once its contents are others. */
TEST_F(binary, that_is_no_more_the_same_runs)
{
	EXPECT_EQ(variant->result, execute(LISTED));
	ASSERT_EQ(0, file_append(LISTED, "1"));
	EXPECT_EQ(0, execute(LISTED));
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	ASSERT_EQ(0, file_copy(test_path("exit0"), LISTED, 0755));
	EXPECT_EQ(variant->result, execute(LISTED));
	unlist(&self->shipped, "denied_digest");
	EXPECT_EQ(0, execute(LISTED));
	EXPECT_EQ(2, shipped_reports(&self->shipped));
}

/* Makes it the listed file, or one that ends with a status of 1; all the time. */
static pid_t start_flips(off_t at, bool is_mapped)
{
	pid_t pid = fork_bound();
	int i;

	for (i = 0; !pid; i++) {
		int fd;

		do {
			fd = open(LISTED, O_RDWR | O_CLOEXEC);
		} while (fd < 0);
		if (is_mapped) {
			char *map = mmap(NULL, at + 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

			map[at] = i % 2;
			munmap(map, at + 1);
		} else {
			char status = i % 2;

			pwrite(fd, &status, 1, at);
		}
		close(fd);
		usleep(rand() % 2000);
	}
	return pid;
}

/*
 * What runs is told by its status: of the listed file's runs each is reported, and refused,
 * and of the other's none.
 */
TEST_F(binary, never_runs_while_the_file_is_written_all_the_time)
{
	static const char mark[] = "krsi_exit_status=";
	off_t at = find(LISTED, mark, strlen(mark)) + strlen(mark);
	int n = rounds(40, 6), way, i;

	ASSERT_LT(strlen(mark), at);
	for (way = 0; way < 2; way++) {
		int listed = 0, other = 0, busy = 0, before = shipped_reports(&self->shipped);
		pid_t pid = start_flips(at, way);

		/* Both are there half of the time, so a machine sees each sooner or later. */
		for (i = 0; i < n || ((!listed || !other) && i < 100 * n); i++) {
			int result = execute(LISTED);

			shipped_reports(&self->shipped);
			listed += result == variant->result;
			other += result == 1;
			busy += result == -ETXTBSY;
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		EXPECT_EQ(i, listed + other + busy);
		EXPECT_EQ(listed, shipped_reports(&self->shipped) - before);
		EXPECT_LT(0, listed);
		EXPECT_LT(0, other);
	}
}

TEST_HARNESS_MAIN
