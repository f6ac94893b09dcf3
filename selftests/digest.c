// SPDX-License-Identifier: GPL-2.0
/* Digests by sha256sum(1), which computes them itself, and what KRSI says: see digest.h. */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/fsverity.h>

#include "digest.h"

int sha256_file(const char *path, unsigned char digest[32])
{
	char command[512];
	FILE *pipe;
	int i, n = 0;

	snprintf(command, sizeof(command), "sha256sum <'%s'", path);
	pipe = popen(command, "re");
	if (!pipe)
		return -errno;
	for (i = 0; i < 32; i++)
		n += fscanf(pipe, "%2hhx", &digest[i]) == 1;
	/* Else it ends by a signal. */
	while (fgetc(pipe) != EOF)
		;
	return pclose(pipe) || n != 32 ? -EIO : 0;
}

int file_append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ssize_t n = write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

void hex_of(char *hex, const unsigned char *value, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", value[i]);
}

int make_program(const char *path, char byte, off_t *tail)
{
	char *text = malloc(TAIL);
	struct stat st;
	int fd, ret;

	memset(text, byte, TAIL);
	ret = file_copy(test_path("exit0"), path, 0755) ?: stat(path, &st);
	*tail = st.st_size;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (!ret && write(fd, text, TAIL) != TAIL)
		ret = -EIO;
	close(fd);
	free(text);
	return ret;
}

/* A memfd with the program in it, that an exec inherits. */
int memfd_of(const char *program, unsigned int seals)
{
	int in = open(program, O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("krsi", MFD_ALLOW_SEALING);
	struct stat st;
	off_t at = 0;

	fstat(in, &st);
	while (at < st.st_size && sendfile(fd, in, &at, st.st_size - at) > 0)
		;
	close(in);
	return at != st.st_size || fcntl(fd, F_ADD_SEALS, seals) ? -errno : fd;
}

/* The id in the first note of a file that says it is one. */
int build_id_of(const char *path, unsigned char id[20])
{
	static char file[1 << 20];
	int size = file_read(path, file, sizeof(file)), i;
	const Elf64_Ehdr *ehdr = (void *)file;
	const Elf64_Phdr *phdr = (void *)(file + ehdr->e_phoff);

	for (i = 0; i < ehdr->e_phnum && size > 0; i++) {
		size_t at = phdr[i].p_offset, end = at + phdr[i].p_filesz;

		while (phdr[i].p_type == PT_NOTE && at + sizeof(Elf64_Nhdr) < end) {
			const Elf64_Nhdr *note = (void *)(file + at);

			if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz <= 20) {
				memcpy(id, file + at + sizeof(*note) + 4, note->n_descsz);
				return note->n_descsz;
			}
			at += sizeof(*note) + ((note->n_namesz + 3) & ~3) +
			      ((note->n_descsz + 3) & ~3);
		}
	}
	return -ENOENT;
}

int verity_enable(const char *path, int alg, unsigned char value[64])
{
	__u64 room[(sizeof(struct fsverity_digest) + 64 + 7) / 8] = {};
	struct fsverity_digest *digest = (void *)room;
	struct fsverity_enable_arg enable = { .version = 1, .hash_algorithm = alg };
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	struct statfs fs;

	if (fstatfs(fd, &fs))
		ret = -errno;
	enable.block_size = fs.f_bsize;
	digest->digest_size = 64;
	if (!ret && (ioctl(fd, FS_IOC_ENABLE_VERITY, &enable) ||
		     ioctl(fd, FS_IOC_MEASURE_VERITY, digest)))
		ret = -errno;
	close(fd);
	memcpy(value, digest->digest, 64);
	return ret ?: digest->digest_size;
}

static int counter_start(struct seeing *seeing)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .bpf_cookie = 0);
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t size;

	seeing->counter = bpf_object__open_file(test_path("hits.bpf.o"), NULL);
	if (!seeing->counter || bpf_object__load(seeing->counter))
		return -errno;
	prog = bpf_object__find_program_by_name(seeing->counter, "hit");
	map = bpf_object__find_map_by_name(seeing->counter, ".bss");
	seeing->hits = bpf_map__initial_value(map, &size);
	return bpf_program__attach_kprobe_opts(prog, "__sha256_update", &opts) ? 0 : -errno;
}

int seeing_start(struct seeing *seeing)
{
	int ret = counter_start(seeing);

	if (!ret)
		ret = policy_start(&seeing->policy, "digests.bpf.o", "digests_all");
	seeing->seen = seeing->policy.data;
	return ret;
}

void seeing_end(struct seeing *seeing)
{
	policy_close(&seeing->policy);
	bpf_object__close(seeing->counter);
}

static void seeing_begin(struct seeing *seeing)
{
	memset(seeing->seen, 0, sizeof(*seeing->seen));
	seeing->seen->ops = DIGESTS_EXEC;
	seeing->seen->event[0].digest_ret = -ENOMSG;
	seeing->hits->tgid = 0;
	seeing->hits->n[0] = 0;
}

const struct digest_event *seeing_exec(struct seeing *seeing, struct run how)
{
	seeing_begin(seeing);
	how.tgid[0] = &seeing->seen->tgid;
	how.tgid[1] = &seeing->hits->tgid;
	seeing->result = run(&how);
	return &seeing->seen->event[0];
}

const struct digest_event *seeing_ask(struct seeing *seeing, const char *path)
{
	char *argv[] = { (char *)path, NULL }, *envp[] = { NULL };

	seeing_begin(seeing);
	seeing->seen->tgid = getpid();
	seeing->hits->tgid = getpid();
	seeing->result = syscall(SYS_execveat, AT_FDCWD, path, argv, envp, AT_EXECVE_CHECK) ?
			 -errno : 0;
	return &seeing->seen->event[0];
}

int seeing_hashed(const struct seeing *seeing)
{
	return seeing->hits->n[0];
}

bool is_digest_of(const struct digest_event *event, const char *path)
{
	unsigned char expected[32];
	int ret = sha256_file(path, expected);
	char hex[2][65];

	if (!ret && event->digest_ret == 32 && event->digest.algo == KRSI_DIGEST_SHA256 &&
	    event->digest.size == 32 && !memcmp(event->digest.value, expected, 32))
		return true;
	hex_of(hex[0], event->digest.value, 32);
	hex_of(hex[1], expected, 32);
	fprintf(stderr, "# digest_ret %d algo %u %s, not %s of %s (%d)\n", event->digest_ret,
		event->digest.algo, hex[0], hex[1], path, ret);
	return false;
}
