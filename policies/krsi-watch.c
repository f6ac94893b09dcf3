// SPDX-License-Identifier: GPL-2.0
/*
 * krsi-watch: attaches a shipped policy and prints what it reports.
 *
 * Usage: krsi-watch [-a] [-e PROGRAM]... [-p PREFIX]... POLICY.bpf.o [SECONDS]
 *
 * -a attaches in audit mode, whatever the machine's. What PROGRAM does and what
 * is done to paths that begin with PREFIX is exempt, in policies that know
 * exemptions. Without SECONDS it runs until it is interrupted; the policy is
 * detached when it ends. Everything that somebody else chose is escaped.
 *
 * Documentation/first-policy.rst describes the options and the output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "report.h"

static volatile sig_atomic_t stop;

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

/* Says how many reports found no room since it was asked last. */
static void print_lost(const struct bpf_map *map)
{
	static __u64 before;
	__u32 key = 0;
	__u64 lost;

	if (bpf_map__lookup_elem(map, &key, sizeof(key), &lost, sizeof(lost), 0) || lost == before)
		return;
	printf("lost=%llu\n", lost - before);
	fflush(stdout);
	before = lost;
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

/* Puts a key into a map of the policy; false with a message if that can't be. */
static bool add(struct bpf_object *object, const char *map, const void *key, size_t size)
{
	__u32 value = 1;
	struct bpf_map *found = bpf_object__find_map_by_name(object, map);

	if (!found)
		fprintf(stderr, "krsi-watch: this policy has no exemptions\n");
	else if (bpf_map__update_elem(found, key, size, &value, sizeof(value), BPF_ANY))
		fprintf(stderr, "krsi-watch: map %s: %s\n", map, strerror(errno));
	else
		return true;
	return false;
}

/*
 * The device number of the superblock behind a mount; 0 if it is not found. It is
 * what KRSI tells of a file, and st_dev is not where the filesystem makes that up.
 */
static dev_t superblock_dev(__u64 mount)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "r");
	unsigned int major, minor;
	unsigned long long id;
	char *line = NULL;
	size_t size = 0;
	dev_t dev = 0;

	while (mounts && !dev && getline(&line, &size, mounts) >= 0) {
		if (sscanf(line, "%llu %*u %u:%u", &id, &major, &minor) == 3 && id == mount)
			dev = makedev(major, minor);
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return dev;
}

static bool exempt_program(struct bpf_object *object, const char *program)
{
	struct krsi_exempt_exe key = {};
	struct statfs fs;
	struct statx st;

	if (statfs(program, &fs) ||
	    statx(AT_FDCWD, program, 0, STATX_INO | STATX_MNT_ID, &st)) {
		fprintf(stderr, "krsi-watch: %s: %s\n", program, strerror(errno));
		return false;
	}
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC) {
		fprintf(stderr, "krsi-watch: %s lies on overlayfs: name the file in its layer\n",
			program);
		return false;
	}
	key.dev = superblock_dev(st.stx_mnt_id);
	key.ino = st.stx_ino;
	if (!key.dev) {
		fprintf(stderr, "krsi-watch: %s: its mount is not in /proc/self/mountinfo\n",
			program);
		return false;
	}
	return add(object, "exempt_exe", &key, sizeof(key));
}

static bool exempt_prefix(struct bpf_object *object, const char *prefix)
{
	struct krsi_exempt_path key = { .bits = strlen(prefix) * 8 };

	if (!*prefix || strlen(prefix) > sizeof(key.path)) {
		fprintf(stderr, "krsi-watch: -p takes 1 to %zu bytes\n", sizeof(key.path));
		return false;
	}
	memcpy(key.path, prefix, strlen(prefix));
	return add(object, "exempt_path", &key, sizeof(key));
}

#define OPTIONS "ae:p:"

static int usage(void)
{
	fprintf(stderr, "usage: krsi-watch [-a] [-e PROGRAM]... [-p PREFIX]... "
			"POLICY.bpf.o [SECONDS]\n");
	return 2;
}

/* The options that are about the loaded policy. */
static bool exempt(struct bpf_object *object, int argc, char **argv)
{
	int opt;

	optind = 1;
	while ((opt = getopt(argc, argv, OPTIONS)) != -1) {
		if (opt == 'e' && !exempt_program(object, optarg))
			return false;
		if (opt == 'p' && !exempt_prefix(object, optarg))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct ring_buffer *reports = NULL;
	struct bpf_map *map, *lost;
	struct bpf_object *object;
	bool audit = false;
	time_t end = 0;
	int opt;

	while ((opt = getopt(argc, argv, OPTIONS)) != -1) {
		if (opt == '?')
			return usage();
		audit |= opt == 'a';
	}
	if (optind >= argc)
		return usage();
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
	if (!exempt(object, argc, argv))
		return 1;
	map = bpf_object__find_map_by_name(object, "reports");
	lost = bpf_object__find_map_by_name(object, "lost");
	if (map && lost)
		reports = ring_buffer__new(bpf_map__fd(map), print_report, NULL, NULL);
	if (!reports) {
		fprintf(stderr, "krsi-watch: %s has no maps \"reports\" and \"lost\"\n",
			argv[optind]);
		return 1;
	}
	if (attach(object) <= 0)
		return 1;

	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	fprintf(stderr, "krsi-watch: %s is attached\n", argv[optind]);
	while (!stop && (!end || time(NULL) < end)) {
		ring_buffer__poll(reports, 100);
		print_lost(lost);
	}
	ring_buffer__consume(reports);
	print_lost(lost);
	return 0;
}
