// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that module_load is told once of each load, whichever way it comes, of what
 * will be linked and before any of it runs; that it can deny it; and that the digest
 * is in the ledger's row of that module and of no other.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "image.h"
#include "loads.h"
#include "module.h"

KEEP_POLICIES("loads.bpf.o", "loads_atomic", "loads_sleepable", "loads_blind")

#define MODULE "krsi_plain"
#define OTHER "krsi_renamed"

FIXTURE(load)
{
	struct policy policy;
	struct loads *loads;
	struct image image;
	char path[64];
};

FIXTURE_VARIANT(load)
{
	enum way way;
	const char *policy;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(load, memory) { FROM_MEMORY, "loads_atomic" };
FIXTURE_VARIANT_ADD(load, file) { FROM_FILE, "loads_atomic" };
FIXTURE_VARIANT_ADD(load, compressed) { FROM_COMPRESSED_FILE, "loads_atomic" };
FIXTURE_VARIANT_ADD(load, sleepable) { FROM_FILE, "loads_sleepable" };
/* clang-format on */

FIXTURE_SETUP(load)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, image_read(&self->image, MODULE));
	snprintf(self->path, sizeof(self->path), "/tmp/krsi_load_%d.ko", getpid());
	ASSERT_EQ(0, policy_start(&self->policy, "loads.bpf.o", variant->policy));
	self->loads = self->policy.data;
}

FIXTURE_TEARDOWN(load)
{
	policy_close(&self->policy);
	image_free(&self->image);
	unlink(self->path);
	mode_restore();
}

#define SELF struct __test_metadata *_metadata, FIXTURE_DATA(load) *self

static bool is_loaded(const char *name)
{
	struct module_shown shown;

	return !module_shown(name, &shown);
}

/* The last load was of this image by this way. */
static void expect_load(SELF, enum way way, const char *name, __u32 flags)
{
	const struct load *load = &self->loads->load;
	unsigned char sha256[KRSI_DIGEST_SIZE];
	struct stat st;

	EXPECT_EQ(1, self->loads->loads);
	EXPECT_STREQ(name, load->name);
	EXPECT_EQ(self->image.size, load->size);
	EXPECT_EQ(way == FROM_MEMORY ? KRSI_MODULE_MEMORY : KRSI_MODULE_FILE, load->source);
	EXPECT_EQ(flags, load->flags);
	EXPECT_EQ(getpid(), load->tgid);
	ASSERT_EQ(0, image_sha256(&self->image, sha256));
	EXPECT_EQ(0, load->digest_ret);
	EXPECT_EQ(0, memcmp(sha256, load->digest, sizeof(sha256)));
	EXPECT_EQ(-EINVAL, load->short_digest_ret);
	if (way == FROM_MEMORY) {
		EXPECT_EQ(-ENODATA, load->path_ret);
		EXPECT_EQ(-ENODATA, load->id_ret);
		EXPECT_EQ(-ENODATA, load->below_ret);
		EXPECT_STREQ("", load->path);
	} else {
		ASSERT_EQ(0, stat(self->path, &st));
		EXPECT_EQ(strlen(self->path), load->path_ret);
		EXPECT_STREQ(self->path, load->path);
		EXPECT_EQ(0, load->id_ret);
		EXPECT_EQ(st.st_ino, load->id.ino);
	}
}

static void expect_row(SELF, const char *name, const char *source, const char *digest)
{
	struct module_row row;

	ASSERT_EQ(0, module_row(name, &row));
	EXPECT_STREQ(source, row.source);
	EXPECT_STREQ(digest, row.digest);
}

TEST_F(load, is_told_once_with_what_will_be_linked)
{
	char digest[65];

	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_load(_metadata, self, variant->way, MODULE, 0);
	ASSERT_EQ(0, image_digest(&self->image, digest));
	expect_row(_metadata, self, MODULE, variant->way == FROM_MEMORY ? "memory" : "file",
		   digest);
	EXPECT_EQ(0, module_unload(MODULE));
}

TEST_F(load, is_denied_before_any_of_it_runs)
{
	static const int denials[] = { -EPERM, -EACCES };
	struct policy_line line;

	for (int i = 0; i < 2; i++) {
		self->loads->loads = 0;
		self->loads->load_verdict = denials[i];
		EXPECT_EQ(denials[i], image_load(&self->image, variant->way, self->path));
		expect_load(_metadata, self, variant->way, MODULE, 0);
		EXPECT_FALSE(is_loaded(MODULE));
	}
	ASSERT_EQ(0, policy_line(variant->policy, &line));
	EXPECT_EQ(2, line.runs);
	EXPECT_EQ(2, line.denials);
	/* A buffer that is too small is the program's own affair. */
	EXPECT_EQ(0, line.errors);
}

TEST_F(load, is_not_denied_in_audit_mode)
{
	struct policy_line line;

	ASSERT_EQ(0, mode_set("audit"));
	self->loads->load_verdict = -EPERM;
	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_load(_metadata, self, variant->way, MODULE, 0);
	EXPECT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, policy_line(variant->policy, &line));
	EXPECT_EQ(1, line.would_denials);
}

TEST_F(load, has_the_name_of_its_struct_module)
{
	ASSERT_EQ(0, image_rename(&self->image, MODULE, OTHER));
	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_load(_metadata, self, variant->way, OTHER, KRSI_MODULE_NAME_DIFFERS);
	EXPECT_TRUE(is_loaded(OTHER));
	EXPECT_EQ(0, module_unload(OTHER));
}

TEST_F(load, of_a_module_with_something_appended)
{
	char *longer = realloc(self->image.bytes, self->image.size + 1000);

	ASSERT_NE(NULL, longer);
	self->image.bytes = longer;
	memset(longer + self->image.size, 's', 1000);
	self->image.size += 1000;
	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_load(_metadata, self, variant->way, MODULE, 0);
	EXPECT_EQ(0, module_unload(MODULE));
}

TEST_F(load, that_fails_leaves_nothing_to_the_next)
{
	self->loads->load_verdict = -EPERM;
	EXPECT_EQ(-EPERM, image_load(&self->image, variant->way, self->path));
	policy_detach(&self->policy);
	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_row(_metadata, self, MODULE, "unknown", "unknown");
	EXPECT_EQ(0, module_unload(MODULE));

	/* Nor to one that comes after the policy has come back. */
	ASSERT_EQ(0, policy_attach(&self->policy));
	self->loads->load_verdict = 0;
	ASSERT_EQ(0, image_rename(&self->image, MODULE, OTHER));
	ASSERT_EQ(0, image_load(&self->image, variant->way, self->path));
	expect_row(_metadata, self, OTHER, variant->way == FROM_MEMORY ? "memory" : "file",
		   ({ static char digest[65]; image_digest(&self->image, digest); digest; }));
	EXPECT_EQ(0, module_unload(OTHER));
}

/* A digest costs time, so none is computed that nobody asks for. */
TEST(load_without_a_question_for_its_digest_has_none)
{
	struct policy policy;
	struct image image;
	struct module_row row;

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, image_read(&image, MODULE));
	ASSERT_EQ(0, policy_start(&policy, "loads.bpf.o", "loads_blind"));
	ASSERT_EQ(0, image_load(&image, FROM_MEMORY, NULL));
	EXPECT_EQ(1, ((struct loads *)policy.data)->loads);
	ASSERT_EQ(0, module_row(MODULE, &row));
	EXPECT_STREQ("memory", row.source);
	EXPECT_STREQ("unknown", row.digest);
	EXPECT_EQ(0, module_unload(MODULE));
	policy_close(&policy);
	image_free(&image);
	mode_restore();
}

static struct loads *told;
static int modules_read, modules_wrong;

/* A module of this kernel, which is asked about and not loaded: its name is its file's. */
static int read_module(const char *path, const struct stat *st, int type, struct FTW *where)
{
	const char *file = path + where->base;
	size_t len = strlen(file);
	char name[64] = "";
	int fd;

	if (type != FTW_F || len < 4 || len > 58 || strcmp(file + len - 3, ".ko"))
		return 0;
	for (int i = 0; i < len - 3; i++)
		name[i] = file[i] == '-' ? '_' : file[i];
	told->loads = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !syscall(SYS_finit_module, fd, "", 0) || errno != EPERM ||
	    told->loads != 1 || told->load.flags || strcmp(told->load.name, name)) {
		printf("# %s: %s, flags %u\n", path, told->load.name, told->load.flags);
		modules_wrong++;
	}
	close(fd);
	modules_read++;
	return 0;
}

TEST(loads_of_all_modules_of_this_kernel_have_their_name_and_no_flag)
{
	struct policy policy;

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&policy, "loads.bpf.o", "loads_atomic"));
	told = policy.data;
	told->load_verdict = -EPERM;
	EXPECT_EQ(0, nftw("/lib/modules/", read_module, 8, FTW_PHYS));
	EXPECT_EQ(0, nftw(test_path("modules"), read_module, 8, FTW_PHYS));
	TH_LOG("%d modules", modules_read);
	EXPECT_LT(6, modules_read);
	EXPECT_EQ(0, modules_wrong);
	policy_close(&policy);
	mode_restore();
}

/* What the reader of .modinfo answers. */
static const struct {
	const char *key;
	__u32 key_size; /* 0: with its NUL */
	__u32 size;
	int ret;
	const char *value;
} infos[] = {
	{ "license", 0, 64, 3, "GPL" },
	{ "name", 0, 64, sizeof(MODULE) - 1, MODULE },
	{ "name", 0, 5, sizeof(MODULE) - 1, "krsi" },
	{ "name", 0, 1, sizeof(MODULE) - 1, "" },
	/* There are more of these: the first. */
	{ "parmtype", 0, 64, 12, "init_ms:uint" },
	{ "nam", 0, 64, -ENOENT, "" },
	{ "ame", 0, 64, -ENOENT, "" },
	{ "GPL", 0, 64, -ENOENT, "" },
	{ "", 0, 64, -EINVAL, "" },
	{ "name=", 0, 64, -EINVAL, "" },
	{ "name", 4, 64, -EINVAL, "" },
};

TEST(load_answers_what_stands_in_modinfo)
{
	struct policy policy;
	struct loads *loads;
	struct image image;

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, image_read(&image, MODULE));
	ASSERT_EQ(0, policy_start(&policy, "loads.bpf.o", "loads_atomic"));
	loads = policy.data;
	loads->load_verdict = -EPERM;
	for (int i = 0; i < ARRAY_SIZE(infos); i++) {
		TH_LOG("key \"%s\"", infos[i].key);
		memset(&loads->load, 0, sizeof(loads->load));
		strcpy(loads->key, infos[i].key);
		loads->key_size = infos[i].key_size ?: strlen(infos[i].key) + 1;
		loads->info_size = infos[i].size;
		EXPECT_EQ(-EPERM, image_load(&image, FROM_MEMORY, NULL));
		EXPECT_EQ(infos[i].ret, loads->load.info_ret);
		EXPECT_STREQ(infos[i].value, loads->load.info);
	}
	policy_close(&policy);
	image_free(&image);
	mode_restore();
}

TEST_HARNESS_MAIN
