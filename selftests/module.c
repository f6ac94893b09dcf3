// SPDX-License-Identifier: GPL-2.0
/* Modules and the ledger of them: see module.h. */

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"
#include "module.h"

/* Of struct module's name, with its NUL. */
#define NAME_SIZE (64 - sizeof(long))

/* The section that becomes the struct module. */
static char *find_record(char *image, size_t *size)
{
	Elf64_Ehdr *header = (void *)image;
	Elf64_Shdr *section = (void *)(image + header->e_shoff);
	const char *names = image + section[header->e_shstrndx].sh_offset;
	int i;

	for (i = 0; i < header->e_shnum; i++) {
		if (strcmp(names + section[i].sh_name, ".gnu.linkonce.this_module"))
			continue;
		*size = section[i].sh_size;
		return image + section[i].sh_offset;
	}
	return NULL;
}

static int rename_image(char *image, const char *from, const char *to)
{
	size_t size, len = strlen(to);
	char *record = find_record(image, &size), *name;

	name = record ? memmem(record, size, from, strlen(from) + 1) : NULL;
	if (!name || len >= NAME_SIZE)
		return -EINVAL;
	memset(name, 0, NAME_SIZE);
	memcpy(name, to, len);
	return 0;
}

int module_load(const char *file, const char *name, const char *args)
{
	char path[4096], *image;
	struct stat st;
	int ret;

	snprintf(path, sizeof(path), "%smodules/%s.ko", test_dir(), file);
	if (stat(path, &st))
		return -errno;
	image = malloc(st.st_size + 1);
	if (!image)
		return -ENOMEM;
	ret = file_read(path, image, st.st_size + 1);
	if (ret == st.st_size)
		ret = name ? rename_image(image, file, name) : 0;
	if (!ret && syscall(SYS_init_module, image, st.st_size, args ?: ""))
		ret = -errno;
	free(image);
	return ret;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, 0) ? -errno : 0;
}

void word_of(const char *line, const char *key, char *value, size_t size)
{
	char with[32];
	const char *at = line;
	size_t len = snprintf(with, sizeof(with), "%s=", key);

	value[0] = '\0';
	while (at && strncmp(at, with, len)) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (at)
		snprintf(value, size, "%.*s", (int)strcspn(at + len, " \n"), at + len);
}

static unsigned long long number_of(const char *line, const char *key)
{
	char value[32];

	word_of(line, key, value, sizeof(value));
	/* What none can have shows that the key is missing. */
	return value[0] ? strtoull(value, NULL, 10) : ~0ULL;
}

/* Calls @take with each line until it answers true: 0; else -ENOENT. */
static int each_line(bool (*take)(const char *line, void *arg), void *arg)
{
	FILE *file = fopen(MODULES, "re");
	char *line = NULL;
	size_t size = 0;
	int ret = -ENOENT;

	if (!file)
		return -errno;
	while (ret && getline(&line, &size, file) > 0) {
		if (take(line, arg))
			ret = 0;
	}
	free(line);
	fclose(file);
	return ret;
}

static bool take_row(const char *line, void *arg)
{
	struct module_row *row = arg;
	char name[sizeof(row->name)];

	word_of(line, "name", name, sizeof(name));
	if (strncmp(line, "name=", 5) || strcmp(name, row->name))
		return false;
#define TEXT(key) word_of(line, #key, row->key, sizeof(row->key))
#define NUMBER(key) (row->key = number_of(line, #key))
	TEXT(state);
	TEXT(in);
	TEXT(missing);
	TEXT(altered);
	TEXT(text);
	TEXT(comm);
	TEXT(source);
	TEXT(digest);
	NUMBER(uid);
	NUMBER(pid);
	NUMBER(age);
	NUMBER(looks);
#undef TEXT
#undef NUMBER
	return true;
}

int module_row(const char *name, struct module_row *row)
{
	snprintf(row->name, sizeof(row->name), "%s", name);
	return each_line(take_row, row);
}

bool module_row_gone(const char *name)
{
	unsigned long long end = now_ms() + 60000;
	struct module_row row;

	while (!module_row(name, &row)) {
		if (now_ms() > end)
			return false;
		module_look();
		usleep(10000);
	}
	return true;
}

static bool take_total(const char *line, void *arg)
{
	struct module_total *total = arg;

	if (strncmp(line, "total ", 6))
		return false;
	total->rows = number_of(line, "rows");
	total->lost = number_of(line, "lost");
	total->looks = number_of(line, "looks");
	return true;
}

int module_total(struct module_total *total)
{
	return each_line(take_total, total);
}

int module_shown(const char *name, struct module_shown *shown)
{
	FILE *file = fopen("/proc/modules", "re");
	char *line = NULL, found[64];
	size_t size = 0;
	int ret = -ENOENT;

	if (!file)
		return -errno;
	while (ret && getline(&line, &size, file) > 0) {
		if (sscanf(line, "%63s %llu %*s %*s %15s %llx", found, &shown->size,
			   shown->state, &shown->text) == 4 && !strcmp(found, name))
			ret = 0;
	}
	free(line);
	fclose(file);
	return ret;
}

int module_look(void)
{
	int ret = file_write(MODULES, "look");

	return ret < 0 ? ret : 0;
}
