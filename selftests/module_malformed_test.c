// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a module's file that can't be read with certainty is told of as
 * malformed: with no name, no value of .modinfo, and its digest all the same; and
 * that no such file does harm.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "image.h"
#include "loads.h"
#include "module.h"

KEEP_POLICIES("loads.bpf.o", "loads_atomic")

#define MODULE "krsi_plain"
#define THIS ".gnu.linkonce.this_module"

FIXTURE(file)
{
	struct policy policy;
	struct loads *loads;
};

FIXTURE_SETUP(file)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "loads.bpf.o", "loads_atomic"));
	self->loads = self->policy.data;
	strcpy(self->loads->key, "license");
	self->loads->key_size = sizeof("license");
	self->loads->info_size = sizeof(self->loads->load.info);
}

FIXTURE_TEARDOWN(file)
{
	policy_close(&self->policy);
	mode_restore();
}

static Elf64_Shdr *table(struct image *image)
{
	return (void *)(image->bytes + image_header(image)->e_shoff);
}

static Elf64_Shdr *names(struct image *image)
{
	return &table(image)[image_header(image)->e_shstrndx];
}

#define HEADER(image) image_header(image)
#define SECTION(image, name) image_section(image, name)

/* A way to spoil a file, and what a load of it fails with. */
struct spoilt {
	const char *how;
	int answer;
	void (*spoil)(struct image *image);
};

/* What the loader refuses by itself. */
#define REFUSED(X)										\
	X(three_bytes, ENOEXEC, image->size = 3;)						\
	X(header_alone, ENOEXEC, image->size = sizeof(Elf64_Ehdr);)				\
	X(cut_in_half, ENOEXEC, image->size /= 2;)						\
	X(cut_by_a_byte, ENOEXEC,								\
	  HEADER(image)->e_shoff = image->size - 64 * HEADER(image)->e_shnum;		\
	  image->size--;)									\
	X(no_elf, ENOEXEC, HEADER(image)->e_ident[0] = 'E';)				\
	X(no_relocatable, ENOEXEC, HEADER(image)->e_type = ET_EXEC;)			\
	X(table_out_of_range, ENOEXEC, HEADER(image)->e_shoff = image->size;)		\
	X(table_at_the_end_of_memory, ENOEXEC, HEADER(image)->e_shoff = ~0ULL;)		\
	X(table_that_wraps, ENOEXEC, HEADER(image)->e_shoff = -64ULL;)			\
	X(no_sections, ENOEXEC, HEADER(image)->e_shnum = 0;)				\
	X(as_many_sections_as_can_be, ENOEXEC, HEADER(image)->e_shnum = 0xffff;)		\
	X(small_entries, ENOEXEC, HEADER(image)->e_shentsize = 32;)				\
	X(huge_entries, ENOEXEC, HEADER(image)->e_shentsize = 0xffff;)			\
	X(first_section_with_a_type, ENOEXEC, table(image)->sh_type = SHT_PROGBITS;)	\
	X(first_section_with_a_size, ENOEXEC, table(image)->sh_size = 1;)			\
	X(first_section_with_an_address, ENOEXEC, table(image)->sh_addr = 1;)		\
	X(no_names, ENOEXEC, HEADER(image)->e_shstrndx = 0;)				\
	X(names_out_of_range, ENOEXEC, HEADER(image)->e_shstrndx = HEADER(image)->e_shnum;)	\
	X(names_that_are_none, ENOEXEC, names(image)->sh_type = SHT_PROGBITS;)		\
	X(names_without_an_end, ENOEXEC, names(image)->sh_size--;)				\
	X(names_of_no_size, ENOEXEC, names(image)->sh_size = 0;)				\
	X(name_out_of_range, ENOEXEC, SECTION(image, ".modinfo")->sh_name = ~0U;)		\
	X(contents_out_of_range, ENOEXEC,							\
	  SECTION(image, ".modinfo")->sh_offset = image->size;)				\
	X(contents_too_large, ENOEXEC, SECTION(image, ".modinfo")->sh_size = image->size;)	\
	X(contents_of_huge_size, ENOEXEC, SECTION(image, ".modinfo")->sh_size = ~0ULL;)	\
	X(contents_that_wrap, ENOEXEC, SECTION(image, ".modinfo")->sh_offset = -8ULL;)	\
	X(contents_of_another_out_of_range, ENOEXEC, names(image)[-1].sh_offset = ~0ULL;)	\
	X(no_module, ENOEXEC, SECTION(image, THIS)->sh_name = 0;)				\
	X(two_modules, ENOEXEC,								\
	  SECTION(image, ".comment")->sh_name = SECTION(image, THIS)->sh_name;)		\
	X(two_modinfos, ENOEXEC,								\
	  SECTION(image, ".comment")->sh_name = SECTION(image, ".modinfo")->sh_name;)	\
	X(module_too_small, ENOEXEC, SECTION(image, THIS)->sh_size--;)			\
	X(module_too_large, ENOEXEC, SECTION(image, THIS)->sh_size++;)			\
	X(module_of_no_contents, ENOEXEC, SECTION(image, THIS)->sh_type = SHT_NOBITS;)	\
	X(module_that_takes_no_memory, ENOEXEC, SECTION(image, THIS)->sh_flags = 0;)

/* What it takes, and makes of it what nobody could read in the file. It is denied. */
#define TAKEN(X)										\
	X(module_in_the_header, EPERM, SECTION(image, THIS)->sh_offset = 0;)		\
	X(module_in_the_table, EPERM,							\
	  SECTION(image, THIS)->sh_offset = HEADER(image)->e_shoff;)			\
	X(modinfo_in_the_table, EPERM,							\
	  SECTION(image, ".modinfo")->sh_offset = HEADER(image)->e_shoff;)			\
	X(modinfo_in_the_module, EPERM,							\
	  SECTION(image, ".modinfo")->sh_offset = SECTION(image, THIS)->sh_offset + 1024;	\
	  SECTION(image, ".modinfo")->sh_size = 8;)						\
	X(modinfo_of_no_size, EPERM, SECTION(image, ".modinfo")->sh_size = 0;)		\
	X(modinfo_of_no_contents, EPERM, SECTION(image, ".modinfo")->sh_type = SHT_NOBITS;)	\
	X(modinfo_without_an_end, EPERM, SECTION(image, ".modinfo")->sh_size--;)		\
	X(modinfo_too_large, EPERM,								\
	  SECTION(image, ".modinfo")->sh_offset = image->size;				\
	  SECTION(image, ".modinfo")->sh_size = (1 << 20) + 1;				\
	  image->bytes = realloc(image->bytes, image->size + (1 << 20) + 1);		\
	  memset(image->bytes + image->size, 0, (1 << 20) + 1);				\
	  image->size += (1 << 20) + 1;)							\
	X(name_without_an_end, EPERM, memset(image_find(image, THIS, MODULE), 'n', 56);)

/* What it takes, and can be read with certainty: the name, what is asked of .modinfo. */
#define ODD(X)										\
	X(no_modinfo, 0, SECTION(image, ".modinfo")->sh_name = 0;)				\
	X(name_as_long_as_can_be, 0, memset(image_find(image, THIS, MODULE), 'n', 55);)	\
	X(wrong_class, 0, HEADER(image)->e_ident[EI_CLASS] = ELFCLASS32;)			\
	X(modinfo_as_large_as_can_be, 0,							\
	  SECTION(image, ".modinfo")->sh_offset = image->size;				\
	  SECTION(image, ".modinfo")->sh_size = 1 << 20;					\
	  image->bytes = realloc(image->bytes, image->size + (1 << 20));			\
	  memset(image->bytes + image->size, 0, 1 << 20);					\
	  strcpy(image->bytes + image->size + (1 << 20) - 12, "license=GPL");		\
	  image->size += 1 << 20;)

#define FUNCTION(name, err, ...)						\
static void name(struct image *image)						\
{										\
	__VA_ARGS__								\
}

REFUSED(FUNCTION)
TAKEN(FUNCTION)
ODD(FUNCTION)

#define ENTRY(name, err, ...) { #name, -(err), name },

static const struct spoilt spoilt[] = { REFUSED(ENTRY) TAKEN(ENTRY) };

TEST_F(file, that_is_spoilt_is_malformed_and_has_a_digest)
{
	const struct load *load = &self->loads->load;
	unsigned char sha256[KRSI_DIGEST_SIZE];
	struct image image;

	for (int i = 0; i < ARRAY_SIZE(spoilt); i++) {
		TH_LOG("%s", spoilt[i].how);
		ASSERT_EQ(0, image_read(&image, MODULE));
		spoilt[i].spoil(&image);
		memset(&self->loads->load, 0, sizeof(self->loads->load));
		self->loads->loads = 0;
		self->loads->load_verdict = spoilt[i].answer == -EPERM ? -EPERM : 0;
		EXPECT_EQ(spoilt[i].answer, image_load(&image, FROM_FILE, "/tmp/krsi_spoilt.ko"));
		EXPECT_EQ(1, self->loads->loads);
		EXPECT_EQ(KRSI_MODULE_MALFORMED, load->flags);
		EXPECT_STREQ("", load->name);
		EXPECT_EQ(-EBADMSG, load->info_ret);
		EXPECT_STREQ("", load->info);
		EXPECT_EQ(image.size, load->size);
		ASSERT_EQ(0, image_sha256(&image, sha256));
		EXPECT_EQ(0, memcmp(sha256, load->digest, sizeof(sha256)));
		image_free(&image);
	}
	unlink("/tmp/krsi_spoilt.ko");
}

TEST_F(file, that_is_odd_is_not_malformed)
{
	static const struct {
		void (*spoil)(struct image *image);
		const char *name;
		int info;
	} odds[] = {
		{ no_modinfo, MODULE, -ENOENT },
		{ name_as_long_as_can_be,
		  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 3 },
		{ wrong_class, MODULE, 3 },
		{ modinfo_as_large_as_can_be, MODULE, 3 },
	};
	const struct load *load = &self->loads->load;
	struct image image;

	self->loads->load_verdict = -EPERM;
	for (int i = 0; i < ARRAY_SIZE(odds); i++) {
		TH_LOG("%s", odds[i].name);
		ASSERT_EQ(0, image_read(&image, MODULE));
		odds[i].spoil(&image);
		memset(&self->loads->load, 0, sizeof(self->loads->load));
		EXPECT_EQ(-EPERM, image_load(&image, FROM_MEMORY, NULL));
		EXPECT_EQ(0, load->flags & KRSI_MODULE_MALFORMED);
		EXPECT_STREQ(odds[i].name, load->name);
		EXPECT_EQ(odds[i].info, load->info_ret);
		image_free(&image);
	}
}

/* Whatever the bytes are: what the loader makes of them is its own affair, so they are denied. */
TEST_F(file, of_random_bytes_does_no_harm)
{
	struct image image, whole;

	srandom(1);
	self->loads->load_verdict = -EPERM;
	ASSERT_EQ(0, image_read(&whole, MODULE));
	for (int i = 0; i < rounds(300, 60); i++) {
		ASSERT_EQ(0, image_read(&image, MODULE));
		/* In the header, in the table, anywhere. */
		for (int n = 0; n < 1 + i % 8; n++) {
			size_t at = random() % image.size;

			if (i % 3 == 0)
				at %= sizeof(Elf64_Ehdr);
			else if (i % 3 == 1)
				at = HEADER(&whole)->e_shoff +
				     at % (64 * HEADER(&whole)->e_shnum);
			image.bytes[at] = random();
		}
		EXPECT_EQ(-EPERM, image_load(&image, FROM_MEMORY, NULL));
		image_free(&image);
	}
	EXPECT_EQ(rounds(300, 60), self->loads->loads);
	/* It reads what is whole as before. */
	EXPECT_EQ(-EPERM, image_load(&whole, FROM_MEMORY, NULL));
	EXPECT_STREQ(MODULE, self->loads->load.name);
	EXPECT_EQ(0, self->loads->load.flags);
	image_free(&whole);
}

TEST_HARNESS_MAIN
