// SPDX-License-Identifier: GPL-2.0
/* Modules as bytes: see image.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/module.h>

#include "common.h"
#include "image.h"

/* Of struct module's name, with its NUL. */
#define NAME_SIZE (64 - sizeof(long))

int image_read(struct image *image, const char *module)
{
	char path[4096];
	struct stat st;
	int ret;

	snprintf(path, sizeof(path), "%smodules/%s.ko", test_dir(), module);
	if (stat(path, &st))
		return -errno;
	image->size = st.st_size;
	image->bytes = malloc(st.st_size + 1);
	if (!image->bytes)
		return -ENOMEM;
	ret = file_read(path, image->bytes, st.st_size + 1);
	return ret == st.st_size ? 0 : ret < 0 ? ret : -EIO;
}

void image_free(struct image *image)
{
	free(image->bytes);
	image->bytes = NULL;
}

Elf64_Shdr *image_section(struct image *image, const char *name)
{
	Elf64_Ehdr *header = image_header(image);
	Elf64_Shdr *section = (void *)(image->bytes + header->e_shoff);
	const char *names = image->bytes + section[header->e_shstrndx].sh_offset;

	for (int i = 0; i < header->e_shnum; i++) {
		if (!strcmp(names + section[i].sh_name, name))
			return &section[i];
	}
	return NULL;
}

char *image_find(struct image *image, const char *section, const char *string)
{
	Elf64_Shdr *found = image_section(image, section);

	return found ? memmem(image->bytes + found->sh_offset, found->sh_size, string,
			      strlen(string) + 1) : NULL;
}

int image_rename(struct image *image, const char *from, const char *to)
{
	char *name = image_find(image, ".gnu.linkonce.this_module", from);

	if (!name || strlen(to) >= NAME_SIZE)
		return -EINVAL;
	memset(name, 0, NAME_SIZE);
	memcpy(name, to, strlen(to));
	return 0;
}

/* A zstd frame without a checksum, a window of 128 KiB, and blocks that are raw. */
static bool write_frame(FILE *file, const struct image *image)
{
	static const unsigned char header[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38 };
	bool ok = fwrite(header, sizeof(header), 1, file) == 1;
	size_t at = 0, n;

	do {
		size_t left = image->size - at;
		unsigned int block;

		n = left < 1 << 17 ? left : 1 << 17;
		block = n << 3 | (n == left);
		/* Three bytes, the lowest first. */
		ok = ok && fwrite(&block, 3, 1, file) == 1 &&
		     fwrite(image->bytes + at, 1, n, file) == n;
		at += n;
	} while (at < image->size);
	return ok;
}

int image_write(const struct image *image, const char *path, bool compressed)
{
	FILE *file = fopen(path, "we");
	bool ok;

	if (!file)
		return -errno;
	if (compressed)
		ok = write_frame(file, image);
	else
		ok = fwrite(image->bytes, 1, image->size, file) == image->size;
	return (fclose(file) || !ok) ? -EIO : 0;
}

int image_load(const struct image *image, enum way way, const char *path)
{
	int flags = way == FROM_COMPRESSED_FILE ? MODULE_INIT_COMPRESSED_FILE : 0;
	int fd, ret;

	if (way == FROM_MEMORY)
		return syscall(SYS_init_module, image->bytes, image->size, "") ? -errno : 0;
	ret = image_write(image, path, way == FROM_COMPRESSED_FILE);
	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", flags) ? -errno : 0;
	close(fd);
	return ret;
}

int image_digest(const struct image *image, char digest[65])
{
	char path[64], command[128];
	FILE *pipe;
	int ret;

	snprintf(path, sizeof(path), "/tmp/krsi_digest_%d", getpid());
	snprintf(command, sizeof(command), "sha256sum %s", path);
	ret = image_write(image, path, false);
	if (ret)
		return ret;
	pipe = popen(command, "re");
	if (!pipe || fscanf(pipe, "%64[0-9a-f]", digest) != 1 || strlen(digest) != 64)
		ret = -EIO;
	if (pipe)
		pclose(pipe);
	unlink(path);
	return ret;
}

int image_sha256(const struct image *image, unsigned char sha256[32])
{
	char digest[65];
	int ret = image_digest(image, digest);

	for (int i = 0; !ret && i < 32; i++) {
		if (sscanf(digest + 2 * i, "%2hhx", &sha256[i]) != 1)
			ret = -EIO;
	}
	return ret;
}
