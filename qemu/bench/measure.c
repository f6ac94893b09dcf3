// SPDX-License-Identifier: GPL-2.0
/* Attaches what is measured, runs the workload and prints what it took: see measure.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "measure.h"

static int costs;

void die(const char *what)
{
	fprintf(stderr, "hook-cost: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set(__u32 measured, const struct cost *cost)
{
	if (bpf_map_update_elem(costs, &measured, cost, BPF_ANY))
		die("writing the map");
}

static struct cost get(__u32 measured)
{
	struct cost cost;

	if (bpf_map_lookup_elem(costs, &measured, &cost))
		die("reading the map");
	return cost;
}

void set_tgid(enum measured measured, pid_t tgid)
{
	struct cost cost = get(measured);

	cost.tgid = tgid;
	set(measured, &cost);
}

void measure(struct workload *workload, const char *what)
{
	unsigned long long least = 0, mean = 0;
	enum measured m;

	if (workload->prepare)
		workload->prepare();
	for (m = workload->from; m <= workload->to; m++)
		set(m, &(struct cost){});
	for (int i = 0; i < workload->times; i++)
		workload->run();
	for (m = workload->from; m <= workload->to; m++) {
		struct cost cost = get(m);

		if (!cost.count)
			die("nothing was measured");
		least += cost.least;
		mean += cost.sum / cost.count;
	}
	if (!workload->nothing)
		workload->nothing = least;
	printf("%-48s least %8llu mean %8llu above nothing %8lld\n", what, least, mean,
	       (long long)least - workload->nothing);
	fflush(stdout);
}

static struct bpf_object *open_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object)
		die(path);
	return object;
}

/* Attaches a program or a map of a loaded object, measures, detaches, closes the object. */
static void measure_object(struct workload *workload, struct bpf_object *object, const char *name,
			   const char *what)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	struct bpf_link *link;

	link = map ? bpf_map__attach_struct_ops(map) :
		     bpf_program__attach_lsm(bpf_object__find_program_by_name(object, name));
	if (!link)
		die(name);
	measure(workload, what);
	bpf_link__destroy(link);
	bpf_object__close(object);
	sleep(1);
}

void measure_with(struct workload *workload, const char *name, const char *what)
{
	struct bpf_object *object = open_object("measured.bpf.o");
	struct bpf_program *prog;

	/* Only what is measured is loaded: a loaded reader alone has its price. */
	bpf_object__for_each_program(prog, object)
		if (bpf_program__type(prog) == BPF_PROG_TYPE_LSM)
			bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	if (bpf_object__load(object))
		die("loading");
	measure_object(workload, object, name, what);
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

void measure_shipped(struct workload *workload, const char *policy, const struct list *list,
		     const char *what)
{
	struct bpf_object *object;
	struct bpf_map *map;
	char path[64];

	snprintf(path, sizeof(path), "../policies/%s.bpf.o", policy);
	object = open_object(path);
	map = bpf_object__find_map_by_name(object, list->map);
	if (!map)
		die(list->map);
	if (bpf_map__max_entries(map) < list->entries)
		bpf_map__set_max_entries(map, list->entries);
	if (bpf_object__load(object))
		die("loading");
	fill(map, list);
	measure_object(workload, object, policy, what);
}

void measure_init(void)
{
	struct bpf_object *probes = open_object("hook_cost.bpf.o");
	struct bpf_program *prog;

	if (bpf_object__load(probes))
		die("hook_cost.bpf.o");
	bpf_object__for_each_program(prog, probes)
		if (!bpf_program__attach(prog))
			die(bpf_program__name(prog));
	costs = bpf_map__fd(bpf_object__find_map_by_name(probes, "costs"));
}
