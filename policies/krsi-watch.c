// SPDX-License-Identifier: GPL-2.0
/*
 * krsi-watch: attaches a shipped policy and prints what it reports.
 *
 * Usage: krsi-watch [-a] POLICY.bpf.o [SECONDS]
 *
 * -a attaches in audit mode, whatever the machine's. Without SECONDS it runs
 * until it is interrupted; the policy is detached when it ends. Everything
 * that somebody else chose is escaped.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "report.h"

static volatile sig_atomic_t stop;
static __u64 expected;

static void on_signal(int sig)
{
	stop = 1;
}

static void print_escaped(const char *key, const char *bytes, size_t size)
{
	printf(" %s=", key);
	for (size_t i = 0; i < size && bytes[i]; i++) {
		unsigned char c = bytes[i];

		if (c > ' ' && c < 0x7f && c != '\\')
			putchar(c);
		else
			printf("\\%03o", c);
	}
}

static int print_report(void *ctx, void *data, size_t size)
{
	const struct krsi_report *report = data;

	if (size < sizeof(*report))
		return 0;
	if (report->sequence > expected)
		printf("lost=%llu\n", report->sequence - expected);
	expected = report->sequence + 1;

	printf("%llu.%06llu", report->time / 1000000000, report->time / 1000 % 1000000);
	print_escaped("signal", report->signal, sizeof(report->signal));
	printf(" pid=%u uid=%u", report->task.tgid, report->task.uid);
	print_escaped("comm", report->task.comm, sizeof(report->task.comm));
	print_escaped("path", report->path, sizeof(report->path));
	print_escaped("value", report->value, sizeof(report->value));
	if (report->value_len >= sizeof(report->value))
		printf("... value_len=%u", report->value_len);
	if (report->times > 1)
		printf(" times=%u", report->times);
	putchar('\n');
	fflush(stdout);
	return 0;
}

/* Attaches each policy of the object by a link, which lasts as long as this process. */
static int attach(struct bpf_object *object)
{
	struct bpf_map *map;
	int attached = 0;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (!bpf_map__attach_struct_ops(map)) {
			fprintf(stderr, "krsi-watch: attaching %s: %s; the kernel log says why\n",
				bpf_map__name(map), strerror(errno));
			return -1;
		}
		attached++;
	}
	return attached;
}

static void ask_for_audit(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		size_t size;
		struct krsi_ops *ops = bpf_map__initial_value(map, &size);

		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS && ops && size >= sizeof(*ops))
			ops->flags |= KRSI_AUDIT;
	}
}

int main(int argc, char **argv)
{
	struct ring_buffer *reports = NULL;
	struct bpf_object *object;
	struct bpf_map *map;
	bool audit = false;
	time_t end = 0;
	int opt;

	while ((opt = getopt(argc, argv, "a")) != -1) {
		if (opt != 'a')
			return 2;
		audit = true;
	}
	if (optind >= argc) {
		fprintf(stderr, "usage: krsi-watch [-a] POLICY.bpf.o [SECONDS]\n");
		return 2;
	}
	if (optind + 1 < argc)
		end = time(NULL) + atoi(argv[optind + 1]);

	object = bpf_object__open_file(argv[optind], NULL);
	if (!object) {
		fprintf(stderr, "krsi-watch: opening %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	if (audit)
		ask_for_audit(object);
	if (bpf_object__load(object)) {
		fprintf(stderr, "krsi-watch: loading %s: %s; the kernel log says why\n",
			argv[optind], strerror(errno));
		return 1;
	}
	map = bpf_object__find_map_by_name(object, "reports");
	if (map)
		reports = ring_buffer__new(bpf_map__fd(map), print_report, NULL, NULL);
	if (!reports) {
		fprintf(stderr, "krsi-watch: %s has no ring buffer \"reports\"\n", argv[optind]);
		return 1;
	}
	if (attach(object) <= 0)
		return 1;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	fprintf(stderr, "krsi-watch: %s is attached\n", argv[optind]);
	while (!stop && (!end || time(NULL) < end))
		ring_buffer__poll(reports, 100);
	ring_buffer__consume(reports);
	return 0;
}
