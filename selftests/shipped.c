// SPDX-License-Identifier: GPL-2.0
/* Attaches shipped policies and reads their reports: see shipped.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"
#include "shipped.h"

static int take_report(void *ctx, void *data, size_t size)
{
	const struct krsi_report *report = data;
	struct shipped *shipped = ctx;
	int i;

	if (size != sizeof(struct krsi_report))
		return -EINVAL;
	/* By their numbers: the buffers are read one after the other. */
	for (i = shipped->n < SHIPPED_MAX ? shipped->n : SHIPPED_MAX;
	     i > 0 && shipped->report[i - 1].seq > report->seq; i--) {
		if (i < SHIPPED_MAX)
			shipped->report[i] = shipped->report[i - 1];
	}
	if (i < SHIPPED_MAX)
		shipped->report[i] = *report;
	shipped->n++;
	return 0;
}

static int map_fd(struct shipped *shipped, const char *name)
{
	return bpf_object__find_map_fd_by_name(shipped->policy.obj, name);
}

/* The map that has the variables of env_audit; -errno for other policies. */
static int variables_fd(struct shipped *shipped)
{
	return map_fd(shipped, ".data.variables");
}

int shipped_start(struct shipped *shipped, const char *name, const char *mode)
{
	char object[64];
	__u32 first = 0;
	int ret;

	snprintf(object, sizeof(object), "%s.bpf.o", name);
	ret = policy_take(&shipped->policy, object, name);
	if (ret)
		return ret;
	shipped->ring = ring_buffer__new(map_fd(shipped, "reports"), take_report, shipped, NULL);
	if (!shipped->ring ||
	    ring_buffer__add(shipped->ring, map_fd(shipped, "denials"), take_report, shipped))
		return -errno;
	if (variables_fd(shipped) >= 0 &&
	    bpf_map_lookup_elem(variables_fd(shipped), &first, &shipped->variables))
		return -errno;
	/* A policy that was kept has other tests' reports. */
	shipped_reports(shipped);
	shipped->n = 0;
	return mode_set(mode) ?: policy_attach(&shipped->policy);
}

static void forget(int map, void *key)
{
	while (map >= 0 && !bpf_map_get_next_key(map, NULL, key) && !bpf_map_delete_elem(map, key))
		;
}

void shipped_end(struct shipped *shipped)
{
	struct krsi_exempt_cgroup cgroup;
	struct krsi_allowed_memfd copy;
	struct krsi_exempt_exe exe;
	struct krsi_preload library;
	struct krsi_file_id none = {};
	__u32 first = 0;

	if (shipped->policy.obj) {
		forget(map_fd(shipped, "exempt_exe"), &exe);
		forget(map_fd(shipped, "exempt_parent"), &exe);
		forget(map_fd(shipped, "exempt_cgroup"), &cgroup);
		forget(map_fd(shipped, "allowed_preload"), &library);
		forget(map_fd(shipped, "allowed_memfd"), &copy);
		bpf_map_update_elem(map_fd(shipped, "exempt_dir"), &first, &none, BPF_ANY);
		if (shipped->variables.variable[0].name[0])
			shipped_look_for(shipped, &shipped->variables);
	}
	ring_buffer__free(shipped->ring);
	policy_close(&shipped->policy);
	mode_restore();
}

static int exempt(struct shipped *shipped, const char *map, const void *key)
{
	__u32 value = 1;

	return bpf_map_update_elem(map_fd(shipped, map), key, &value, BPF_ANY);
}

static int exempt_exe(struct shipped *shipped, const char *map, const char *program, __u32 uid)
{
	struct krsi_exempt_exe key = { .uid = uid };
	struct krsi_file_id id = {};
	int ret = file_id(program, &id);

	if (ret)
		return ret;
	key.dev = id.dev;
	key.ino = id.ino;
	key.generation = id.generation;
	return exempt(shipped, map, &key);
}

int shipped_exempt_program(struct shipped *shipped, const char *program)
{
	return shipped_exempt_program_of(shipped, program, KRSI_EXEMPT_ANYONE);
}

int shipped_exempt_program_of(struct shipped *shipped, const char *program, __u32 uid)
{
	return exempt_exe(shipped, "exempt_exe", program, uid);
}

int shipped_exempt_parent(struct shipped *shipped, const char *program)
{
	return exempt_exe(shipped, "exempt_parent", program, KRSI_EXEMPT_ANYONE);
}

int shipped_exempt_dir(struct shipped *shipped, const char *dir)
{
	struct krsi_file_id id = {};
	__u32 first = 0;

	return file_id(dir, &id) ?:
	       bpf_map_update_elem(map_fd(shipped, "exempt_dir"), &first, &id, BPF_ANY);
}

int shipped_exempt_cgroup(struct shipped *shipped, const char *dir)
{
	struct krsi_exempt_cgroup key;
	struct stat st;

	if (stat(dir, &st))
		return -errno;
	key.id = st.st_ino;
	return exempt(shipped, "exempt_cgroup", &key);
}

int shipped_look_for(struct shipped *shipped, const struct krsi_variables *variables)
{
	__u32 first = 0;

	return bpf_map_update_elem(variables_fd(shipped), &first, variables, BPF_ANY);
}

int shipped_allow_preload(struct shipped *shipped, const char *library)
{
	struct krsi_preload key = {};

	memcpy(key.name, library, strnlen(library, sizeof(key.name)));
	return exempt(shipped, "allowed_preload", &key);
}

int shipped_allow_memfd(struct shipped *shipped, const char *program)
{
	struct krsi_allowed_memfd key;

	return sha256_file(program, key.digest) ?: exempt(shipped, "allowed_memfd", &key);
}

int shipped_reports(struct shipped *shipped)
{
	int ret = ring_buffer__consume(shipped->ring);

	return ret < 0 ? ret : shipped->n;
}

bool is_report(struct shipped *shipped, int i, const char *signal, const char *path,
	       const char *value)
{
	const struct krsi_report *report = &shipped->report[i];
	int n = shipped_reports(shipped);

	if (i < n && i < SHIPPED_MAX && !strcmp(report->signal, signal) &&
	    !strcmp(report->path, path) && !strcmp(report->value, value) &&
	    report->value_len == strlen(value) && report->time && report->seq &&
	    report->seq == shipped->report[0].seq + i)
		return true;
	fprintf(stderr, "# report %d of %d, not %s of %s with %s:\n", i, n, signal, path, value);
	if (i < n && i < SHIPPED_MAX)
		fprintf(stderr, "# number %llu: %s of %s with %s (%u) by %u %.16s\n", report->seq,
			report->signal, report->path, report->value, report->value_len,
			report->task.tgid, report->task.comm);
	return false;
}
