// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that nobody but programs of the BPF LSM at their hooks may call the readers on
 * struct linux_binprm, nor an LSM program those of policies; and that a forged bprm is
 * none to them.
 */

#include <errno.h>
#include <string.h>

#include "kselftest_harness.h"
#include "common.h"

static char log_text[1 << 20];

/* Loads this one program of the object. */
static int load_one(const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = log_text,
		    .kernel_log_size = sizeof(log_text),
		    .kernel_log_level = 1,
	);
	struct bpf_object *obj = bpf_object__open_file(test_path("refused_bprm.bpf.o"), &opts);
	struct bpf_program *prog;
	struct bpf_map *map;
	int ret;

	if (!obj)
		return -errno;
	bpf_object__for_each_program(prog, obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, !strcmp(name, "bprm_policy"));
	}
	log_text[0] = '\0';
	ret = bpf_object__load(obj);
	bpf_object__close(obj);
	return ret;
}

FIXTURE(refused)
{
};

FIXTURE_VARIANT(refused)
{
	const char *prog, *kfunc;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(refused, bprm_committing) { "bprm_committing", "bprm_count_env_var" };
FIXTURE_VARIANT_ADD(refused, bprm_committed) { "bprm_committed", "bprm_count_env_var" };
FIXTURE_VARIANT_ADD(refused, bprm_other_hook) { "bprm_other_hook", "bprm_count_env_var" };
FIXTURE_VARIANT_ADD(refused, bprm_tracing) { "bprm_tracing", "bprm_count_env_var" };
FIXTURE_VARIANT_ADD(refused, bprm_policy) { "bprm_policy", "bprm_count_env_var" };
FIXTURE_VARIANT_ADD(refused, exec_lsm) { "exec_lsm", "count_env_var" };
FIXTURE_VARIANT_ADD(refused, event_lsm) { "event_lsm", "get_task_id" };
FIXTURE_VARIANT_ADD(refused, event_tracing) { "event_tracing", "get_file_path" };
/* clang-format on */

FIXTURE_SETUP(refused)
{
	libbpf_set_print(NULL);
}

FIXTURE_TEARDOWN(refused)
{
}

TEST_F(refused, to_call_it)
{
	char message[128];

	snprintf(message, sizeof(message), "calling kernel function krsi_%s is not allowed",
		 variant->kfunc);
	EXPECT_GT(0, load_one(variant->prog));
	EXPECT_NE(NULL, strstr(log_text, message)) {
		TH_LOG("%s: %s", variant->prog, log_text);
	}
}

/* What the verifier says of each way to forge a bprm, whichever reader is given it. */
static const struct {
	const char *way, *message;
} forged[] = {
	{ "stack", "R1 is fp expected STRUCT linux_binprm" },
	{ "value", "R1 is map_value expected STRUCT linux_binprm" },
	{ "number", "R1 is scalar expected STRUCT linux_binprm" },
	{ "null", "Possibly NULL pointer passed to trusted R1" },
	{ "inside", "R1 expected pointer to STRUCT linux_binprm" },
};

static const char *const readers[] = {
	"get_env_var", "find_env_var", "count_env_var", "get_env_vars", "get_arg", "get_args",
};

static void expect_all_forged_refused(struct __test_metadata *_metadata, const char *reader)
{
	for (int i = 0; i < ARRAY_SIZE(forged); i++) {
		char prog[64];

		snprintf(prog, sizeof(prog), "forged_%s_%s", forged[i].way, reader);
		EXPECT_GT(0, load_one(prog));
		EXPECT_NE(NULL, strstr(log_text, forged[i].message)) {
			TH_LOG("%s: no \"%s\" in: %s", prog, forged[i].message, log_text);
		}
	}
}

TEST(each_reader_refuses_a_bprm_that_is_forged)
{
	libbpf_set_print(NULL);
	for (int i = 0; i < ARRAY_SIZE(readers); i++)
		expect_all_forged_refused(_metadata, readers[i]);
}

TEST_HARNESS_MAIN
