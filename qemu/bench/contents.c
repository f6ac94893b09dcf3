// SPDX-License-Identifier: GPL-2.0
/*
 * What the contents of files cost: opening, mapping executable, mprotect(2), with a
 * digest that is kept and one that must be computed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "measure.h"

#define FILE_NAME "/tmp/hook-cost-contents"
#define MIB (1 << 20)

static void open_so(int flags)
{
	int fd;

	set_tgid(FILE_OPEN, getpid());
	fd = open(FILE_NAME, flags);
	set_tgid(FILE_OPEN, 0);
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

	set_tgid(MMAP_FILE, getpid());
	map = map_file(PROT_READ | PROT_EXEC);
	set_tgid(MMAP_FILE, 0);
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

	set_tgid(FILE_MPROTECT, getpid());
	if (mprotect(map, 4096, PROT_READ | PROT_EXEC))
		die("mprotect");
	set_tgid(FILE_MPROTECT, 0);
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

static struct workload reading = { open_reading, FILE_OPEN, FILE_OPEN, NULL, TIMES };
static struct workload writing = { open_writing, FILE_OPEN, FILE_OPEN, NULL, TIMES };
static struct workload mapping = { map, MMAP_FILE, MMAP_FILE, NULL, TIMES };
static struct workload one = { map_changed, MMAP_FILE, MMAP_FILE, one_mib, TIMES / 10 };
static struct workload eleven = { map_changed, MMAP_FILE, MMAP_FILE, eleven_mib, TIMES / 10 };
static struct workload protecting = { protect, FILE_MPROTECT, FILE_MPROTECT, NULL, TIMES };

/* binary_deny's list does not name the file. */
static void binary_deny(__u32 entries, const char *what)
{
	struct list list = { "denied_digest", entries };

	measure_shipped(&mapping, "binary_deny", &list, what);
}

void contents_costs(int nothing)
{
	close(open(FILE_NAME, O_CREAT | O_RDWR, 0644));
	one_mib();

	measure(&reading, "open for reading, nothing attached");
	measure(&writing, "open for writing, nothing attached");
	measure(&mapping, "mmap, nothing attached");
	measure(&protecting, "mprotect, nothing attached");
	if (nothing)
		return;
	measure_with(&reading, "krsi_digest", "open for reading, KRSI asks for digests");
	measure_with(&writing, "krsi_digest", "open for writing, KRSI asks for digests");
	measure(&reading, "open for reading, nothing again");
	measure(&writing, "open for writing, nothing again");

	measure_with(&mapping, "krsi_map", "mmap, an empty KRSI file_map_exec");
	measure_with(&mapping, "krsi_map_digest", "mmap, KRSI asks for the digest, which is kept");
	binary_deny(1, "mmap, binary_deny with 1 digest");
	binary_deny(1000, "mmap, binary_deny with 1,000");
	binary_deny(1000000, "mmap, binary_deny with 1,000,000");
	measure(&mapping, "mmap, nothing again");
	one.nothing = eleven.nothing = mapping.nothing;
	measure_with(&one, "krsi_map_digest", "mmap of 1 MiB, KRSI computes the digest");
	measure_with(&eleven, "krsi_map_digest", "mmap of 11 MiB, KRSI computes the digest");

	measure_with(&protecting, "krsi_map", "mprotect, an empty KRSI file_map_exec");
	measure(&protecting, "mprotect, nothing again");
}
