/* SPDX-License-Identifier: GPL-2.0 */
/* Modules as bytes, to be altered and loaded in all the ways there are. */
#ifndef IMAGE_H
#define IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

struct image {
	char *bytes;
	size_t size;
};

enum way {
	FROM_MEMORY, /* init_module() */
	FROM_FILE, /* finit_module() */
	FROM_COMPRESSED_FILE, /* finit_module() with MODULE_INIT_COMPRESSED_FILE */
};

/* Of modules/@module.ko; 0 or -errno, as for all that return int here. */
int image_read(struct image *image, const char *module);
void image_free(struct image *image);

static inline Elf64_Ehdr *image_header(struct image *image)
{
	return (void *)image->bytes;
}

/* NULL if there is none. */
Elf64_Shdr *image_section(struct image *image, const char *name);
/* Where a string stands in a section, with its NUL; NULL. */
char *image_find(struct image *image, const char *section, const char *string);
/* Its name in the struct module. */
int image_rename(struct image *image, const char *from, const char *to);

/* As a file; compressed by zstd, so to say: the blocks are as they were. */
int image_write(const struct image *image, const char *path, bool compressed);
/* Loads it; from a file by one at @path, which stays. */
int image_load(const struct image *image, enum way way, const char *path);
/* Its SHA-256 in hexadecimal, as sha256sum has it. */
int image_digest(const struct image *image, char digest[65]);
/* The same, as bytes. */
int image_sha256(const struct image *image, unsigned char sha256[32]);

#endif /* IMAGE_H */
