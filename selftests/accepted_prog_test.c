// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy may use what policies need - maps, ring buffers, perf
 * events, timers, dynptrs, loops, locks, strings - and that it works there;
 * and that programs that are no policies may use what policies may not.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"

static bool served(const __u32 *done)
{
	unsigned long long end = now_ms() + 60000;

	while (!*(volatile const __u32 *)done && now_ms() < end)
		usleep(1000);
	return *done;
}

static void use(struct __test_metadata *_metadata, struct policy *policy)
{
	const char *name = bpf_map__name(policy->map);
	__u32 *done = policy->data;
	struct policy_line line;

	*done = 0;
	ASSERT_EQ(0, policy_attach(policy)) {
		TH_LOG("%s", name);
	}
	EXPECT_EQ(0, run_exit0(NULL, NULL, NULL));
	EXPECT_TRUE(served(done)) {
		TH_LOG("%s did not serve", name);
	}
	ASSERT_EQ(0, policy_line("accepted", &line));
	EXPECT_EQ(0, line.errors);
	EXPECT_LE(1, line.runs);
	policy_detach(policy);
}

/* All are loaded at once, and attached one after the other. */
TEST(each_thing_that_a_policy_may_use_works)
{
	struct policy policy = { .obj = bpf_object__open_file(test_path("accepted.bpf.o"), NULL) };
	int n = 0;

	ASSERT_NE(NULL, policy.obj);
	ASSERT_EQ(0, policy_load(&policy));
	bpf_object__for_each_map(policy.map, policy.obj) {
		if (bpf_map__type(policy.map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		use(_metadata, &policy);
		n++;
	}
	EXPECT_LE(15, n);
	policy_close(&policy);
}

/* KRSI's filter is asked for them, too: the kfuncs are the kernel's own, for many kinds. */
TEST(programs_of_other_kinds_may_call_kfuncs_that_policies_may_not)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct policy others = { .obj = bpf_object__open_file(test_path("others.bpf.o"), NULL) };
	struct bpf_program *prog;
	int n = 0;

	ASSERT_NE(NULL, others.obj);
	ASSERT_EQ(0, policy_load(&others));
	bpf_object__for_each_program(prog, others.obj) {
		EXPECT_LE(0, bpf_program__fd(prog));
		n++;
	}
	EXPECT_EQ(4, n);
	prog = bpf_object__find_program_by_name(others.obj, "of_syscall");
	EXPECT_EQ(0, bpf_prog_test_run_opts(bpf_program__fd(prog), &opts));
	EXPECT_EQ(1, opts.retval);
	policy_close(&others);
}

TEST_HARNESS_MAIN
