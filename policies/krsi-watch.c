// SPDX-License-Identifier: GPL-2.0
/*
 * krsi-watch: attaches a shipped policy and prints what it reports.
 *
 * Usage: krsi-watch [-a] [-e [UID@]PROGRAM]... [-E [UID@]PARENT]... [-p DIR]...
 *		     [-c SHA256]... [-L LIBRARY]... [-u VENDOR:PRODUCT:SERIAL]...
 *		     [-m LIST] [-l] [-x SHA256]... [-b FILE]...
 *		     POLICY.bpf.o [SECONDS]
 *
 * -a attaches in at most audit mode. What PROGRAM or a child of PARENT does, as
 * that user (the real user of who does it) or as any, and what is done to files below
 * DIR is exempt, in policies that know exemptions; a sealed memfd with the digest -c may be
 * executed; LIBRARY may be preloaded; USB sticks of this vendor and product (hexadecimal, as
 * lsusb has them) and serial number are allowed; so are the modules of LIST, which is what
 * sha256sum(1) says of their files, and -l learns others; which modules are there already is
 * printed first. The file with the digest -x is denied, and so is every file with the build
 * id that FILE has. What could never match is an error.
 *
 * Without SECONDS it runs until it is interrupted; the policy is detached when it ends, and
 * not before, whatever becomes of the output: if lines are lost, it says how many and its
 * status is 1. It ends at once if the policy runs in a lower mode than it wants. Everything
 * that somebody else chose is escaped.
 *
 * Documentation/first-policy.rst describes the options and the output.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "module_list.h"
#include "options.h"
#include "output.h"
#include "report.h"

#define POLICIES "/sys/kernel/security/krsi/policies"
/* The words of a line of it, up to the id of the struct_ops map. */
#define POLICY_LINE "id=%*s name=%255s wanted=%15s mode=%15s flags=%*s ops=%*s runs=%*s " \
	"denials=%*s would_denials=%*s errors=%*s memory=%*s maps=%u"

static int print_report(void *ctx, void *data, size_t size)
{
	const struct krsi_report *report = data;

	if (size < sizeof(*report))
		return 0;
	line_add("%llu.%06llu", report->time / 1000000000, report->time / 1000 % 1000000);
	line_add(" seq=%llu", report->seq);
	line_add_escaped("signal", report->signal, sizeof(report->signal));
	line_add(" pid=%u uid=%u", report->task.tgid, report->task.uid);
	line_add_escaped("comm", report->task.comm, sizeof(report->task.comm));
	line_add_escaped("path", report->path, sizeof(report->path));
	line_add_escaped("value", report->value, sizeof(report->value));
	if (report->value_len >= sizeof(report->value))
		line_add("... value_len=%u", report->value_len);
	if (report->times > 1)
		line_add(" times=%u", report->times);
	line_write();
	return 0;
}

/* Says how many reports found no room since that was last said. */
static void print_lost(const struct bpf_map *map)
{
	static __u64 before;
	__u64 lost = 0, count;
	__u32 key;

	for (key = 0; key < KRSI_BEHAVIOURS; key++) {
		if (!bpf_map__lookup_elem(map, &key, sizeof(key), &count, sizeof(count), 0))
			lost += count;
	}
	if (lost == before)
		return;
	/* Until lines are written again; once more at the end. */
	if (output.failed && !is_over())
		return;
	line_add("lost=%llu", lost - before);
	if (line_write())
		before = lost;
	else if (is_over())
		say("krsi-watch: lost=%llu\n", lost - before);
}

/* Whether an attached policy has the mode that it wants; says so if not. */
static bool runs_as_wanted(const struct bpf_map *policy)
{
	char name[256], wanted[16], mode[16], *line = NULL;
	FILE *policies = fopen(POLICIES, "r");
	struct bpf_map_info info = {};
	__u32 map, info_size = sizeof(info);
	bool found = false;
	size_t size = 0;

	if (!policies) {
		fprintf(stderr, "krsi-watch: looking for the mode of %s: " POLICIES ": %s\n",
			bpf_map__name(policy), strerror(errno));
		return false;
	}
	/* If this fails, the id is 0, which no map has. */
	bpf_map_get_info_by_fd(bpf_map__fd(policy), &info, &info_size);
	while (!found && getline(&line, &size, policies) >= 0)
		found = sscanf(line, POLICY_LINE, name, wanted, mode, &map) == 4 && map == info.id;
	free(line);
	fclose(policies);
	if (found && !strcmp(wanted, mode))
		return true;
	if (!found) {
		fprintf(stderr, "krsi-watch: %s is not in " POLICIES "\n", bpf_map__name(policy));
		return false;
	}
	fprintf(stderr, "krsi-watch: %s is wanted in %s, but runs in %s, the machine's mode",
		name, wanted, mode);
	fprintf(stderr, "%s\n", strcmp(mode, "audit") ? "" : "; -a attaches in audit mode");
	return false;
}

/* Attaches each policy of the object by a link, which lasts as long as this process. */
static bool attach(struct bpf_object *object, const char *path)
{
	struct bpf_map *map;
	bool attached = false;

	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (!bpf_map__attach_struct_ops(map)) {
			fprintf(stderr, "krsi-watch: attaching %s: %s; the kernel log says why\n",
				bpf_map__name(map), strerror(errno));
			return false;
		}
		if (!runs_as_wanted(map))
			return false;
		attached = true;
	}
	if (!attached)
		fprintf(stderr, "krsi-watch: %s has no policy\n", path);
	return attached;
}

/* Sets KRSI_AUDIT in each policy of the object; false with a message if that can't be. */
static bool ask_for_audit(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		struct krsi_ops *ops;
		size_t size;

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		ops = bpf_map__initial_value(map, &size);
		if (!ops || size < offsetof(struct krsi_ops, reserved)) {
			fprintf(stderr, "krsi-watch: %s: -a takes libbpf 1.4 or newer\n",
				bpf_map__name(map));
			return false;
		}
		ops->flags |= KRSI_AUDIT;
	}
	return true;
}

#define OPTIONS "ae:E:p:c:L:u:m:lx:b:"

static int usage(void)
{
	fprintf(stderr, "usage: krsi-watch [-a] [-e [UID@]PROGRAM]... [-E [UID@]PARENT]... "
			"[-p DIR]... [-c SHA256]... [-L LIBRARY]... "
			"[-u VENDOR:PRODUCT:SERIAL]... [-m LIST] [-l] [-x SHA256]... "
			"[-b FILE]... POLICY.bpf.o [SECONDS]\n");
	return 2;
}

/*
 * The options that are about the policy's maps: first looked at, and when the policy is
 * loaded put there.
 */
static bool set_up(struct bpf_object *object, bool loaded, int argc, char **argv)
{
	__u32 dirs = 0;
	int opt;

	optind = 1;
	while ((opt = getopt(argc, argv, OPTIONS)) != -1) {
		if (opt == 'e' && !exempt_program(object, "exempt_exe", optarg))
			return false;
		if (opt == 'E' && !exempt_program(object, "exempt_parent", optarg))
			return false;
		if (opt == 'p' && !exempt_dir(object, optarg, dirs++))
			return false;
		if (opt == 'L' && !allow_preload(object, optarg))
			return false;
		if (opt == 'u' && !allow_usb(object, optarg))
			return false;
		if (opt == 'c' && !add_digest(object, "allowed_memfd", optarg))
			return false;
		if (opt == 'x' && !add_digest(object, "denied_digest", optarg))
			return false;
		if (opt == 'b' && !deny_build_id(object, optarg))
			return false;
		if (opt == 'm' && loaded && !allow_modules(object, optarg))
			return false;
		if (opt == 'l' && loaded && !learn_modules(object))
			return false;
	}
	return true;
}

/* A whole number of seconds; false if it is none, such as a second policy. */
static bool parse_seconds(const char *text, __u64 *seconds)
{
	char *after;

	errno = 0;
	*seconds = strtoul(text, &after, 10);
	return isdigit(*text) && !*after && !errno && *seconds <= UINT_MAX;
}

/* Until it is told to end, whatever becomes of the output. */
static void watch(struct ring_buffer *reports, const struct bpf_map *lost)
{
	while (!is_over()) {
		ring_buffer__poll(reports, WAIT_MS);
		print_lost(lost);
	}
	ring_buffer__consume(reports);
	print_lost(lost);
}

int main(int argc, char **argv)
{
	struct ring_buffer *reports = NULL;
	struct bpf_map *map, *denials, *lost;
	struct bpf_object *object;
	const char *list = NULL, *policy;
	bool audit = false, timed;
	__u64 seconds = 0;
	int opt;

	output_begin();
	while ((opt = getopt(argc, argv, OPTIONS)) != -1) {
		if (opt == '?')
			return usage();
		audit |= opt == 'a';
		if (opt == 'm' && list)
			return usage();
		if (opt == 'm')
			list = optarg;
	}
	if (optind + 1 != argc && optind + 2 != argc)
		return usage();
	policy = argv[optind];
	timed = optind + 2 == argc;
	if (timed && !parse_seconds(argv[optind + 1], &seconds)) {
		fprintf(stderr, "krsi-watch: %s is no number of seconds\n", argv[optind + 1]);
		return usage();
	}

	object = bpf_object__open_file(policy, NULL);
	if (!object) {
		fprintf(stderr, "krsi-watch: opening %s: %s\n", policy, strerror(errno));
		return 1;
	}
	if (audit && !ask_for_audit(object))
		return 1;
	if (list && !size_list(object, list))
		return 1;
	if (!set_up(object, false, argc, argv))
		return 1;
	if (bpf_object__load(object)) {
		fprintf(stderr, "krsi-watch: loading %s: %s; the kernel log says why\n", policy,
			strerror(errno));
		return 1;
	}
	if (!set_up(object, true, argc, argv))
		return 1;
	map = bpf_object__find_map_by_name(object, "reports");
	lost = bpf_object__find_map_by_name(object, "lost");
	denials = bpf_object__find_map_by_name(object, "denials");
	if (map && denials && lost)
		reports = ring_buffer__new(bpf_map__fd(map), print_report, NULL, NULL);
	if (!reports || ring_buffer__add(reports, bpf_map__fd(denials), print_report, NULL)) {
		fprintf(stderr, "krsi-watch: %s has no maps \"reports\", \"denials\" and \"lost\"\n", policy);
		return 1;
	}
	if (!attach(object, policy))
		return 1;

	if (timed)
		end = boot_ns() + seconds * 1000000000;
	say("krsi-watch: %s is attached\n", policy);
	print_loaded(object);
	watch(reports, lost);
	return output_end() ? 0 : 1;
}
