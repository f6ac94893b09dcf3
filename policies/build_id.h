/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* How user space learns which build id the kernel finds in a file: by the same rules. */
#ifndef _KRSI_BUILD_ID_H
#define _KRSI_BUILD_ID_H

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "binary.h"

/* How many segments the kernel looks at. */
#define BUILD_ID_SEGMENTS 256

/* 0; -ENODATA if the file has less; or -errno. */
static inline int build_id_fetch(int fd, void *to, size_t size, __u64 at)
{
	ssize_t n = at > INT64_MAX ? 0 : pread(fd, to, size, at);

	return n < 0 ? -errno : n == (ssize_t)size ? 0 : -ENODATA;
}

/* The first one in a segment of notes; 0, -ENODATA without one, or -errno. */
static inline int build_id_in(int fd, __u64 at, __u32 size, struct krsi_binary_build_id *id)
{
	struct {
		Elf32_Nhdr head;
		char name[4];
	} note;
	__u64 end, next;

	if (__builtin_add_overflow(at, size, &end) || end > UINT32_MAX)
		return -ENODATA;
	for (; end - at > sizeof(note); at = next) {
		int ret = build_id_fetch(fd, &note, sizeof(note), at);

		if (ret)
			return ret;
		next = at + sizeof(note.head) + ((note.head.n_namesz + 3ULL) & ~3ULL) +
		       ((note.head.n_descsz + 3ULL) & ~3ULL);
		if (next > end)
			break;
		if (note.head.n_type == NT_GNU_BUILD_ID && note.head.n_descsz > 0 &&
		    note.head.n_descsz <= sizeof(id->value) &&
		    note.head.n_namesz == sizeof(note.name) &&
		    !memcmp(note.name, "GNU", sizeof(note.name))) {
			id->size = note.head.n_descsz;
			return build_id_fetch(fd, id->value, id->size, at + sizeof(note));
		}
	}
	return -ENODATA;
}

/*
 * That of an open file, as a key of the map `denied_build_id`; 0, -ENODATA if it has
 * none, or -errno.
 */
static inline int read_build_id(int fd, struct krsi_binary_build_id *id)
{
	Elf32_Ehdr head32;
	Elf32_Phdr part32;
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int ret = build_id_fetch(fd, &head32, sizeof(head32), 0), n, i;
	bool is_32 = !ret && head32.e_ident[EI_CLASS] == ELFCLASS32;

	memset(id, 0, sizeof(*id));
	if (!ret && !is_32)
		ret = build_id_fetch(fd, &head, sizeof(head), 0);
	if (ret)
		return ret;
	if (memcmp(head32.e_ident, ELFMAG, SELFMAG) ||
	    (head32.e_type != ET_EXEC && head32.e_type != ET_DYN) ||
	    (!is_32 && head32.e_ident[EI_CLASS] != ELFCLASS64))
		return -ENODATA;
	n = is_32 ? head32.e_phnum : head.e_phnum;
	for (i = 0; i < n && i < BUILD_ID_SEGMENTS; i++) {
		if (is_32) {
			ret = build_id_fetch(fd, &part32, sizeof(part32),
					     head32.e_phoff + i * sizeof(part32));
			part.p_type = part32.p_type;
			part.p_offset = part32.p_offset;
			part.p_filesz = part32.p_filesz;
		} else {
			ret = build_id_fetch(fd, &part, sizeof(part),
					     head.e_phoff + i * sizeof(part));
		}
		if (ret)
			return ret;
		if (part.p_type == PT_NOTE && !build_id_in(fd, part.p_offset, part.p_filesz, id))
			return 0;
	}
	memset(id, 0, sizeof(*id));
	return -ENODATA;
}

#endif /* _KRSI_BUILD_ID_H */
