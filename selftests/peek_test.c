// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that no policy reads kernel memory by what looks harmless: through the
 * pointer in a context's header, arguments that are declared as not to be
 * trusted, a map as an object of the kernel, a format with %s.
 * Refused at load or at attach, whichever it is.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"
#include "common.h"
#include "peek.h"
#include "run.h"

/* Where the kernel's banner lies: text that is known, at no secret address. */
static __u64 banner(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char name[128];

	if (!file)
		return 0;
	while (fscanf(file, "%llx %*c %127s%*[^\n]", &address, name) == 2) {
		if (!strcmp(name, "linux_banner"))
			break;
		address = 0;
	}
	fclose(file);
	return address;
}

FIXTURE(peek)
{
	struct policy policy;
};

FIXTURE_VARIANT(peek)
{
	const char *map;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(peek, by_opaque) { "map_by_opaque" };
FIXTURE_VARIANT_ADD(peek, by_opaque_sleep) { "map_by_opaque_sleep" };
FIXTURE_VARIANT_ADD(peek, by_opaque_executed) { "map_by_opaque_executed" };
FIXTURE_VARIANT_ADD(peek, by_untrusted_argument) { "map_by_untrusted_argument" };
FIXTURE_VARIANT_ADD(peek, by_map) { "map_by_map" };
FIXTURE_VARIANT_ADD(peek, by_snprintf) { "map_by_snprintf" };
/* clang-format on */

FIXTURE_SETUP(peek)
{
	libbpf_quiet = true;
	ASSERT_EQ(0, policy_open(&self->policy, "refused_peek.bpf.o", variant->map));
}

FIXTURE_TEARDOWN(peek)
{
	policy_close(&self->policy);
}

TEST_F(peek, makes_no_policy)
{
	int ret = policy_load(&self->policy);
	struct peek *peek = self->policy.data;

	if (!ret)
		ret = policy_attach(&self->policy);
	EXPECT_GT(0, ret);
	if (ret)
		return;

	/* Show how bad it is. */
	peek->address = banner();
	EXPECT_EQ(0, run_exit0(NULL, NULL, NULL));
	TH_LOG("read from the kernel at %llx: %llx \"%.8s\"", (unsigned long long)peek->address,
	       (unsigned long long)peek->word, (const char *)&peek->word);
}

TEST_HARNESS_MAIN
