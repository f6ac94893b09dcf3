// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy may use what policies need - maps, ring buffers, perf
 * events, timers, dynptrs, loops, locks, strings - and that it works there.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"

static bool served(const __u32 *done)
{
	unsigned long long end = now_ms() + 5000;

	while (!*(volatile const __u32 *)done && now_ms() < end)
		usleep(1000);
	return *done;
}

static void use(struct __test_metadata *_metadata, const char *map)
{
	struct policy policy;
	struct policy_line line;

	ASSERT_EQ(0, policy_start(&policy, "accepted.bpf.o", map)) {
		TH_LOG("%s", map);
	}
	EXPECT_EQ(0, run_exit0(NULL, NULL, NULL));
	EXPECT_TRUE(served(policy.data)) {
		TH_LOG("%s did not serve", map);
	}
	ASSERT_EQ(0, policy_line("accepted", &line));
	EXPECT_EQ(0, line.errors);
	EXPECT_LE(1, line.runs);
	policy_close(&policy);
}

FIXTURE(accepted)
{
};

FIXTURE_SETUP(accepted)
{
}

FIXTURE_TEARDOWN(accepted)
{
}

TEST_F_TIMEOUT(accepted, each_thing_that_a_policy_may_use_works, 300)
{
	struct bpf_object *list = bpf_object__open_file(test_path("accepted.bpf.o"), NULL);
	struct bpf_map *map;
	int n = 0;

	ASSERT_NE(NULL, list);
	bpf_object__for_each_map(map, list) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		use(_metadata, bpf_map__name(map));
		n++;
	}
	EXPECT_LE(15, n);
	bpf_object__close(list);
}

TEST_HARNESS_MAIN
