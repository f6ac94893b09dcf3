// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a policy may not call what a module brings: the verifier asks
 * only the filters that the module itself has, so the program loads, and KRSI
 * refuses to attach it.
 */

#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "module.h"

TEST(policy_that_calls_a_kfunc_of_a_module_is_refused)
{
	struct policy policy;
	int ret, tries = 0;

	ASSERT_EQ(0, module_load("krsi_kfunc", NULL, ""));
	ASSERT_EQ(0, policy_open(&policy, "foreign.bpf.o", "foreign"));
	ASSERT_EQ(0, policy_load(&policy));
	libbpf_quiet = true;
	EXPECT_EQ(-EACCES, policy_attach(&policy));
	EXPECT_EQ(0, policy_count("foreign"));
	policy_close(&policy);
	/* The program holds it until it is freed, which is a moment later. */
	while ((ret = module_unload("krsi_kfunc")) == -EAGAIN && tries++ < 600)
		usleep(100000);
	EXPECT_EQ(0, ret);
}

TEST_HARNESS_MAIN
