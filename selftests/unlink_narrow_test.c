// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what a 32-bit program loader runs counts as executed, as what a
 * 64-bit one does: both say in words of their own that they have no loader
 * themselves.
 */

#include "kselftest_harness.h"
#include "unlinking.h"

KEEP_POLICIES("unlinks.bpf.o", "unlinks_both")

FIXTURE(narrow)
{
	struct watch watch;
};

FIXTURE_SETUP(narrow)
{
	ASSERT_EQ(0, unlinks_dir());
	ASSERT_EQ(0, file_copy(test_path("narrow"), DIR "/loader", 0755));
	ASSERT_EQ(0, watch_start(&self->watch, "unlinks_both"));
}

FIXTURE_TEARDOWN(narrow)
{
	watch_end(&self->watch);
}

TEST_F(narrow, program_that_a_32_bit_loader_runs_is_removed)
{
	int ret = RUN(&self->watch, DIR "/loader", PROGRAM);

	if (ret == -ENOEXEC)
		SKIP(return, "no CONFIG_IA32_EMULATION");
	ASSERT_EQ(0, ret);
	EXPECT_ONLY(&self->watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
}

TEST_F(narrow, loader_removes_itself)
{
	int ret = RUN(&self->watch, DIR "/loader", DIR "/loader");

	if (ret == -ENOEXEC)
		SKIP(return, "no CONFIG_IA32_EMULATION");
	ASSERT_EQ(0, ret);
	EXPECT_ONLY(&self->watch, DIR "/loader", .whose = KRSI_WHOSE_OWN,
		    .name_now = KRSI_NAME_GONE);
}

TEST_HARNESS_MAIN
