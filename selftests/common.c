// SPDX-License-Identifier: GPL-2.0
/* Policies, securityfs and the kernel log, for all tests: see common.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "generation.h"

bool libbpf_quiet;

/* Of what libbpf says the end: there a verifier's log comes to its point. */
static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;
	int len;

	if (level != LIBBPF_WARN || libbpf_quiet)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return 0;
	fprintf(stderr, "# %s", text + (len > 1500 ? len - 1500 : 0));
	free(text);
	return len;
}

const char *test_dir(void)
{
	static char dir[4096];
	ssize_t len;

	if (dir[0])
		return dir;
	len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (len <= 0)
		return "./";
	dir[len] = '\0';
	strrchr(dir, '/')[1] = '\0';
	return dir;
}

const char *test_path(const char *file)
{
	static char paths[4][4096];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s%s", test_dir(), file);
	return path;
}

int policy_open(struct policy *p, const char *object, const char *name)
{
	struct bpf_map *map;

	memset(p, 0, sizeof(*p));
	libbpf_set_print(print);
	p->obj = bpf_object__open_file(test_path(object), NULL);
	if (!p->obj)
		return -errno;
	bpf_object__for_each_map(map, p->obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (strcmp(bpf_map__name(map), name))
			bpf_map__set_autocreate(map, false);
		else
			p->map = map;
	}
	return p->map ? 0 : -ENOENT;
}

int policy_load(struct policy *p)
{
	struct bpf_map *map;
	int ret = bpf_object__load(p->obj);

	if (ret)
		return ret;
	bpf_object__for_each_map(map, p->obj) {
		const char *section = strrchr(bpf_map__name(map), '.');

		if (section && !strcmp(section, ".bss"))
			p->data = bpf_map__initial_value(map, &p->data_size);
	}
	return 0;
}

int policy_attach(struct policy *p)
{
	p->link = bpf_map__attach_struct_ops(p->map);
	return p->link ? 0 : -errno;
}

#define KEPT 4

static struct {
	const char *object, *map;
	struct policy policy;
} kept[KEPT];

static const struct policy *find_kept(const char *object, const char *map)
{
	size_t i;

	for (i = 0; i < KEPT && kept[i].object; i++) {
		if (!strcmp(kept[i].object, object) && !strcmp(kept[i].map, map))
			return &kept[i].policy;
	}
	return NULL;
}

void policy_keep(const char *object, const char *map)
{
	size_t i = 0;

	while (i < KEPT && kept[i].object)
		i++;
	if (i == KEPT || policy_open(&kept[i].policy, object, map) ||
	    policy_load(&kept[i].policy))
		return; /* policy_take() will try again, and its test will say so */
	kept[i].object = object;
	kept[i].map = map;
}

int policy_take(struct policy *p, const char *object, const char *map)
{
	const struct policy *found = find_kept(object, map);

	if (!found)
		return policy_open(p, object, map) ?: policy_load(p);
	*p = *found;
	p->kept = true;
	memset(p->data, 0, p->data_size);
	return 0;
}

int policy_start(struct policy *p, const char *object, const char *map)
{
	return policy_take(p, object, map) ?: policy_attach(p);
}

void policy_detach(struct policy *p)
{
	bpf_link__destroy(p->link);
	p->link = NULL;
}

void policy_close(struct policy *p)
{
	policy_detach(p);
	if (!p->kept)
		bpf_object__close(p->obj);
	memset(p, 0, sizeof(*p));
}

struct krsi_ops *policy_ops(struct policy *p)
{
	size_t size;

	return bpf_map__initial_value(p->map, &size);
}

void policy_name(struct policy *p, const char *name)
{
	struct krsi_ops *ops = policy_ops(p);

	memset(ops->name, 0, sizeof(ops->name));
	memcpy(ops->name, name, strnlen(name, sizeof(ops->name) - 1));
}

int policy_map_fd(struct policy *p)
{
	return bpf_map__fd(p->map);
}

/* The value of key= in a line, up to the next space. */
static void text_field(const char *line, const char *key, char *value, size_t size)
{
	char with[32];
	const char *at;

	snprintf(with, sizeof(with), " %s=", key);
	value[0] = '\0';
	if (!strncmp(line, with + 1, strlen(with + 1))) {
		at = line + strlen(with + 1);
	} else {
		at = strstr(line, with);
		if (!at)
			return;
		at += strlen(with);
	}
	snprintf(value, size, "%.*s", (int)strcspn(at, " \n"), at);
}

static unsigned long long number_field(const char *line, const char *key)
{
	char value[32];

	text_field(line, key, value, sizeof(value));
	/* What no policy can have shows that the key is missing. */
	return value[0] ? strtoull(value, NULL, 10) : ~0ULL;
}

static void parse_line(const char *text, struct policy_line *line)
{
#define TEXT(key) text_field(text, #key, line->key, sizeof(line->key))
#define NUMBER(key) (line->key = number_field(text, #key))
	NUMBER(id);
	TEXT(name);
	TEXT(wanted);
	TEXT(mode);
	TEXT(flags);
	TEXT(ops);
	NUMBER(runs);
	NUMBER(denials);
	NUMBER(would_denials);
	NUMBER(errors);
	NUMBER(memory);
	TEXT(maps);
	NUMBER(uid);
	NUMBER(pid);
	TEXT(comm);
	NUMBER(attached);
	NUMBER(unrecorded);
#undef TEXT
#undef NUMBER
}

int policy_line_nth(const char *name, int n, struct policy_line *line)
{
	FILE *file = fopen(KRSI_FS "policies", "re");
	char *text = NULL;
	size_t size = 0;
	int ret = -ENOENT;

	if (!file)
		return -errno;
	while (ret && getline(&text, &size, file) > 0) {
		char is[sizeof(line->name)];

		text_field(text, "name", is, sizeof(is));
		if ((name && strcmp(is, name)) || n--)
			continue;
		parse_line(text, line);
		ret = 0;
	}
	free(text);
	fclose(file);
	return ret;
}

int policy_line(const char *name, struct policy_line *line)
{
	return policy_line_nth(name, 0, line);
}

int policy_count(const char *name)
{
	FILE *file = fopen(KRSI_FS "policies", "re");
	char is[4 * KRSI_NAME_SIZE];
	char *text = NULL;
	size_t size = 0;
	int n = 0;

	if (!file)
		return -errno;
	while (getline(&text, &size, file) > 0) {
		text_field(text, "name", is, sizeof(is));
		n += !name || !strcmp(is, name);
	}
	free(text);
	fclose(file);
	return n;
}

bool policy_gone(const char *name)
{
	unsigned long long end = now_ms() + 60000;

	while (policy_count(name)) {
		if (now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

int file_read(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (got = read(fd, buf + len, size - 1 - len)) > 0)
		len += got;
	buf[len] = '\0';
	close(fd);
	return len;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text));
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static char old_mode[16];

int mode_set(const char *mode)
{
	int ret;

	if (!old_mode[0]) {
		ret = file_read(KRSI_FS "mode", old_mode, sizeof(old_mode));
		if (ret < 0)
			return ret;
	}
	ret = file_write(KRSI_FS "mode", mode);
	return ret < 0 ? ret : 0;
}

void mode_restore(void)
{
	if (old_mode[0])
		file_write(KRSI_FS "mode", old_mode);
}

static int log_fd = -1;

void log_mark(void)
{
	if (log_fd < 0)
		log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(log_fd, 0, SEEK_END);
}

bool log_has(const char *text)
{
	char record[2048];
	ssize_t len;

	/* EPIPE: records were overwritten before they were read. */
	while ((len = read(log_fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		const char *line;

		if (len <= 0)
			continue;
		record[len] = '\0';
		line = strchr(record, ';');
		if (line && !strncmp(line + 1, "krsi: ", 6) && strstr(line, text))
			return true;
	}
	return false;
}

bool debug_kernel(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

int rounds(int ordinary, int debug)
{
	return debug_kernel() ? debug : ordinary;
}

unsigned long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

int file_id(const char *path, struct krsi_file_id *id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || fstatfs(fd, &fs)) {
		ret = -errno;
	} else {
		id->dev = st.st_dev;
		id->ino = st.st_ino;
		ret = generation_of(fd, st.st_ino, fs.f_type, &id->generation);
	}
	close(fd);
	return ret;
}
