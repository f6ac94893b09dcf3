// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that the ledger is kept, and a module that hides is found and logged,
 * while no policy is attached, with nobody asking for a look; and that a policy
 * which comes later is told what changes from then on.
 */

#include <stdio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "module.h"
#include "module_events.h"
#include "modules/hider.h"

KEEP_POLICIES("modules.bpf.o", "modules_all")

/* A look is taken every 5 seconds. */
#define PATIENCE_MS 60000

TEST(module_that_hides_while_no_policy_is_attached_is_found)
{
	char name[32], door[64], args[64], line[256];
	const struct module_event *event;
	const struct modules *modules;
	unsigned long long end;
	struct policy policy;
	struct module_row row = {};

	snprintf(name, sizeof(name), "alone%d", getpid());
	snprintf(door, sizeof(door), "/sys/kernel/debug/%s", name);
	snprintf(args, sizeof(args), "door=%s", name);
	snprintf(line, sizeof(line), "module %s is hidden: missing from list; altered links; "
		 "loaded by module_alone_te pid %d uid 0", name, getpid());

	ASSERT_EQ(0, policy_count(NULL));
	log_mark();
	ASSERT_EQ(0, module_load("krsi_hider", name, args));
	EXPECT_EQ(0, module_row(name, &row));
	EXPECT_STREQ("live", row.state);
	EXPECT_STREQ("-", row.missing);
	EXPECT_EQ(getpid(), row.pid);

	ASSERT_EQ(1, file_write(door, "1"));
	end = now_ms() + PATIENCE_MS;
	while (!log_has(line)) {
		ASSERT_LT(now_ms(), end);
		usleep(100000);
	}
	EXPECT_EQ(0, module_row(name, &row));
	EXPECT_STREQ("live", row.state);
	EXPECT_STREQ("list", row.missing);
	EXPECT_STREQ("links", row.altered);
	EXPECT_EQ(0, policy_count(NULL));

	ASSERT_EQ(0, policy_start(&policy, "modules.bpf.o", "modules_all"));
	modules = policy.data;
	EXPECT_EQ(0, module_look());
	EXPECT_EQ(NULL, event_since(modules, 0, EVENT_HIDDEN, name));
	ASSERT_EQ(1, file_write(door, "0"));
	EXPECT_EQ(0, module_look());
	event = event_last(modules, 0, EVENT_HIDDEN, name);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(0, event->missing);
	EXPECT_EQ(0, event->altered);
	EXPECT_EQ(getpid(), event->loader.pid);
	EXPECT_TRUE(log_has("is back: was missing from list; altered links;"));

	EXPECT_EQ(0, module_unload(name));
	EXPECT_TRUE(module_row_gone(name));
	EXPECT_NE(NULL, event_within(modules, 0, EVENT_GONE, name, PATIENCE_MS));
	policy_close(&policy);
}

TEST_HARNESS_MAIN
