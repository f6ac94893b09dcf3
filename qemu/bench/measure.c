// SPDX-License-Identifier: GPL-2.0
/* Attaches what is measured, runs the workload and prints what it took: see measure.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "measure.h"

#define MOST_COPIES 64
#define MOST_FILES 16384
/* A twin of several programs. */
#define MOST_PARTS 4

/* The memory of hook_cost.bpf.o. */
static volatile struct costs *costs;
static char **wanted;

/* What is attached: objects, each with its links. */
struct attached {
	struct bpf_object *objects[MOST_COPIES];
	struct bpf_link *links[MOST_COPIES * MOST_PARTS];
	int copies, parts;
};

void die(const char *what)
{
	fprintf(stderr, "hook-cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

void measure_tgid(pid_t tgid)
{
	costs->tgid = tgid;
}

/* Asked for by its name, or by the beginning of it up to a dot, or everything is. */
bool is_wanted(const char *id)
{
	size_t length;

	for (char **want = wanted; *want; want++) {
		length = strlen(*want);
		if (!strncmp(id, *want, length) && (!id[length] || id[length] == '.'))
			return true;
	}
	return !*wanted;
}

static void print_number(long long number)
{
	if (number == NONE)
		printf("\t-");
	else
		printf("\t%lld", number);
}

void print_row(const struct row *row, long long krsi, long long twin)
{
	printf("bench\t%s", row->id);
	print_number(krsi);
	print_number(twin);
	printf("\t%s\n", row->title);
	fflush(stdout);
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* What is between these two is a run, for who counts from outside (qemu/where.py). */
__attribute__((noinline)) static void run_begins(void)
{
	asm volatile("");
}

__attribute__((noinline)) static void run_ends(void)
{
	asm volatile("nop");
}

static long long run_once(const struct workload *workload)
{
	long long sum = 0, count = 0, before;

	for (int m = 0; m < MEASURED; m++)
		costs->of[m].sum = costs->of[m].count = 0;
	costs->functions = workload->functions;
	before = now();
	run_begins();
	workload->run();
	run_ends();
	if (!workload->functions)
		return now() - before;
	costs->functions = 0;
	for (int m = 0; m < MEASURED; m++) {
		sum += costs->of[m].sum;
		count += costs->of[m].count;
	}
	if (!count)
		die("nothing was measured");
	return sum;
}

static int by_size(const void *a, const void *b)
{
	long long left = *(const long long *)a, right = *(const long long *)b;

	return (left > right) - (left < right);
}

/* The middle one of all times, or the least. */
static long long typical(const struct workload *workload)
{
	long long took[TIMES];

	for (int i = 0; i < workload->times; i++)
		took[i] = run_once(workload);
	qsort(took, workload->times, sizeof(took[0]), by_size);
	return took[workload->interrupted ? 0 : workload->times / 2] / (workload->events ?: 1);
}

static void make_ready(struct workload *workload)
{
	if (workload->ready)
		return;
	if (workload->prepare)
		workload->prepare();
	workload->nothing = typical(workload);
	workload->ready = true;
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object)
		die(path);
	return object;
}

static bool is_part(const char *prog, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(prog, name, length) && (!prog[length] || !strncmp(prog + length, "__", 2));
}

static bool attach_link(struct attached *attached, struct bpf_link *link)
{
	if (link)
		attached->links[attached->parts++] = link;
	else if (errno != E2BIG)
		die("attaching");
	return link;
}

/* Attaches the map of a loaded object that has the name, or its programs; false if there are too many. */
static bool attach_object(struct attached *attached, struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	struct bpf_program *prog;

	attached->objects[attached->copies++] = object;
	if (map)
		return attach_link(attached, bpf_map__attach_struct_ops(map));
	bpf_object__for_each_program(prog, object)
		if (is_part(bpf_program__name(prog), name) &&
		    !attach_link(attached, bpf_program__attach_lsm(prog)))
			return false;
	return attached->parts;
}

static void detach(struct attached *attached)
{
	for (int i = 0; i < attached->parts; i++)
		bpf_link__destroy(attached->links[i]);
	for (int i = 0; i < attached->copies; i++)
		bpf_object__close(attached->objects[i]);
	/* What comes after a grace period. */
	sleep(1);
}

/* Only what is measured is loaded: a loaded reader alone has its price. */
static struct bpf_object *load_named(const char *name)
{
	struct bpf_object *object = open_object(strncmp(name, "lsm_", 4) ? "measured.bpf.o" :
									   "twins.bpf.o");
	struct bpf_program *prog;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map), name));
	bpf_object__for_each_program(prog, object)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_LSM)
			bpf_program__set_autoload(prog, is_part(bpf_program__name(prog), name));
	if (bpf_object__load(object))
		die(name);
	return object;
}

static long long above_nothing(struct workload *workload, struct attached *attached)
{
	long long above;

	if (workload->begin)
		workload->begin(attached->objects[0]);
	above = typical(workload) - workload->nothing;
	if (workload->end)
		workload->end();
	return above;
}

static long long measure_named(struct workload *workload, const char *name, int copies)
{
	struct attached attached = {};
	long long above = NONE;
	bool all = true;

	if (!name)
		return NONE;
	for (int i = 0; i < copies && all; i++)
		all = attach_object(&attached, load_named(name), name);
	if (all)
		above = above_nothing(workload, &attached);
	detach(&attached);
	return above;
}

void compare_many(struct workload *workload, const struct row *row, const char *krsi,
		  const char *twin, int copies)
{
	long long above;

	if (!is_wanted(row->id))
		return;
	make_ready(workload);
	above = measure_named(workload, krsi, copies);
	print_row(row, above, measure_named(workload, twin, copies));
}

void compare(struct workload *workload, const struct row *row, const char *krsi, const char *twin)
{
	compare_many(workload, row, krsi, twin, 1);
}

#define BATCH 10000U

static void fill(const struct bpf_map *map, const struct list *list)
{
	static unsigned char keys[BATCH * 64], values[BATCH * 8];
	size_t size = bpf_map__key_size(map);
	__u32 done, count;

	srandom(1);
	for (done = 0; done < list->entries; done += count) {
		count = list->entries - done < BATCH ? list->entries - done : BATCH;
		for (size_t i = 0; i < count * size; i++)
			keys[i] = random();
		if (!done && list->first)
			memcpy(keys, list->first, size);
		if (bpf_map_update_batch(bpf_map__fd(map), keys, values, &count, NULL))
			die(list->map);
	}
}

void compare_shipped(struct workload *workload, const struct row *row, const char *policy,
		     const struct list *list)
{
	struct attached attached = {};
	struct bpf_object *object;
	struct bpf_map *map;
	char path[64];

	if (!is_wanted(row->id))
		return;
	make_ready(workload);
	snprintf(path, sizeof(path), "../policies/%s.bpf.o", policy);
	object = open_object(path);
	map = bpf_object__find_map_by_name(object, list->map);
	if (!map)
		die(list->map);
	if (bpf_map__max_entries(map) < list->entries)
		bpf_map__set_max_entries(map, list->entries);
	if (bpf_object__load(object))
		die(path);
	fill(map, list);
	if (!attach_object(&attached, object, policy))
		die(policy);
	print_row(row, above_nothing(workload, &attached), NONE);
	detach(&attached);
}

void compare_nothing(struct workload *workload, const struct row *row)
{
	if (!is_wanted(row->id))
		return;
	make_ready(workload);
	print_row(row, typical(workload) - workload->nothing, NONE);
}

void measure_whole(struct workload *workload, const struct row *row)
{
	if (!is_wanted(row->id))
		return;
	make_ready(workload);
	printf("whole\t%s\t%lld\t%s\n", row->id, workload->nothing, row->title);
	fflush(stdout);
}

void measure_init(char **rows)
{
	/* Every copy has some for each map and program. */
	const struct rlimit files = { MOST_FILES, MOST_FILES };
	struct bpf_object *probes = open_object("hook_cost.bpf.o");
	struct bpf_program *prog;
	size_t size;

	if (setrlimit(RLIMIT_NOFILE, &files))
		die("RLIMIT_NOFILE");
	if (bpf_object__load(probes))
		die("hook_cost.bpf.o");
	bpf_object__for_each_program(prog, probes)
		if (!bpf_program__attach(prog))
			die(bpf_program__name(prog));
	costs = bpf_map__initial_value(bpf_object__find_map_by_name(probes, ".bss"), &size);
	if (!costs || size < sizeof(*costs))
		die("the counters");
	wanted = rows;
}
