/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What krsi-watch does for module_allow: fills its list from a file, has it learn, and
 * says which modules came before it.
 */
#ifndef _KRSI_MODULE_LIST_H
#define _KRSI_MODULE_LIST_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "module_allow.h"
#include "output.h"

#define MODULES "/sys/kernel/security/krsi/modules"

/* How many lines a file has; false with a message if it can't be read, or has none. */
static bool count_lines(const char *path, __u32 *lines)
{
	/* A FIFO must not be waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	struct stat st;
	size_t size = 0;
	bool ok = false;

	*lines = 0;
	if (!file || fstat(fd, &st)) {
		fprintf(stderr, "krsi-watch: %s: %s\n", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		fprintf(stderr, "krsi-watch: %s is no file: it is read twice\n", path);
	} else {
		while (getline(&line, &size, file) >= 0)
			++*lines;
		if (ferror(file))
			fprintf(stderr, "krsi-watch: %s: %s\n", path, strerror(errno));
		else if (!*lines)
			fprintf(stderr, "krsi-watch: %s names no module\n", path);
		else
			ok = true;
	}
	free(line);
	if (file)
		fclose(file);
	return ok;
}

/* Makes room for a list of modules, before the policy is loaded. */
static bool size_list(struct bpf_object *object, const char *path)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "allowed");
	__u32 lines;

	if (!map) {
		fprintf(stderr, "krsi-watch: this policy has no list of modules\n");
		return false;
	}
	if (!count_lines(path, &lines))
		return false;
	if (lines > bpf_map__max_entries(map) && bpf_map__set_max_entries(map, lines)) {
		fprintf(stderr, "krsi-watch: %s: too long\n", path);
		return false;
	}
	return true;
}

static bool parse_digest(const char *line, struct krsi_module_digest *digest)
{
	for (int i = 0; i < KRSI_DIGEST_SIZE; i++) {
		if (strspn(line + 2 * i, "0123456789abcdef") < 2 ||
		    sscanf(line + 2 * i, "%2hhx", &digest->sha256[i]) != 1)
			return false;
	}
	return line[2 * KRSI_DIGEST_SIZE] == ' ';
}

/* Allows the modules of a list: all of them, or false with a message. */
static bool allow_modules(struct bpf_object *object, const char *path)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "allowed");
	struct krsi_module_digest digest;
	FILE *file = fopen(path, "r");
	__u32 value = 1, number = 0;
	char *line = NULL;
	size_t size = 0;
	bool ok = file;

	while (ok && getline(&line, &size, file) >= 0) {
		number++;
		errno = EINVAL;
		ok = parse_digest(line, &digest) &&
		     !bpf_map__update_elem(map, &digest, sizeof(digest), &value, sizeof(value),
					   BPF_ANY);
	}
	/* The error of a read that failed, of whatever line. */
	if (file && ferror(file))
		ok = false;
	if (!ok)
		fprintf(stderr, "krsi-watch: %s, line %u: %s\n", path, number, strerror(errno));
	free(line);
	if (file)
		fclose(file);
	return ok;
}

static bool learn_modules(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "learning");
	__u32 key = 0, value = KRSI_MODULES_LEARNED;

	if (!map)
		fprintf(stderr, "krsi-watch: this policy learns nothing\n");
	else if (bpf_map__update_elem(map, &key, sizeof(key), &value, sizeof(value), BPF_ANY))
		fprintf(stderr, "krsi-watch: map learning: %s\n", strerror(errno));
	else
		return true;
	return false;
}

/*
 * The modules that came before the policy did, as reports without a number: it has
 * judged none of them. KRSI's file has escaped their names.
 */
static void print_loaded(const struct bpf_object *object)
{
	char name[256], digest[80], *line = NULL;
	FILE *modules;
	size_t size = 0;

	if (!bpf_object__find_map_by_name(object, "allowed"))
		return;
	modules = fopen(MODULES, "r");
	if (!modules) {
		fprintf(stderr, "krsi-watch: " MODULES ": %s\n", strerror(errno));
		return;
	}
	while (getline(&line, &size, modules) >= 0) {
		const char *at = strstr(line, " digest=");

		if (at && sscanf(line, "name=%255s", name) == 1 &&
		    sscanf(at, " digest=%79s", digest) == 1) {
			line_add("signal=module_loaded_before value=%s:%s", digest, name);
			line_write();
		}
	}
	free(line);
	fclose(modules);
}

#endif /* _KRSI_MODULE_LIST_H */
