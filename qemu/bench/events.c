// SPDX-License-Identifier: GPL-2.0
/*
 * What an event costs that a policy sends by a ring buffer or by perf's buffers: in the
 * hook, and until its reader has it. And the memory that both take.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "measure.h"

#define FILE_NAME "/usr/bin/true"
/* Each of perf's buffers is as large as the ring buffer. */
#define BUFFER (1 << 18)
/* So many events find room in a buffer: 64 bytes, and at most 40 of the buffer's own. */
#define BURST 2000

static struct ring_buffer *ring;
static struct perf_buffer *perf;
static long received, lost;
static char *mapped;

static int ring_event(void *unused, void *data, size_t size)
{
	received++;
	return 0;
}

static void perf_event(void *unused, int cpu, void *data, __u32 size)
{
	received++;
}

static void perf_lost(void *unused, int cpu, __u64 count)
{
	lost += count;
}

/* Both maps are there; the program sends by one of them. */
static void open_buffers(struct bpf_object *object)
{
	int ring_fd = bpf_object__find_map_fd_by_name(object, "ring");
	int perf_fd = bpf_object__find_map_fd_by_name(object, "perf");

	ring = ring_buffer__new(ring_fd, ring_event, NULL, NULL);
	perf = perf_buffer__new(perf_fd, BUFFER / getpagesize(), perf_event, perf_lost, NULL, NULL);
	if (!ring || !perf)
		die("buffers");
	received = lost = 0;
}

static void read_events(void)
{
	if (ring)
		ring_buffer__consume(ring);
	if (perf)
		perf_buffer__consume(perf);
}

static void close_buffers(void)
{
	ring_buffer__free(ring);
	perf_buffer__free(perf);
	ring = NULL;
	perf = NULL;
}

static void map_true(void)
{
	int fd = open(FILE_NAME, O_RDONLY);

	mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (mapped == MAP_FAILED)
		die("mmap");
}

/* An event is an mprotect() that makes something executable. */
static void protect_and_back(void)
{
	if (mprotect(mapped, 4096, PROT_READ | PROT_EXEC) || mprotect(mapped, 4096, PROT_READ))
		die("mprotect");
}

static void protect(void)
{
	measure_tgid(getpid());
	protect_and_back();
	measure_tgid(0);
	read_events();
}

static void burst(void)
{
	long before = received;

	for (int i = 0; i < BURST; i++)
		protect_and_back();
	read_events();
	/* With nothing attached there is no buffer and no event. */
	if (received - before != (ring ? BURST : 0) || lost) {
		fprintf(stderr, "hook-cost: %ld of %d events came, %ld were lost\n",
			received - before, BURST, lost);
		exit(1);
	}
}

static struct workload in_hook = {
	protect, BIT(FILE_MPROTECT), TIMES, map_true, open_buffers, close_buffers
};
static struct workload to_reader = {
	burst, 0, FEW, map_true, open_buffers, close_buffers, BURST
};

/* What the kernel says that a map takes. */
static long memory_of(int map)
{
	char path[64], line[128];
	long bytes = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map);
	info = fopen(path, "r");
	while (info && fgets(line, sizeof(line), info))
		sscanf(line, "memlock: %ld", &bytes);
	if (bytes < 0)
		die(path);
	fclose(info);
	close(map);
	return bytes;
}

/* Perf's buffers are mapped, one a processor, with a page of their state. */
static void memory(int cpus)
{
	int ring_map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, BUFFER, NULL);
	int perf_map = bpf_map_create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf", 4, 4, cpus, NULL);
	char id[32], title[64];

	if (ring_map < 0 || perf_map < 0)
		die("maps");
	snprintf(id, sizeof(id), "memory.%d", cpus);
	snprintf(title, sizeof(title), "bytes of memory, %d processor%s", cpus, cpus == 1 ? "" : "s");
	printf("memory\t%s\t%ld\t%ld\t%s\n", id, memory_of(ring_map),
	       memory_of(perf_map) + (long)cpus * (BUFFER + getpagesize()), title);
}

void event_costs(void)
{
	compare(&in_hook, ROW("event.ring", "an event by ring buffer, in the hook"),
		"krsi_event_ring", "lsm_event_ring");
	compare(&in_hook, ROW("event.perf", "an event by perf's buffers, in the hook"),
		"krsi_event_perf", "lsm_event_perf");
	compare(&to_reader, ROW("event.ring.read", "an event by ring buffer, until it is read"),
		"krsi_event_ring", "lsm_event_ring");
	compare(&to_reader, ROW("event.perf.read", "an event by perf's buffers, until it is read"),
		"krsi_event_perf", "lsm_event_perf");
	for (int cpus = 1; is_wanted("memory") && cpus <= 64; cpus *= 2)
		memory(cpus);
}
