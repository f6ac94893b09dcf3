// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy module_allow lets a module be loaded if its contents
 * are on a list, whatever it is called, and no other; that it learns and is locked;
 * that lists are changed without a gap; and that a list of a million is as good.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "image.h"
#include "module.h"
#include "module_allow.h"
#include "records.h"
#include "shipped.h"

#define MODULE "krsi_plain"
#define OTHER "krsi_renamed"

FIXTURE(allow)
{
	struct shipped shipped;
	struct image image;
	char path[64];
};

FIXTURE_SETUP(allow)
{
	ASSERT_EQ(0, image_read(&self->image, MODULE));
	snprintf(self->path, sizeof(self->path), "/tmp/krsi_allow_%d.ko", getpid());
	ASSERT_EQ(0, shipped_start(&self->shipped, "module_allow", "enforce"));
}

FIXTURE_TEARDOWN(allow)
{
	shipped_end(&self->shipped);
	image_free(&self->image);
	unlink(self->path);
}

#define SELF struct __test_metadata *_metadata, FIXTURE_DATA(allow) *self

static int map_of(FIXTURE_DATA(allow) *self, const char *name)
{
	return bpf_object__find_map_fd_by_name(self->shipped.policy.obj, name);
}

static void list(SELF, int map, const struct image *image)
{
	struct krsi_module_digest digest;
	__u32 value = 1;

	ASSERT_EQ(0, image_sha256(image, digest.sha256));
	ASSERT_EQ(0, bpf_map_update_elem(map, &digest, &value, BPF_ANY));
}

static void set_learning(SELF, __u32 mode)
{
	__u32 key = 0;

	ASSERT_EQ(0, bpf_map_update_elem(map_of(self, "learning"), &key, &mode, BPF_ANY));
}

/* The value of a report of this image. */
static const char *value_of(SELF, const struct image *image, const char *name)
{
	static char value[256];
	char digest[65];

	EXPECT_EQ(0, image_digest(image, digest));
	snprintf(value, sizeof(value), "%s:%s", digest, name);
	return value;
}

static void expect_loads(SELF, enum way way, const char *name)
{
	EXPECT_EQ(0, image_load(&self->image, way, self->path));
	EXPECT_EQ(0, module_unload(name));
}

TEST_F(allow, what_is_listed_is_loaded_in_every_way_and_silently)
{
	list(_metadata, self, map_of(self, "allowed"), &self->image);
	expect_loads(_metadata, self, FROM_MEMORY, MODULE);
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	expect_loads(_metadata, self, FROM_COMPRESSED_FILE, MODULE);
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(allow, what_is_not_listed_is_refused_in_every_way)
{
	const char *value = value_of(_metadata, self, &self->image, MODULE);

	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_MEMORY, NULL));
	EXPECT_REPORT(&self->shipped, 0, "module_unknown", "", value);
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	EXPECT_REPORT(&self->shipped, 1, "module_unknown", self->path, value);
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_COMPRESSED_FILE, self->path));
	EXPECT_REPORT(&self->shipped, 2, "module_unknown", self->path, value);
	EXPECT_EQ(getpid(), self->shipped.report[2].task.tgid);
	EXPECT_EQ(3, shipped_reports(&self->shipped));
}

TEST_F(allow, what_is_refused_leaves_a_record_with_its_name)
{
	const char *record;
	int sock = records_listen();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	record = records_next(sock, AUDIT_KRSI_ACCESS);
	EXPECT_HAS(record, " op=module_load verdict=denied ");
	EXPECT_HAS(record, " policy=\"module_allow\" reason=\"module_unknown\"");
	EXPECT_HAS(record, " module=\"" MODULE "\"");
	EXPECT_HAS(record, self->path);
	/* The name is the module's: it can't pass for a field. */
	ASSERT_EQ(0, image_rename(&self->image, MODULE, "a res=1"));
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	record = records_next(sock, AUDIT_KRSI_ACCESS);
	EXPECT_TRUE(record_has_hex(record, "module", "a res=1"));
	close(sock);
}

TEST_F(allow, in_audit_mode_it_reports_and_refuses_nothing)
{
	ASSERT_EQ(0, mode_set("audit"));
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	EXPECT_REPORT(&self->shipped, 0, "module_unknown", self->path,
		      value_of(_metadata, self, &self->image, MODULE));
}

TEST_F(allow, listed_contents_in_a_file_of_another_name)
{
	list(_metadata, self, map_of(self, "allowed"), &self->image);
	snprintf(self->path, sizeof(self->path), "/tmp/krsi_evil_%d", getpid());
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	EXPECT_NO_REPORT(&self->shipped);
}

TEST_F(allow, listed_name_with_other_contents_is_refused)
{
	struct image evil;

	list(_metadata, self, map_of(self, "allowed"), &self->image);
	ASSERT_EQ(0, image_read(&evil, "krsi_kfunc"));
	ASSERT_EQ(0, image_rename(&evil, "krsi_kfunc", MODULE));
	EXPECT_EQ(-EPERM, image_load(&evil, FROM_FILE, self->path));
	EXPECT_REPORT(&self->shipped, 0, "module_unknown", self->path,
		      value_of(_metadata, self, &evil, MODULE));
	image_free(&evil);
}

/* In the header, in its strings, in its code, in what may be appended. */
TEST_F(allow, one_bit_changed_anywhere_is_refused)
{
	size_t places[] = {
		8, image_find(&self->image, ".modinfo", "license=GPL") - self->image.bytes,
		image_section(&self->image, ".text")->sh_offset, self->image.size - 1,
	};

	list(_metadata, self, map_of(self, "allowed"), &self->image);
	for (int i = 0; i < ARRAY_SIZE(places); i++) {
		self->image.bytes[places[i]] ^= 1 << i;
		EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
		self->image.bytes[places[i]] ^= 1 << i;
	}
	self->image.size--;
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	self->image.size++;
	EXPECT_EQ(5, shipped_reports(&self->shipped));
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	EXPECT_EQ(5, shipped_reports(&self->shipped));
}

TEST_F(allow, what_can_not_be_read_is_refused_like_anything_unknown)
{
	self->image.size = 100;
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	EXPECT_REPORT(&self->shipped, 0, "module_unknown", self->path,
		      value_of(_metadata, self, &self->image, ""));
}

TEST_F(allow, it_learns_what_is_loaded_and_locked_it_knows_that_alone)
{
	const char *value = value_of(_metadata, self, &self->image, MODULE);
	struct krsi_module_learned learned;
	struct krsi_module_digest digest;

	set_learning(_metadata, self, KRSI_MODULES_LEARNED);
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	EXPECT_REPORT(&self->shipped, 0, "module_learned", self->path, value);
	ASSERT_EQ(0, image_sha256(&self->image, digest.sha256));
	ASSERT_EQ(0, bpf_map_lookup_elem(map_of(self, "learned"), &digest, &learned));
	EXPECT_STREQ(MODULE, learned.name);
	/* Once. */
	expect_loads(_metadata, self, FROM_MEMORY, MODULE);
	EXPECT_EQ(1, shipped_reports(&self->shipped));

	set_learning(_metadata, self, KRSI_MODULES_LOCKED);
	expect_loads(_metadata, self, FROM_COMPRESSED_FILE, MODULE);
	EXPECT_EQ(1, shipped_reports(&self->shipped));
	ASSERT_EQ(0, image_rename(&self->image, MODULE, OTHER));
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	EXPECT_REPORT(&self->shipped, 1, "module_unknown", self->path,
		      value_of(_metadata, self, &self->image, OTHER));
	ASSERT_EQ(0, image_sha256(&self->image, digest.sha256));
	EXPECT_EQ(-ENOENT, bpf_map_lookup_elem(map_of(self, "learned"), &digest, &learned));
}

/* What finds no room is allowed while it learns, and refused after. */
TEST_F(allow, it_says_what_it_could_not_learn)
{
	struct krsi_module_learned learned = {};
	struct krsi_module_digest digest = {};
	__u32 n;

	set_learning(_metadata, self, KRSI_MODULES_LEARNED);
	for (n = 0; n < 1 << 12; n++) {
		memcpy(&digest, &n, sizeof(n));
		ASSERT_EQ(0, bpf_map_update_elem(map_of(self, "learned"), &digest, &learned,
						 BPF_ANY));
	}
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	EXPECT_REPORT(&self->shipped, 0, "module_not_learned", self->path,
		      value_of(_metadata, self, &self->image, MODULE));
	set_learning(_metadata, self, KRSI_MODULES_LOCKED);
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
}

TEST_F(allow, it_tells_what_the_kernel_asks_for_while_it_learns)
{
	EXPECT_EQ(-1, mount("none", "/tmp", "krsi_nothing", 0, NULL));
	EXPECT_NO_REPORT(&self->shipped);
	set_learning(_metadata, self, KRSI_MODULES_LEARNED);
	EXPECT_EQ(-1, mount("none", "/tmp", "krsi_nothing", 0, NULL));
	EXPECT_REPORT(&self->shipped, 0, "module_requested", "", "fs-krsi_nothing");
	EXPECT_EQ(getpid(), self->shipped.report[0].task.tgid);
}

/* A list of its own, as large as it is to be. */
static int new_list(int entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_HASH, "list", sizeof(struct krsi_module_digest),
			      sizeof(__u32), entries, &opts);
}

static int put_list(FIXTURE_DATA(allow) *self, int list)
{
	__u32 slot = 0;

	return bpf_map_update_elem(map_of(self, "lists"), &slot, &list, BPF_ANY);
}

struct switcher {
	FIXTURE_DATA(allow) *self;
	int lists[2];
	int failed;
	unsigned long times;
	bool stop;
};

static void *keep_switching(void *arg)
{
	struct switcher *switcher = arg;

	while (!__atomic_load_n(&switcher->stop, __ATOMIC_RELAXED)) {
		if (put_list(switcher->self, switcher->lists[switcher->times % 2]))
			switcher->failed++;
		switcher->times++;
	}
	return NULL;
}

/* Each module is on both lists or on none. */
TEST_F(allow, lists_are_changed_without_a_gap)
{
	struct switcher switcher = { .self = self };
	int n = rounds(60, 10);
	struct image unknown;
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		switcher.lists[i] = new_list(16);
		ASSERT_LE(0, switcher.lists[i]);
		list(_metadata, self, switcher.lists[i], &self->image);
	}
	ASSERT_EQ(0, image_read(&unknown, MODULE));
	ASSERT_EQ(0, image_rename(&unknown, MODULE, OTHER));
	ASSERT_EQ(0, put_list(self, switcher.lists[0]));
	ASSERT_EQ(0, pthread_create(&thread, NULL, keep_switching, &switcher));
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(0, image_load(&self->image, FROM_MEMORY, NULL));
		EXPECT_EQ(0, module_unload(MODULE));
		EXPECT_EQ(-EPERM, image_load(&unknown, FROM_MEMORY, NULL));
	}
	__atomic_store_n(&switcher.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%lu changes during %d loads", switcher.times, 2 * n);
	EXPECT_EQ(0, switcher.failed);
	EXPECT_LT(1, switcher.times);
	EXPECT_EQ(n, shipped_reports(&self->shipped));
	image_free(&unknown);
}

TEST_F(allow, a_list_that_is_not_there_allows_nothing)
{
	__u32 slot = 0;

	list(_metadata, self, map_of(self, "allowed"), &self->image);
	ASSERT_EQ(0, bpf_map_delete_elem(map_of(self, "lists"), &slot));
	EXPECT_EQ(-EPERM, image_load(&self->image, FROM_FILE, self->path));
	ASSERT_EQ(0, put_list(self, map_of(self, "allowed")));
	expect_loads(_metadata, self, FROM_FILE, MODULE);
}

/* Fills a list by batches, as fast as that goes. */
static int fill(int list, __u32 entries)
{
	const __u32 batch = 1 << 14;
	struct krsi_module_digest *digests = calloc(batch, sizeof(*digests));
	__u32 *values = calloc(batch, sizeof(*values));
	__u32 n = 0, at = 0, count = 0;
	int ret = digests && values ? 0 : -ENOMEM;

	while (!ret && at < entries) {
		count = entries - at < batch ? entries - at : batch;
		for (n = 0; n < count; n++) {
			__u32 number = at + n;

			memcpy(digests[n].sha256, &number, sizeof(number));
		}
		ret = bpf_map_update_batch(list, digests, values, &count, NULL);
		at += count;
	}
	free(digests);
	free(values);
	return ret;
}

/* The least of some loads that are refused, in microseconds. */
static unsigned long long refusal_us(const struct image *image)
{
	unsigned long long least = ~0ULL;
	struct timespec from, to;

	for (int i = 0; i < 20; i++) {
		unsigned long long us;

		clock_gettime(CLOCK_MONOTONIC, &from);
		if (image_load(image, FROM_MEMORY, NULL) != -EPERM)
			return ~0ULL;
		clock_gettime(CLOCK_MONOTONIC, &to);
		us = (to.tv_sec - from.tv_sec) * 1000000ULL + (to.tv_nsec - from.tv_nsec) / 1000;
		if (us < least)
			least = us;
	}
	return least;
}

TEST_F(allow, a_list_of_a_million_is_no_slower)
{
	__u32 entries = rounds(1 << 20, 1 << 16);
	unsigned long long begin, empty, full;
	int large;

	empty = refusal_us(&self->image);
	large = new_list(entries + 1);
	ASSERT_LE(0, large);
	begin = now_ms();
	ASSERT_EQ(0, fill(large, entries));
	TH_LOG("%u digests in %llu ms", entries, now_ms() - begin);
	EXPECT_GT(120000, now_ms() - begin);
	ASSERT_EQ(0, put_list(self, large));
	full = refusal_us(&self->image);
	TH_LOG("a refusal takes %llu us, with an empty list %llu", full, empty);
	EXPECT_NE(~0ULL, full);
	EXPECT_GT(2 * empty, full);
	list(_metadata, self, large, &self->image);
	expect_loads(_metadata, self, FROM_FILE, MODULE);
	close(large);
}

TEST_HARNESS_MAIN
