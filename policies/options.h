/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The options of krsi-watch that put something into a map of the policy. Each says why if
 * what it names can't be there, or could never match.
 */
#ifndef _KRSI_OPTIONS_H
#define _KRSI_OPTIONS_H

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "binary.h"
#include "build_id.h"
#include "generation.h"
#include "preload.h"
#include "report.h"

/*
 * Puts a key into a map of the policy; false with a message if that can't be. Before the
 * object is loaded, which takes seconds, it only looks whether there is such a map.
 */
static bool add(struct bpf_object *object, const char *map, const void *key, size_t size)
{
	__u32 value = 1;
	struct bpf_map *found = bpf_object__find_map_by_name(object, map);

	if (!found)
		fprintf(stderr, "krsi-watch: this policy has no map %s\n", map);
	else if (bpf_map__fd(found) >= 0 &&
		 bpf_map__update_elem(found, key, size, &value, sizeof(value), BPF_ANY))
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

/* What KRSI tells of a file or directory; false with a message if that is not known. */
static bool identify(const char *path, struct krsi_file_id *id, mode_t type)
{
	/* A FIFO that is no program must not be waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), ret;
	struct statfs fs;
	struct statx st;

	if (fd < 0 || fstatfs(fd, &fs) ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_TYPE | STATX_MNT_ID, &st)) {
		fprintf(stderr, "krsi-watch: %s: %s\n", path, strerror(errno));
	} else if ((st.stx_mode & S_IFMT) != type) {
		fprintf(stderr, "krsi-watch: %s is no %s\n", path,
			type == S_IFDIR ? "directory" : "program");
	} else if (fs.f_type == OVERLAYFS_SUPER_MAGIC) {
		fprintf(stderr, "krsi-watch: %s lies on overlayfs: name it in its layer\n", path);
	} else if ((ret = generation_of(fd, st.stx_ino, fs.f_type, &id->generation))) {
		fprintf(stderr, "krsi-watch: %s: reading its generation: %s\n", path,
			strerror(-ret));
	} else {
		id->dev = superblock_dev(st.stx_mnt_id);
		id->ino = st.stx_ino;
		if (!id->dev)
			fprintf(stderr, "krsi-watch: %s: its mount is not in /proc/self/mountinfo\n",
				path);
	}
	if (fd >= 0)
		close(fd);
	return id->dev;
}

/*
 * Whether a file can be what a process runs, its executable; false with a message if not.
 * Of all else that can be executed, that is the interpreter.
 */
static bool is_executable(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	Elf32_Ehdr elf = {}; /* one of 64 bits begins alike */
	const char *wrong = NULL;
	struct stat st;

	if (fd < 0 || pread(fd, &elf, sizeof(elf), 0) < 0 || fstat(fd, &st))
		wrong = strerror(errno);
	else if (!memcmp(elf.e_ident, "#!", 2))
		wrong = "is a script: what a process runs is its interpreter";
	else if (memcmp(elf.e_ident, ELFMAG, SELFMAG))
		wrong = "is no ELF file: what a process runs is an interpreter of it";
	else if (elf.e_type != ET_EXEC && elf.e_type != ET_DYN)
		wrong = "is an ELF file, but no program";
	else if (!(st.st_mode & 0111))
		wrong = "may be executed by nobody";
	if (wrong)
		fprintf(stderr, "krsi-watch: %s: %s\n", path, wrong);
	if (fd >= 0)
		close(fd);
	return !wrong;
}

/* [UID@]PROGRAM */
static bool exempt_program(struct bpf_object *object, const char *map, const char *program)
{
	struct krsi_exempt_exe key = { .uid = KRSI_EXEMPT_ANYONE };
	struct krsi_file_id id = {};
	char *end;
	unsigned long uid = strtoul(program, &end, 10);

	if (*end == '@' && (*program < '0' || *program > '9' || uid >= KRSI_EXEMPT_ANYONE)) {
		fprintf(stderr, "krsi-watch: %s: what stands before the @ is no user id\n", program);
		return false;
	}
	if (end != program && *end == '@') {
		key.uid = uid;
		program = end + 1;
	}
	if (!identify(program, &id, S_IFREG) || !is_executable(program))
		return false;
	key.dev = id.dev;
	key.ino = id.ino;
	key.generation = id.generation;
	return add(object, map, &key, sizeof(key));
}

/* The directory of this number. */
static bool exempt_dir(struct bpf_object *object, const char *path, __u32 number)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "exempt_dir");
	struct krsi_file_id dir = {};

	if (!map)
		fprintf(stderr, "krsi-watch: this policy has no exemptions\n");
	else if (number == KRSI_EXEMPT_DIRS)
		fprintf(stderr, "krsi-watch: -p takes %d directories\n", KRSI_EXEMPT_DIRS);
	else if (!identify(path, &dir, S_IFDIR))
		;
	else if (bpf_map__fd(map) >= 0 &&
		 bpf_map__update_elem(map, &number, sizeof(number), &dir, sizeof(dir), BPF_ANY))
		fprintf(stderr, "krsi-watch: map exempt_dir: %s\n", strerror(errno));
	else
		return true;
	return false;
}

/* A library as LD_PRELOAD names it: as a path, or as a name that the loader looks for. */
static bool allow_preload(struct bpf_object *object, const char *library)
{
	struct krsi_preload key = {};
	const char *wrong = NULL;
	struct stat st;

	/* musl separates by all white space, others by less. */
	if (!*library || library[strcspn(library, " \t\n\v\f\r:")])
		wrong = "is no single library: name each by a -L of its own";
	else if (strlen(library) >= sizeof(key.name))
		wrong = "is too long";
	else if (strchr(library, '$'))
		wrong = "has a $, for which the loader puts something else";
	else if (strchr(library, '/') && *library != '/')
		wrong = "is a path from where a process happens to be";
	else if (*library == '/' && stat(library, &st))
		wrong = strerror(errno);
	else if (*library == '/' && !S_ISREG(st.st_mode))
		wrong = "is no file";
	if (wrong) {
		fprintf(stderr, "krsi-watch: -L %s: %s\n", library, wrong);
		return false;
	}
	memcpy(key.name, library, strlen(library));
	return add(object, "allowed_preload", &key, sizeof(key));
}

/* VENDOR:PRODUCT:SERIAL, the last may be empty: then sticks that have none are allowed. */
static bool allow_usb(struct bpf_object *object, const char *stick)
{
	struct krsi_usb_id id = {};
	int length = 0;

	if (sscanf(stick, "%4hx:%4hx:%n", &id.vendor, &id.product, &length) != 2 || !length ||
	    strlen(stick + length) >= sizeof(id.serial)) {
		fprintf(stderr, "krsi-watch: %s is not VENDOR:PRODUCT:SERIAL\n", stick);
		return false;
	}
	memcpy(id.serial, stick + length, strlen(stick + length));
	return add(object, "allowed_usb", &id, sizeof(id));
}

/* A SHA-256 as the key of a map, as sha256sum(1) has it. */
static bool add_digest(struct bpf_object *object, const char *map, const char *hex)
{
	__u8 key[KRSI_DIGEST_SIZE];
	size_t i;

	for (i = 0; i < sizeof(key) && isxdigit(hex[2 * i]) && isxdigit(hex[2 * i + 1]); i++)
		sscanf(hex + 2 * i, "%2hhx", &key[i]);
	if (i == sizeof(key) && !hex[2 * i])
		return add(object, map, key, sizeof(key));
	fprintf(stderr, "krsi-watch: %s is no SHA-256 in hexadecimal\n", hex);
	return false;
}

/* Of this file, and with it all that were built as it was. */
static bool deny_build_id(struct bpf_object *object, const char *path)
{
	struct krsi_binary_build_id key;
	/* A FIFO must not be waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), ret;

	ret = fd < 0 ? -errno : read_build_id(fd, &key);
	if (fd >= 0)
		close(fd);
	if (!ret)
		return add(object, "denied_build_id", &key, sizeof(key));
	fprintf(stderr, "krsi-watch: -b %s: %s\n", path,
		ret == -ENODATA ? "has no build id" : strerror(-ret));
	return false;
}

#endif /* _KRSI_OPTIONS_H */
