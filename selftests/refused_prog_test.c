// SPDX-License-Identifier: GPL-2.0
/*
 * Proves which programs are never loaded, and with which words of the
 * verifier: those that forge a context, write to one or look beyond it, call
 * what leads to kernel memory or out of the program, or would replace a
 * policy's program.
 *
 * Each struct_ops map of the objects refused_*.bpf.c is one such policy. The
 * beginning of its name tells the reason, as the table below says.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"

#define LOG_SIZE (4 << 20)

static char log_text[LOG_SIZE];

/* What the verifier says; %s is the rest of the map's name. */
static const struct {
	const char *prefix, *message;
	const char *or; /* what it says where the header's pointer has another type */
} reasons[] = {
	{ "map_stack_", "R1 is fp expected STRUCT krsi_" },
	{ "map_value_", "R1 is map_value expected STRUCT krsi_" },
	{ "map_number_", "R1 is scalar expected STRUCT krsi_" },
	{ "map_opaque_", "R1 must be referenced or trusted",
	  "R1 is rdonly_untrusted_mem expected" },
	{ "map_null_", "Possibly NULL pointer passed to trusted R1" },
	{ "map_inside_", "R1 expected pointer to STRUCT krsi_" },
	{ "map_after_executed_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_process_executed_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_file_unlink_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_executable_unlink_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_module_live_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_module_gone_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_module_hidden_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_module_load_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_module_request_", "calling kernel function krsi_%s is not allowed" },
	{ "map_after_process_exec_", "calling kernel function krsi_%s is not allowed" },
	{ "map_sleepable_", "attach to unsupported member %s of struct krsi_ops" },
	{ "map_write_", "only read is supported" },
	{ "map_beyond_end", "access beyond struct krsi_exec" },
	{ "map_beyond_context_", "access beyond struct krsi_%s" },
	{ "map_before_begin", "invalid negative access" },
	{ "map_slot_", "invalid bpf_context access" },
	{ "map_room_", "memory, len pair leads to invalid memory access" },
	{ "map_helper_", "program of this type cannot use helper bpf_%s#" },
	{ "map_kfunc_", "calling kernel function bpf_%s is not allowed" },
	{ "map_follow_", "invalid mem access 'scalar'" },
};

static bool expected_message(const char *name, char *message, size_t size, const char **or)
{
	for (int i = 0; i < ARRAY_SIZE(reasons); i++) {
		size_t len = strlen(reasons[i].prefix);
		const char *at = strstr(reasons[i].message, "%s");

		if (strncmp(name, reasons[i].prefix, len))
			continue;
		*or = reasons[i].or;
		if (at)
			snprintf(message, size, "%.*s%s%s",
				 (int)(at - reasons[i].message), reasons[i].message, name + len,
				 at + 2);
		else
			snprintf(message, size, "%s", reasons[i].message);
		return true;
	}
	return false;
}

/* Where the log says why: after the program's instructions, before the advice. */
static const char *end_of_log(void)
{
	static char end[512];
	char *advice = strstr(log_text, "\nVerification failed");
	size_t len = advice ? advice - log_text : strlen(log_text);
	size_t from = len < sizeof(end) ? 0 : len - sizeof(end) + 1;

	snprintf(end, sizeof(end), "%.*s", (int)(len - from), log_text + from);
	return end;
}

/* Opens the object, with only this one of its struct_ops maps. */
static struct bpf_object *open_alone(const char *object, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = log_text,
		    .kernel_log_size = sizeof(log_text),
		    .kernel_log_level = 1,
	);
	struct bpf_object *obj = bpf_object__open_file(test_path(object), &opts);
	struct bpf_map *map;

	if (!obj)
		return NULL;
	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, !strcmp(bpf_map__name(map), name));
	}
	return obj;
}

static int load_alone(const char *object, const char *name)
{
	struct bpf_object *obj = open_alone(object, name);
	int ret;

	if (!obj)
		return -errno;
	log_text[0] = '\0';
	ret = bpf_object__load(obj);
	bpf_object__close(obj);
	return ret;
}

FIXTURE(refused)
{
	struct bpf_object *list;
};

FIXTURE_VARIANT(refused)
{
	const char *object;
	int least;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(refused, forged_contexts) { "refused_forged.bpf.o", 96 };
FIXTURE_VARIANT_ADD(refused, misused_contexts) { "refused_context.bpf.o", 48 };
FIXTURE_VARIANT_ADD(refused, ways_to_kernel_memory) { "refused_memory.bpf.o", 30 };
FIXTURE_VARIANT_ADD(refused, readers_without_an_exec) { "refused_reader.bpf.o", 30 };
FIXTURE_VARIANT_ADD(refused, tasks_and_files_of_modules) { "refused_module.bpf.o", 13 };
FIXTURE_VARIANT_ADD(refused, loads_and_requests) { "refused_load.bpf.o", 39 };
/* clang-format on */

FIXTURE_SETUP(refused)
{
	libbpf_quiet = true;
	libbpf_set_print(NULL);
	self->list = bpf_object__open_file(test_path(variant->object), NULL);
	ASSERT_NE(NULL, self->list);
}

FIXTURE_TEARDOWN(refused)
{
	bpf_object__close(self->list);
}

TEST_F(refused, by_the_verifier_with_the_reason)
{
	struct bpf_map *map;
	char message[128];
	const char *or;
	int n = 0;

	bpf_object__for_each_map(map, self->list) {
		const char *name = bpf_map__name(map);

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		/*
		 * A kernel with every checker takes a second for each, and what is refused
		 * doesn't depend on the checkers: some stand for all.
		 */
		if (n++ % rounds(1, 4))
			continue;
		ASSERT_TRUE(expected_message(name, message, sizeof(message), &or));
		EXPECT_GT(0, load_alone(variant->object, name)) {
			TH_LOG("%s was loaded", name);
			continue;
		}
		EXPECT_TRUE(strstr(log_text, message) || (or && strstr(log_text, or))) {
			TH_LOG("%s: no \"%s\" in: %s", name, message, end_of_log());
		}
	}
	EXPECT_LE(variant->least, n);
}

/* Loads it in vain until the log, which is rate limited, says why; the last errno. */
static int load_logged(const char *object, const char *name, const char *line, bool *logged)
{
	int tries, ret = 0;

	*logged = false;
	for (tries = 0; tries < 4 && !*logged; tries++) {
		if (tries)
			sleep(5);
		log_mark();
		ret = load_alone(object, name);
		if (!ret)
			break;
		*logged = log_has(line);
	}
	return ret;
}

static void expect_refused(struct __test_metadata *_metadata, const char *object,
			   const char *name, int error, const char *line)
{
	char message[128];
	const char *or;
	bool logged;

	libbpf_quiet = true;
	libbpf_set_print(NULL);
	ASSERT_TRUE(expected_message(name, message, sizeof(message), &or));
	EXPECT_EQ(error, load_logged(object, name, line, &logged));
	EXPECT_NE(NULL, strstr(log_text, message)) {
		TH_LOG("%s: no \"%s\" in: %s", name, message, end_of_log());
	}
	EXPECT_TRUE(logged) {
		TH_LOG("%s: no \"%s\" in the log", name, line);
	}
}

/* These are tried on each kernel, which is not so for all of those above. */
TEST(a_program_that_sleeps_where_locks_are_held_is_refused_with_a_log_line)
{
	expect_refused(_metadata, "refused_context.bpf.o", "map_sleepable_file_unlink", -EINVAL,
		       "program refused: file_unlink must not sleep");
	expect_refused(_metadata, "refused_context.bpf.o", "map_sleepable_executable_unlink",
		       -EINVAL, "program refused: executable_unlink must not sleep");
	expect_refused(_metadata, "refused_context.bpf.o", "map_sleepable_mount", -EINVAL,
		       "program refused: mount must not sleep");
}

/* The kernel keeps fifteen bytes of a program's name. */
TEST(a_refused_helper_is_named_in_a_log_line)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "program helper_tail_cal refused: helper %d is not one that a policy may call",
		 BPF_FUNC_tail_call);
	expect_refused(_metadata, "refused_memory.bpf.o", "map_helper_tail_call", -EINVAL, line);
}

/* How many lines with this text there were since log_mark(). */
static int log_count(const char *text)
{
	int n = 0;

	while (log_has(text))
		n++;
	return n;
}

/* libbpf loads a program that is refused several times. */
TEST(each_of_many_refused_programs_leaves_one_log_line)
{
	struct bpf_object *list = bpf_object__open_file(test_path("refused_memory.bpf.o"), NULL);
	struct bpf_map *map;
	int n = 0;

	ASSERT_NE(NULL, list);
	libbpf_quiet = true;
	libbpf_set_print(NULL);
	/* What was written before is not counted against these. */
	sleep(5);
	bpf_object__for_each_map(map, list) {
		const char *name = bpf_map__name(map);

		if (strncmp(name, "map_helper_", strlen("map_helper_")))
			continue;
		log_mark();
		EXPECT_GT(0, load_alone("refused_memory.bpf.o", name));
		EXPECT_EQ(1, log_count("refused: helper")) {
			TH_LOG("%s, program %d", name, n);
		}
		if (++n == 12)
			break;
	}
	EXPECT_EQ(12, n);
	bpf_object__close(list);
}

static int kfunc_id(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -errno;

	btf__free(btf);
	return id;
}

TEST(a_refused_kfunc_is_named_in_a_log_line)
{
	int id = kfunc_id("bpf_task_from_pid");
	char line[128];

	ASSERT_LT(0, id);
	snprintf(line, sizeof(line),
		 "program kfunc_task_from refused: it calls a kfunc (BTF id %d) that process_exec",
		 id);
	expect_refused(_metadata, "refused_memory.bpf.o", "map_kfunc_task_from_pid", -EACCES, line);
}

/* An extension that would replace the subprogram "replaceable" of a program. */
static int load_extension(int target_fd)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = log_text,
		    .kernel_log_size = sizeof(log_text),
		    .kernel_log_level = 1,
	);
	struct bpf_object *obj = bpf_object__open_file(test_path("extension.bpf.o"), &opts);
	struct bpf_program *prog;
	int ret;

	if (!obj)
		return -errno;
	prog = bpf_object__find_program_by_name(obj, "replacement");
	ret = bpf_program__set_attach_target(prog, target_fd, "replaceable");
	log_text[0] = '\0';
	if (!ret)
		ret = bpf_object__load(obj);
	bpf_object__close(obj);
	return ret;
}

/* A BPF program of another kind with the same subprogram, and a policy. */
static int target_fd(struct bpf_object *obj, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(obj, name));
}

TEST(a_policys_program_cannot_be_replaced)
{
	struct policy policy;
	int tries;

	libbpf_quiet = true;
	ASSERT_EQ(0, policy_open(&policy, "replaceable.bpf.o", "replaceable_policy"));
	ASSERT_EQ(0, policy_load(&policy));
	/* That the extension is a good one is seen where it is admitted. */
	EXPECT_EQ(0, load_extension(target_fd(policy.obj, "socket_program"))) {
		TH_LOG("%s", end_of_log());
	}
	for (tries = 0; tries < 4; tries++) {
		log_mark();
		EXPECT_EQ(-EPERM, load_extension(target_fd(policy.obj, "policy_program")));
		if (log_has("extension"))
			break;
		sleep(5);
	}
	EXPECT_NE(4, tries);
	EXPECT_EQ(0, policy_attach(&policy));
	EXPECT_EQ(-EPERM, load_extension(target_fd(policy.obj, "policy_program")));
	policy_close(&policy);
}

TEST_HARNESS_MAIN
