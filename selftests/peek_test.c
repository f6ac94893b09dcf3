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
	bool attach; /* it is refused there, and not at load */
	int error;
	const char *text; /* of the verifier, or in the kernel log */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(peek, by_opaque) {
	"map_by_opaque", false, -EACCES,
	"access beyond struct krsi_opaque",
};
FIXTURE_VARIANT_ADD(peek, by_opaque_sleep) {
	"map_by_opaque_sleep", false, -EACCES,
	"access beyond struct krsi_opaque",
};
FIXTURE_VARIANT_ADD(peek, by_opaque_executed) {
	"map_by_opaque_executed", false, -EACCES,
	"access beyond struct krsi_opaque",
};
FIXTURE_VARIANT_ADD(peek, by_untrusted_argument) {
	"map_by_untrusted_argument", true, -EACCES,
	"attachment of policy peek refused: a program of it reads kernel memory",
};
FIXTURE_VARIANT_ADD(peek, by_map) {
	"map_by_map", true, -EACCES,
	"attachment of policy peek refused: a program of it reads kernel memory",
};
FIXTURE_VARIANT_ADD(peek, by_snprintf) {
	"map_by_snprintf", false, -EINVAL,
	"program of this type cannot use helper bpf_snprintf#",
};
/* clang-format on */

static char log_text[1 << 20];

FIXTURE_SETUP(peek)
{
	struct bpf_program *prog;

	libbpf_quiet = true;
	ASSERT_EQ(0, policy_open(&self->policy, "refused_peek.bpf.o", variant->map));
	/* Of the program that is loaded alone; the names differ by this only. */
	prog = bpf_object__find_program_by_name(self->policy.obj, variant->map + strlen("map_"));
	ASSERT_NE(NULL, prog);
	ASSERT_EQ(0, bpf_program__set_log_buf(prog, log_text, sizeof(log_text)));
	ASSERT_EQ(0, bpf_program__set_log_level(prog, 1));
}

FIXTURE_TEARDOWN(peek)
{
	policy_close(&self->policy);
}

/* Attaches in vain until the log, which is rate limited, says why; the last errno. */
static int attach_logged(struct policy *policy, const char *text, bool *logged)
{
	int tries, ret = 0;

	*logged = false;
	for (tries = 0; tries < 4 && !*logged; tries++) {
		if (tries)
			sleep(5);
		log_mark();
		ret = policy_attach(policy);
		if (!ret)
			break;
		*logged = log_has(text);
	}
	return ret;
}

TEST_F(peek, makes_no_policy)
{
	int ret = policy_load(&self->policy);
	struct peek *peek = self->policy.data;
	bool says_why;

	if (!variant->attach) {
		says_why = strstr(log_text, variant->text);
	} else {
		ASSERT_EQ(0, ret);
		ret = attach_logged(&self->policy, variant->text, &says_why);
	}
	EXPECT_EQ(variant->error, ret);
	EXPECT_TRUE(says_why) {
		TH_LOG("no \"%s\"; the verifier: %s", variant->text, log_text);
	}
	if (ret)
		return;

	/* Show how bad it is. */
	if (!self->policy.link)
		ASSERT_EQ(0, policy_attach(&self->policy));
	peek->address = banner();
	EXPECT_EQ(0, run_exit0(NULL, NULL, NULL));
	TH_LOG("read from the kernel at %llx: %llx \"%.8s\"", (unsigned long long)peek->address,
	       (unsigned long long)peek->word, (const char *)&peek->word);
}

TEST_HARNESS_MAIN
