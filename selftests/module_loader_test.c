// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that who loaded a module and where it lies are told as the kernel
 * itself has them: by each event, to policies that may sleep and that may not,
 * and by the row; also when the loader was a thread of another user and has
 * ended since.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "module.h"
#include "module_events.h"
#include "modules/hider.h"
#include "run.h"

KEEP_POLICIES("modules.bpf.o", "modules_all", "modules_no_sleep")

#define PATIENCE_MS 60000

FIXTURE(loader)
{
	struct policy policy;
	const struct modules *modules;
	char name[32], door[64];
};

FIXTURE_VARIANT(loader)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(loader, sleep) { "modules_all" };
FIXTURE_VARIANT_ADD(loader, no_sleep) { "modules_no_sleep" };
/* clang-format on */

FIXTURE_SETUP(loader)
{
	ASSERT_EQ(0, policy_start(&self->policy, "modules.bpf.o", variant->map));
	self->modules = self->policy.data;
	snprintf(self->name, sizeof(self->name), "loaded%d", getpid());
	snprintf(self->door, sizeof(self->door), "/sys/kernel/debug/%s", self->name);
}

FIXTURE_TEARDOWN(loader)
{
	policy_close(&self->policy);
}

static void *load(void *name)
{
	char args[64];

	snprintf(args, sizeof(args), "door=%s", (const char *)name);
	return (void *)(long)module_load("krsi_hider", name, args);
}

/* The effective user stays root, or it couldn't load. */
static int load_as_another(char *name)
{
	pthread_t thread;
	void *ret;

	if (setresuid(UNPRIVILEGED, 0, 0) || prctl(PR_SET_NAME, "a loader") ||
	    pthread_create(&thread, NULL, load, name) || pthread_join(thread, &ret))
		return 1;
	return ret ? 2 : 0;
}

/* Where /sys says that the code is. */
static unsigned long long section_text(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/sections/.text", name);
	return file_read(path, text, sizeof(text)) > 0 ? strtoull(text, NULL, 16) : 0;
}

struct truth {
	pid_t pid;
	unsigned long long ticks, section;
	struct module_shown shown;
};

static void expect_event(struct __test_metadata *_metadata, const struct truth *truth,
			 const struct module_event *event)
{
	ASSERT_NE(NULL, event);
	EXPECT_EQ(truth->pid, event->loader.pid);
	EXPECT_EQ(UNPRIVILEGED, event->loader.uid);
	EXPECT_EQ(truth->ticks, event->loader.start_time / 10000000);
	EXPECT_STREQ("a loader", event->loader.comm);
	EXPECT_EQ(truth->shown.text, event->text);
	EXPECT_LE(event->text, truth->section);
	EXPECT_GT(event->text + event->text_size, truth->section);
	EXPECT_NE(0, event->data);
	EXPECT_GE(truth->shown.size, event->text_size + event->data_size);
}

TEST_F(loader, and_place_are_told_as_they_are)
{
	unsigned long long *ticks = mmap(NULL, sizeof(*ticks), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct module_event *event;
	struct module_row row = {};
	struct truth truth = {};
	char text[64];
	int status;

	ASSERT_NE(MAP_FAILED, ticks);
	truth.pid = fork();
	ASSERT_LE(0, truth.pid);
	if (!truth.pid) {
		*ticks = start_ticks(getpid());
		_exit(load_as_another(self->name));
	}
	ASSERT_EQ(truth.pid, waitpid(truth.pid, &status, 0));
	ASSERT_EQ(0, status);
	truth.ticks = *ticks;
	truth.section = section_text(self->name);
	ASSERT_NE(0, truth.ticks);
	ASSERT_NE(0, truth.section);
	ASSERT_EQ(0, module_shown(self->name, &truth.shown));

	event = event_within(self->modules, 0, EVENT_LIVE, self->name, PATIENCE_MS);
	expect_event(_metadata, &truth, event);
	EXPECT_EQ(0, module_row(self->name, &row));
	EXPECT_EQ(truth.pid, row.pid);
	EXPECT_EQ(UNPRIVILEGED, row.uid);
	EXPECT_STREQ("a\\040loader", row.comm);
	snprintf(text, sizeof(text), "%#llx+%#llx", truth.shown.text, event->text_size);
	EXPECT_STREQ(text, row.text);

	/* By somebody else, now that the loader has ended. */
	ASSERT_EQ(1, file_write(self->door, "1"));
	EXPECT_EQ(0, module_look());
	expect_event(_metadata, &truth, event_since(self->modules, 0, EVENT_HIDDEN, self->name));
	ASSERT_EQ(1, file_write(self->door, "0"));
	EXPECT_EQ(0, module_unload(self->name));
	EXPECT_TRUE(module_row_gone(self->name));
	event = event_within(self->modules, 0, EVENT_GONE, self->name, PATIENCE_MS);
	expect_event(_metadata, &truth, event);
}

TEST_HARNESS_MAIN
