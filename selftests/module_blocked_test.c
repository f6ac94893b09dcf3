// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that programs for modules run under no lock of the ledger or of the
 * loader: while one is held, modules are loaded and unloaded, the one that it
 * is told of as well, the ledger is read, and policies come and go. What
 * happened meanwhile is told when it is let go.
 */

#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "blocker.h"
#include "common.h"
#include "module.h"
#include "module_events.h"

#define PATIENCE_MS 60000
/* What waited for the program would return after it has ended, and be seen by that. */
#define LIMIT_MS (2ULL * PATIENCE_MS)

FIXTURE(blocked)
{
	struct policy watching, blocking, other;
	const struct modules *modules;
	struct blocker *blocker;
	char names[3][32];
};

static bool is_blocked(const struct blocker *blocker)
{
	return *(volatile const __u32 *)&blocker->blocked;
}

FIXTURE_SETUP(blocked)
{
	unsigned long long end;
	int i;

	for (i = 0; i < 3; i++)
		snprintf(self->names[i], sizeof(self->names[i]), "held%d_%d", getpid(), i);
	/* Loaded before, for that may take long by itself. */
	ASSERT_EQ(0, policy_take(&self->other, "modules.bpf.o", "modules_no_sleep"));
	/* The first that attaches is told first. */
	ASSERT_EQ(0, policy_start(&self->watching, "modules.bpf.o", "modules_all"));
	self->modules = self->watching.data;
	ASSERT_EQ(0, policy_start(&self->blocking, "blocker.bpf.o", "blocking_live"));
	self->blocker = self->blocking.data;
	self->blocker->limit_ns = LIMIT_MS * 1000000;
	self->blocker->tgid = getpid();

	ASSERT_EQ(0, module_load("krsi_plain", self->names[0], NULL));
	end = now_ms() + PATIENCE_MS;
	while (!is_blocked(self->blocker) && now_ms() < end)
		usleep(1000);
	ASSERT_TRUE(is_blocked(self->blocker));
}

FIXTURE_TEARDOWN(blocked)
{
	if (self->blocker)
		self->blocker->release = 1;
	policy_close(&self->blocking);
	policy_close(&self->other);
	policy_close(&self->watching);
}

#define EXPECT_HELD(statement) do { \
	statement; \
	EXPECT_TRUE(is_blocked(self->blocker)) { \
		TH_LOG("waited: %s", #statement); \
	} \
} while (0)

#define EXPECT_TOLD(kind, name) \
	EXPECT_NE(NULL, event_within(self->modules, mark, kind, name, PATIENCE_MS))

TEST_F_TIMEOUT(blocked, program_holds_up_nobody_else, 900)
{
	const char *first = self->names[0], *second = self->names[1], *third = self->names[2];
	__u64 mark = self->modules->count;
	struct module_total total;
	struct module_row row = {};

	EXPECT_NE(NULL, event_since(self->modules, 0, EVENT_LIVE, first));
	EXPECT_HELD(EXPECT_EQ(0, module_load("krsi_plain", second, NULL)));
	EXPECT_HELD(EXPECT_EQ(0, module_row(second, &row)));
	EXPECT_STREQ("live", row.state);
	EXPECT_HELD(EXPECT_EQ(0, module_total(&total)));
	EXPECT_HELD(EXPECT_EQ(0, module_unload(second)));
	EXPECT_HELD(EXPECT_EQ(0, module_load("krsi_plain", third, NULL)));
	EXPECT_HELD(EXPECT_EQ(0, policy_attach(&self->other)));
	EXPECT_HELD(policy_detach(&self->other));
	EXPECT_HELD(EXPECT_EQ(0, policy_attach(&self->other)));
	EXPECT_HELD(EXPECT_EQ(0, module_unload(first)));
	EXPECT_EQ(mark, self->modules->count);

	self->blocker->release = 1;
	EXPECT_TOLD(EVENT_LIVE, second);
	EXPECT_TOLD(EVENT_GONE, second);
	EXPECT_TOLD(EVENT_LIVE, third);
	EXPECT_TOLD(EVENT_GONE, first);
	EXPECT_LT(event_since(self->modules, mark, EVENT_LIVE, second),
		  event_since(self->modules, mark, EVENT_GONE, second));
	/* The policy that came while the program was held. */
	EXPECT_NE(NULL, event_within(self->other.data, 0, EVENT_LIVE, third, PATIENCE_MS));
	EXPECT_EQ(0, module_unload(third));
	EXPECT_TRUE(module_row_gone(third));
}

TEST_HARNESS_MAIN
