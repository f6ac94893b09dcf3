// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a hostile ELF file has no build id, or one that stands in it: cut short,
 * with counts, offsets and sizes that overflow, of the wrong class, type and byte order;
 * and that nothing but its mapping comes of it. Each is mapped executable, where the file
 * is read, and made so by mprotect(2), where only what is in memory is looked at.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "digest.h"

KEEP_POLICIES("digests.bpf.o", "digests_all")

#define DIR "/tmp/krsi_build_id"
#define PATH DIR "/f"
#define PAGE 4096
#define SIZE (2 * PAGE)
#define NOTE_AT 0x200
#define ID_SIZE 20

FIXTURE(elf)
{
	struct seeing seeing;
	struct digests *seen;
	union {
		unsigned char bytes[SIZE];
		Elf64_Ehdr head;
		Elf32_Ehdr head32;
	};
	size_t size;
	Elf64_Phdr *segments;
	Elf64_Nhdr *note;
	char *name;
	unsigned char *id;
};

/* A whole file of 64 bits, whose only segment has one note. */
FIXTURE_SETUP(elf)
{
	int i;

	ASSERT_EQ(0, private_tmpfs(DIR));
	memset(self->bytes, 0, SIZE);
	self->size = SIZE;
	memcpy(self->head.e_ident, ELFMAG, SELFMAG);
	self->head.e_ident[EI_CLASS] = ELFCLASS64;
	self->head.e_ident[EI_DATA] = ELFDATA2LSB;
	self->head.e_type = ET_DYN;
	self->head.e_phoff = sizeof(self->head);
	self->head.e_phnum = 1;
	self->segments = (void *)(self->bytes + sizeof(self->head));
	self->segments[0].p_type = PT_NOTE;
	self->segments[0].p_offset = NOTE_AT;
	self->note = (void *)(self->bytes + NOTE_AT);
	self->name = (char *)(self->note + 1);
	self->id = self->bytes + NOTE_AT + sizeof(*self->note) + 4;
	self->note->n_namesz = 4;
	self->note->n_descsz = ID_SIZE;
	self->note->n_type = NT_GNU_BUILD_ID;
	memcpy(self->name, "GNU", 4);
	for (i = 0; i < ID_SIZE; i++)
		self->id[i] = 0xa0 + i;
	self->segments[0].p_filesz = sizeof(*self->note) + 4 + ID_SIZE;

	ASSERT_EQ(0, seeing_start(&self->seeing));
	self->seen = self->seeing.seen;
	self->seen->ops = DIGESTS_MAP;
	self->seen->tgid = getpid();
}

FIXTURE_TEARDOWN(elf)
{
	seeing_end(&self->seeing);
}

#define ELF FIXTURE_DATA(elf)

/* What is told when the file becomes executable, which it must. */
static int told(ELF *self, int prot)
{
	int fd = open(PATH, O_RDONLY | O_CLOEXEC), ret = -ENOMSG;
	void *map;

	self->seen->n = 0;
	map = mmap(NULL, PAGE, prot, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	if (!(prot & PROT_EXEC) && mprotect(map, PAGE, PROT_READ | PROT_EXEC))
		ret = -errno;
	else if (self->seen->n == 1)
		ret = self->seen->event[0].build_id_ret;
	munmap(map, PAGE);
	return ret;
}

/* The build id's size, or what is answered in its place, both ways. */
static int id_size(ELF *self)
{
	int fd = open(PATH, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), read, in_memory;
	ssize_t written = write(fd, self->bytes, self->size);

	close(fd);
	if (written != self->size)
		return -EIO;
	read = told(self, PROT_READ | PROT_EXEC);
	in_memory = told(self, PROT_READ);
	/* What is not there at all is not in memory either, but for zeros to the end of a page. */
	if (in_memory != read && (read != -ENODATA ||
				  !(in_memory == -EAGAIN || self->size % PAGE))) {
		fprintf(stderr, "# read %d, in memory %d\n", read, in_memory);
		return -EPROTO;
	}
	return read;
}

/* Is the id that was told last the note's? */
static bool is_own(const ELF *self, size_t size)
{
	static const unsigned char none[KRSI_BUILD_ID_SIZE];
	const unsigned char *told = self->seen->event[0].build_id;

	return !memcmp(told, self->id, size) && !memcmp(told + size, none, sizeof(none) - size);
}

#define EXPECT_ID(size) do {						\
	EXPECT_EQ(size, id_size(self));					\
	EXPECT_TRUE(is_own(self, size));				\
} while (0)
#define EXPECT_NONE() EXPECT_EQ(-ENODATA, id_size(self))

TEST_F(elf, has_the_id_of_its_note)
{
	size_t size;

	for (size = 1; size <= ID_SIZE; size++) {
		self->note->n_descsz = size;
		EXPECT_ID(size);
	}
}

TEST_F(elf, id_is_not_longer_than_an_id_nor_empty)
{
	const Elf64_Word sizes[] = { 0, ID_SIZE + 1, 32, PAGE, INT32_MAX, UINT32_MAX - 3, UINT32_MAX };
	size_t i;

	self->segments[0].p_filesz = SIZE - NOTE_AT;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->note->n_descsz = sizes[i];
		EXPECT_NONE();
	}
}

TEST_F(elf, cut_short_has_none)
{
	size_t whole = NOTE_AT + self->segments[0].p_filesz;

	self->size = whole;
	EXPECT_ID(ID_SIZE);
	/* mmap takes an empty file, and nothing of it is told but that. */
	while (self->size > 0) {
		self->size -= self->size > NOTE_AT || self->size < 2 * sizeof(self->head) ? 1 : 16;
		EXPECT_NONE() {
			TH_LOG("%zu bytes", self->size);
		}
	}
}

TEST_F(elf, segment_that_is_too_short_has_none)
{
	Elf64_Xword size;

	for (size = 0; size < sizeof(*self->note) + 4 + ID_SIZE; size++) {
		self->segments[0].p_filesz = size;
		EXPECT_NONE();
	}
}

TEST_F(elf, segments_out_of_the_file_have_none)
{
	const Elf64_Off offs[] = { SIZE, SIZE - 8, UINT32_MAX - 8, 1ULL << 32, INT64_MAX - 8,
				   INT64_MAX, 1ULL << 63, UINT64_MAX - 8, UINT64_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		self->segments[0].p_offset = offs[i];
		EXPECT_NONE();
	}
	self->segments[0].p_offset = NOTE_AT;
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		self->head.e_phoff = offs[i];
		EXPECT_NONE();
	}
}

TEST_F(elf, segments_larger_than_the_file_have_what_is_there)
{
	self->segments[0].p_filesz = UINT32_MAX - NOTE_AT;
	EXPECT_ID(ID_SIZE);
	/* Its end is none in 32 bits. */
	self->segments[0].p_filesz = UINT32_MAX;
	EXPECT_NONE();
}

TEST_F(elf, of_too_many_segments_the_first_count)
{
	self->head.e_phnum = UINT16_MAX;
	EXPECT_ID(ID_SIZE);
	self->segments[0].p_type = PT_LOAD;
	EXPECT_NONE();
}

TEST_F(elf, segments_that_overlap_are_read_each)
{
	self->head.e_phnum = 3;
	self->segments[2] = self->segments[0];
	/* The head and the table of segments as notes, then one that begins within the note. */
	self->segments[0].p_offset = 0;
	self->segments[0].p_filesz = NOTE_AT;
	self->segments[1] = self->segments[2];
	self->segments[1].p_offset += 4;
	EXPECT_ID(ID_SIZE);
	self->head.e_phnum = 2;
	EXPECT_NONE();
}

TEST_F(elf, notes_whose_sizes_overflow_have_none)
{
	const Elf64_Word sizes[] = { 5, 3, PAGE, INT32_MAX, UINT32_MAX - NOTE_AT, UINT32_MAX - 12,
				     UINT32_MAX - 3, UINT32_MAX - 2, UINT32_MAX };
	size_t i;

	self->segments[0].p_filesz = SIZE - NOTE_AT;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->note->n_namesz = sizes[i];
		EXPECT_NONE();
	}
}

TEST_F(elf, id_is_found_behind_other_notes)
{
	Elf64_Nhdr *first = self->note;

	memmove(self->id + 64, first, sizeof(*first) + 4 + ID_SIZE);
	first->n_type = NT_GNU_ABI_TAG;
	first->n_descsz = 64;
	self->id += 64 + sizeof(*first) + 4;
	self->segments[0].p_filesz = SIZE - NOTE_AT;
	EXPECT_ID(ID_SIZE);
}

TEST_F(elf, of_another_name_or_kind_is_none)
{
	self->name[2] = 'V';
	EXPECT_NONE();
	self->name[2] = 'U';
	self->name[3] = 'X';
	EXPECT_NONE();
	self->name[3] = '\0';
	self->note->n_type = NT_GNU_BUILD_ID << 8;
	EXPECT_NONE();
}

TEST_F(elf, of_another_class_type_or_byte_order_has_none)
{
	static const unsigned char classes[] = { ELFCLASSNONE, 3, 255 };
	static const Elf64_Half types[] = { ET_NONE, ET_REL, ET_CORE, ET_DYN << 8, UINT16_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		self->head.e_ident[EI_CLASS] = classes[i];
		EXPECT_NONE();
	}
	/* What the head says as one of 32 bits leads nowhere. */
	self->head.e_ident[EI_CLASS] = ELFCLASS32;
	EXPECT_NONE();
	self->head.e_ident[EI_CLASS] = ELFCLASS64;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		self->head.e_type = types[i];
		EXPECT_NONE();
	}
}

TEST_F(elf, of_32_bits_has_the_id_of_its_note)
{
	Elf32_Phdr *segment = (void *)(self->bytes + sizeof(self->head32));
	const Elf32_Off offs[] = { SIZE, UINT32_MAX - 8, UINT32_MAX, 1U << 31 };
	size_t i;

	memset(self->bytes + EI_NIDENT, 0, NOTE_AT - EI_NIDENT);
	self->head32.e_ident[EI_CLASS] = ELFCLASS32;
	self->head32.e_type = ET_EXEC;
	self->head32.e_phoff = sizeof(self->head32);
	self->head32.e_phnum = 1;
	segment->p_type = PT_NOTE;
	segment->p_offset = NOTE_AT;
	segment->p_filesz = sizeof(*self->note) + 4 + ID_SIZE;
	EXPECT_ID(ID_SIZE);
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		segment->p_offset = offs[i];
		EXPECT_NONE();
	}
	segment->p_offset = NOTE_AT;
	for (i = 0; i < ARRAY_SIZE(offs); i++) {
		self->head32.e_phoff = offs[i];
		EXPECT_NONE();
	}
}

/* Whatever is written over head, table and note: an id that is told stands in the file. */
TEST_F(elf, of_any_bytes_has_no_id_that_is_not_in_it)
{
	const size_t parts[] = { EI_NIDENT, sizeof(self->head), NOTE_AT };
	unsigned char whole[SIZE];
	int n = rounds(3000, 300), found = 0, i, j;

	memcpy(whole, self->bytes, SIZE);
	srand(1);
	for (i = 0; i < n; i++) {
		int size;

		memcpy(self->bytes, whole, SIZE);
		for (j = rand() % 4; j >= 0; j--)
			self->bytes[parts[rand() % 3] + rand() % 56] = rand() % 3 ? rand() : 255;
		size = id_size(self);
		ASSERT_TRUE(size == -ENODATA || (size > 0 && size <= ID_SIZE)) {
			TH_LOG("round %d: %d", i, size);
		}
		if (size < 0)
			continue;
		found++;
		ASSERT_TRUE(memmem(self->bytes, SIZE, self->seen->event[0].build_id, size));
	}
	EXPECT_LT(0, found);
	EXPECT_GT(n, found);
}

TEST_HARNESS_MAIN
