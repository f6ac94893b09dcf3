// SPDX-License-Identifier: GPL-2.0
/*
 * What the contents of files cost: opening, mapping executable, mprotect(2), with a
 * digest that is kept and one that must be computed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"

#define FILE_NAME "/tmp/hook-cost-contents"
#define MIB (1 << 20)

static void open_so(int flags)
{
	int fd;

	measure_tgid(getpid());
	fd = open(FILE_NAME, flags);
	measure_tgid(0);
	if (fd < 0)
		die(FILE_NAME);
	close(fd);
}

static void open_reading(void)
{
	open_so(O_RDONLY);
}

static void open_writing(void)
{
	open_so(O_WRONLY);
}

static void *map_file(int prot)
{
	int fd = open(FILE_NAME, O_RDONLY);
	void *map = mmap(NULL, 4096, prot, MAP_PRIVATE, fd, 0);

	close(fd);
	if (map == MAP_FAILED)
		die("mmap");
	return map;
}

static void map(void)
{
	void *map;

	measure_tgid(getpid());
	map = map_file(PROT_READ | PROT_EXEC);
	measure_tgid(0);
	munmap(map, 4096);
}

/* What was kept is forgotten. */
static void map_changed(void)
{
	int fd = open(FILE_NAME, O_WRONLY);

	close(fd);
	map();
}

static void protect(void)
{
	void *map = map_file(PROT_READ);

	measure_tgid(getpid());
	if (mprotect(map, 4096, PROT_READ | PROT_EXEC))
		die("mprotect");
	measure_tgid(0);
	munmap(map, 4096);
}

static void one_mib(void)
{
	if (truncate(FILE_NAME, 1 * MIB))
		die(FILE_NAME);
}

static void eleven_mib(void)
{
	if (truncate(FILE_NAME, 11 * MIB))
		die(FILE_NAME);
}

static struct workload reading = { open_reading, BIT(FILE_OPEN), TIMES };
static struct workload writing = { open_writing, BIT(FILE_OPEN), TIMES };
static struct workload mapping = { map, BIT(MMAP_FILE), TIMES };
static struct workload one = { map_changed, BIT(MMAP_FILE), FEW, one_mib };
static struct workload eleven = { map_changed, BIT(MMAP_FILE), FEW, eleven_mib };
static struct workload protecting = { protect, BIT(FILE_MPROTECT), TIMES };

/* binary_deny's list does not name the file. */
static void binary_deny(__u32 entries)
{
	struct list list = { "denied_digest", entries };
	char id[32], title[64];

	snprintf(id, sizeof(id), "mmap.binary_deny.%u", entries);
	snprintf(title, sizeof(title), "mmap, binary_deny, %u digest%s", entries, entries == 1 ? "" : "s");
	compare_shipped(&mapping, ROW(id, title), "binary_deny", &list);
}

void contents_costs(bool nothing)
{
	close(open(FILE_NAME, O_CREAT | O_RDWR, 0644));
	one_mib();

	measure_whole(&reading, ROW("nothing.open", "open for reading"));
	measure_whole(&mapping, ROW("nothing.mmap", "mmap, executable"));
	measure_whole(&protecting, ROW("nothing.mprotect", "mprotect, executable"));
	if (nothing)
		return;
	compare(&reading, ROW("open.reading", "open for reading, while digests are asked for"),
		"krsi_digest", NULL);
	compare(&writing, ROW("open.writing", "open for writing, while digests are asked for"),
		"krsi_digest", NULL);
	compare_nothing(&reading, ROW("again.open", "open for reading, nothing attached any more"));

	compare(&mapping, ROW("mmap.empty", "mmap, an empty policy"), "krsi_map", "lsm_map");
	compare(&mapping, ROW("mmap.digest", "mmap, the digest, which is kept"), "krsi_map_digest", NULL);
	binary_deny(1);
	binary_deny(1000);
	binary_deny(1000000);
	compare_nothing(&mapping, ROW("again.mmap", "mmap, nothing attached any more"));
	compare(&one, ROW("mmap.digest.1mib", "mmap, the digest of 1 MiB, which is computed"),
		"krsi_map_digest", NULL);
	compare(&eleven, ROW("mmap.digest.11mib", "mmap, the digest of 11 MiB, which is computed"),
		"krsi_map_digest", NULL);

	compare(&protecting, ROW("mprotect.empty", "mprotect, an empty policy"), "krsi_map", "lsm_protect");
	compare_nothing(&protecting, ROW("again.mprotect", "mprotect, nothing attached any more"));
}
