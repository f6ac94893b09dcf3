// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the shipped policy module_hide names a module that hides, what it
 * did and who loaded it; and that it tells when the module is back.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "module.h"
#include "modules/hider.h"
#include "shipped.h"

/* What happens in other tasks meanwhile takes its time on an emulated machine. */
#define SOON_MS 30000

FIXTURE(module)
{
	struct shipped shipped;
	char name[32], door[64];
};

FIXTURE_SETUP(module)
{
	char args[128];

	ASSERT_EQ(0, shipped_start(&self->shipped, "module_hide", "audit"));
	snprintf(self->name, sizeof(self->name), "hider%d", getpid());
	snprintf(self->door, sizeof(self->door), "/sys/kernel/debug/%s", self->name);
	snprintf(args, sizeof(args), "door=%s lender=krsi_lender", self->name);
	ASSERT_EQ(0, module_load("krsi_hider", self->name, args));
}

FIXTURE_TEARDOWN(module)
{
	EXPECT_EQ(0, module_unload(self->name));
	shipped_end(&self->shipped);
}

#define SELF FIXTURE_DATA(module) *self, struct __test_metadata *_metadata

static void command(SELF, const char *steps)
{
	ASSERT_EQ(strlen(steps), file_write(self->door, steps));
}

/*
 * Waits until the last report is of this signal and says this of the module;
 * one that is half way through its steps may have been told before.
 */
static void expect_last(SELF, const char *signal, const char *facts)
{
	unsigned long long end = now_ms() + SOON_MS;
	const struct krsi_report *report;
	char value[128];
	int n = 0;

	snprintf(value, sizeof(value), "%s:%s", self->name, facts);
	for (;;) {
		EXPECT_EQ(0, module_look());
		n = shipped_reports(&self->shipped);
		ASSERT_GE(SHIPPED_MAX, n);
		report = &self->shipped.report[n - 1];
		if (n && !strcmp(report->signal, signal) && !strcmp(report->value, value))
			break;
		if (now_ms() > end)
			break;
		usleep(10000);
	}
	ASSERT_LT(0, n);
	EXPECT_REPORT(&self->shipped, n - 1, signal, "", value);
	EXPECT_EQ(getpid(), report->task.tgid);
	EXPECT_EQ(getuid(), report->task.uid);
	EXPECT_LT(0, report->task.start_time);
	EXPECT_EQ(0, strncmp(report->task.comm, "policy_module_t", 15));
}

TEST_F(module, that_hides_and_comes_back_is_reported)
{
	char steps[16];

	EXPECT_EQ(0, module_look());
	EXPECT_NO_REPORT(&self->shipped);

	snprintf(steps, sizeof(steps), "%u", HIDE_LIST_FALSE | HIDE_NAME | HIDE_TREE);
	command(self, _metadata, steps);
	expect_last(self, _metadata, "module_hidden", "missing=list,tree,:altered=name,links,");

	command(self, _metadata, "0");
	expect_last(self, _metadata, "module_back", "missing=:altered=");
}

TEST_HARNESS_MAIN
