// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that KRSI costs where somebody wants it and nowhere else: a hook is on
 * only while a policy with an op behind it is attached, and the pages of the
 * arguments are taken hold of only while somebody reads them. Both are counted
 * by kprobes on the kernel's own functions.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "common.h"
#include "hits.h"
#include "run.h"

/* KRSI's hooks that can be switched, with what the framework calls them if that differs. */
static const struct {
	const char *name, *callback;
} hooks[] = {
	{ "bprm_creds_for_exec" },
	{ "bprm_check_security" },
	{ "bprm_committed_creds" },
	{ "task_alloc" },
	{ "mmap_file" },
	{ "inode_free", "inode_free_security" },
	{ "path_unlink" },
	{ "path_rename" },
	{ "inode_unlink" },
	{ "inode_rename" },
	{ "task_free" },
	{ "file_mprotect" },
	{ "file_open" },
	{ "inode_setattr" },
	{ "module_read", "kernel_post_read_file" },
	{ "module_copied", "kernel_post_load_data" },
	{ "module_requested", "kernel_module_request" },
};

#define HOOKS ARRAY_SIZE(hooks)
_Static_assert(2 * HOOKS <= HITS_MAX, "callbacks and implementations");

enum {
	TASK_FREE = 10,
	BPRM_CREDS_FOR_EXEC = 1 << 0,
	BPRM_CHECK_SECURITY = 1 << 1,
	BPRM_COMMITTED_CREDS = 1 << 2,
	ALL_OF_EXEC = BPRM_CREDS_FOR_EXEC | BPRM_CHECK_SECURITY | BPRM_COMMITTED_CREDS,
	RECORD = BPRM_CHECK_SECURITY | BPRM_COMMITTED_CREDS | (1 << 3) | (1 << 4) | (1 << 5),
	MAPS = (1 << 4) | (1 << 11),
	DIGESTS = (1 << 5) | (1 << 12) | (1 << 13),
	MODULE_LOAD = (1 << 14) | (1 << 15),
	MODULE_REQUEST = 1 << 16,
	REMOVALS = (1 << 6) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << TASK_FREE),
};

struct counter {
	struct bpf_object *obj;
	struct bpf_program *prog;
	struct hits *hits;
};

static int counter_open(struct counter *counter)
{
	struct bpf_map *map;
	size_t size;

	counter->obj = bpf_object__open_file(test_path("hits.bpf.o"), NULL);
	if (!counter->obj || bpf_object__load(counter->obj))
		return -errno;
	counter->prog = bpf_object__find_program_by_name(counter->obj, "hit");
	map = bpf_object__find_map_by_name(counter->obj, ".bss");
	counter->hits = bpf_map__initial_value(map, &size);
	return 0;
}

/* Until the process ends. */
static bool count_calls(struct counter *counter, const char *symbol, int nr)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .bpf_cookie = nr);

	return bpf_program__attach_kprobe_opts(counter->prog, symbol, &opts);
}

/*
 * A mangled name of Rust: "_RINv" is a function for a type, "_RNvX" one of a
 * trait's implementation, and each part stands behind its length. Hashes in
 * between change with every kernel.
 */
static bool is_symbol(const char *symbol, const char *kind, const char *place, const char *name)
{
	char part[128];

	snprintf(part, sizeof(part), "%s%zu%s", place, strlen(name), name);
	return !strncmp(symbol, kind, strlen(kind)) && strstr(symbol, "4krsi") &&
	       strstr(symbol, part);
}

/* A hook's callback is counted as number i, its implementation as HOOKS + i; mask of the former. */
static __u32 count_hooks(struct counter *counter)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char symbol[512];
	__u32 found = 0;
	int i;

	while (file && fscanf(file, "%*x %*c %511s%*[^\n]", symbol) == 1) {
		for (i = 0; i < HOOKS && strstr(symbol, "4krsi"); i++) {
			const char *callback = hooks[i].callback ?: hooks[i].name;

			if (is_symbol(symbol, "_RINv", "13lsm_callbacks", callback))
				found |= count_calls(counter, symbol, i) << i;
			else if (is_symbol(symbol, "_RNvX", "9lsm_hooks5Hooks", hooks[i].name))
				count_calls(counter, symbol, HOOKS + i);
		}
	}
	if (file)
		fclose(file);
	return found;
}

/*
 * One for all tests, which are children of this process: to find the symbols and to put a probe
 * on each takes seconds with every checker on.
 */
static struct {
	struct counter counter;
	int ret;
	__u32 found; /* callbacks that can be counted */
} counted;

__attribute__((constructor)) static void count_all_hooks(void)
{
	counted.ret = counter_open(&counted.counter);
	if (!counted.ret)
		counted.found = count_hooks(&counted.counter);
}

FIXTURE(hook)
{
	struct policy policy;
};

FIXTURE_VARIANT(hook)
{
	const char *object, *map;
	__u32 on;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(hook, of_process_exec) {
	"verdict.bpf.o", "verdict_no_sleep", BPRM_CREDS_FOR_EXEC | BPRM_CHECK_SECURITY,
};
FIXTURE_VARIANT_ADD(hook, of_process_exec_and_executed) {
	"verdict.bpf.o", "verdict_full", ALL_OF_EXEC,
};
FIXTURE_VARIANT_ADD(hook, of_file_unlink) {
	"unlinks.bpf.o", "unlinks_file", REMOVALS,
};
FIXTURE_VARIANT_ADD(hook, of_file_map_exec_with_digests) {
	"digests.bpf.o", "digests_all", BPRM_CREDS_FOR_EXEC | BPRM_CHECK_SECURITY | MAPS | DIGESTS,
};
FIXTURE_VARIANT_ADD(hook, of_executable_unlink) {
	"unlinks.bpf.o", "unlinks_executable", REMOVALS | RECORD,
};
FIXTURE_VARIANT_ADD(hook, of_module_load) {
	"loads.bpf.o", "loads_blind", MODULE_LOAD,
};
FIXTURE_VARIANT_ADD(hook, of_module_load_and_request) {
	"loads.bpf.o", "loads_atomic", MODULE_LOAD | MODULE_REQUEST,
};
/* clang-format on */

FIXTURE_SETUP(hook)
{
	ASSERT_EQ(0, counted.ret);
	ASSERT_EQ(0, policy_take(&self->policy, variant->object, variant->map));
}

FIXTURE_TEARDOWN(hook)
{
	policy_close(&self->policy);
}

#define FILE_A "/tmp/krsi_switch_a"
#define FILE_B "/tmp/krsi_switch_b"

/* What is no module, in both ways, and a filesystem that there is none of. */
static bool load_nothing(const char *path)
{
	static char nothing[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool refused = fd >= 0 && syscall(SYS_finit_module, fd, "", 0) && errno == ENOEXEC &&
		       syscall(SYS_init_module, nothing, sizeof(nothing), "") &&
		       errno == ENOEXEC && mount("none", "/tmp", "krsi_nothing", 0, NULL) &&
		       errno == ENODEV;

	close(fd);
	return refused;
}

/*
 * All that leads to a hook, but for the exec: a protection, a rename over a name, a removal,
 * a child, modules.
 */
static int before_exec(void *arg)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct hits *hits = arg;
	pid_t pid;

	hits->tgid = getpid();
	if (mprotect(page, sizeof(page), PROT_READ | PROT_WRITE))
		return 1;
	if (file_make(FILE_A, "no module", 0644) || file_make(FILE_B, "", 0644) ||
	    !load_nothing(FILE_A) || rename(FILE_A, FILE_B) || unlink(FILE_B))
		return 1;
	pid = fork();
	if (!pid)
		_exit(0);
	return waitpid(pid, NULL, 0) != pid;
}

/* What is called while a process does everything; the result of its exec. */
static int do_everything(struct hits *hits, struct hits *seen)
{
	struct run how = { .path = test_path("exit0"), .before = before_exec, .arg = hits };
	int ret;

	memset(hits, 0, sizeof(*hits));
	/* A task is freed in the context of somebody else. */
	hits->anyone = 1ULL << TASK_FREE | 1ULL << (HOOKS + TASK_FREE);
	ret = run(&how);
	/* Its tasks are freed some grace periods later. */
	usleep(rounds(200000, 1000000));
	*seen = *hits;
	return ret;
}

TEST_F(hook, is_on_only_while_the_op_is_attached)
{
	struct hits none, attached, detached;
	bool own_branches = false;
	int i, told = 0;

	ASSERT_EQ(0, policy_count(NULL));
	ASSERT_EQ(0, do_everything(counted.counter.hits, &none));
	ASSERT_EQ(0, policy_attach(&self->policy));
	ASSERT_EQ(0, do_everything(counted.counter.hits, &attached));
	policy_detach(&self->policy);
	ASSERT_EQ(0, do_everything(counted.counter.hits, &detached));

	/*
	 * Where the framework can't switch hooks the callbacks are called always, and
	 * a branch in each leads to the implementation, unless the compiler has put
	 * that into the callback: then there is nothing to count.
	 */
	for (i = 0; i < HOOKS; i++)
		own_branches |= none.n[i] > 0;
	if (!own_branches)
		ASSERT_EQ((1U << HOOKS) - 1, counted.found);

	for (i = 0; i < HOOKS; i++) {
		int at = own_branches ? HOOKS + i : i;

		if (!(variant->on & 1 << i)) {
			EXPECT_EQ(0, attached.n[at]) {
				TH_LOG("%s is none of the op's", hooks[i].name);
			}
			continue;
		}
		if (own_branches && !attached.n[at])
			continue;
		told++;
		EXPECT_EQ(0, none.n[at]) {
			TH_LOG("%s, nothing attached", hooks[i].name);
		}
		EXPECT_EQ(0, detached.n[at]) {
			TH_LOG("%s, detached", hooks[i].name);
		}
		EXPECT_LT(0, attached.n[at]) {
			TH_LOG("%s, attached", hooks[i].name);
		}
	}
	if (own_branches && !told)
		SKIP(return, "every implementation is part of its callback");
	EXPECT_LT(0, told);
}

FIXTURE(pages)
{
	struct counter counter;
};

FIXTURE_SETUP(pages)
{
	ASSERT_EQ(0, counter_open(&self->counter));
	ASSERT_TRUE(count_calls(&self->counter, "krsi_hold_pages", 0));
}

FIXTURE_TEARDOWN(pages)
{
	bpf_object__close(self->counter.obj);
}

/* How often the pages of an exec's strings are held during one exec. */
static int pages_taken(struct hits *hits)
{
	char *argv[] = { "exit0", "argument", NULL }, *envp[] = { "VERDICT_TEST=1", NULL };
	int ret;

	memset(hits, 0, sizeof(*hits));
	ret = run_exit0(&hits->tgid, argv, envp);
	return ret < 0 ? ret : hits->n[0];
}

TEST_F(pages, are_taken_only_while_a_reader_is_attached)
{
	struct policy judge, reader;
	int none;

	ASSERT_EQ(0, policy_take(&judge, "verdict.bpf.o", "verdict_no_sleep"));
	ASSERT_EQ(0, policy_take(&reader, "verdict.bpf.o", "verdict_full"));
	none = pages_taken(self->counter.hits);
	ASSERT_EQ(0, none);
	ASSERT_EQ(0, policy_attach(&judge));
	EXPECT_EQ(none, pages_taken(self->counter.hits));
	ASSERT_EQ(0, policy_attach(&reader));
	EXPECT_LT(none, pages_taken(self->counter.hits));
	policy_detach(&reader);
	EXPECT_EQ(none, pages_taken(self->counter.hits));
	/* An update to one that reads, and back. */
	ASSERT_EQ(0, bpf_link__update_map(judge.link, reader.map));
	EXPECT_LT(none, pages_taken(self->counter.hits));
	ASSERT_EQ(0, bpf_link__update_map(judge.link, judge.map));
	EXPECT_EQ(none, pages_taken(self->counter.hits));
	policy_close(&judge);
	policy_close(&reader);
}

/* Nobody sees when such a program is attached, so what counts is that it is there. */
TEST_F(pages, are_taken_while_a_reader_of_the_bpf_lsm_is_loaded)
{
	struct bpf_object *obj = bpf_object__open_file(test_path("bprm.bpf.o"), NULL);
	unsigned long long end;
	int none = pages_taken(self->counter.hits), some;

	ASSERT_EQ(0, none);
	ASSERT_NE(NULL, obj);
	ASSERT_EQ(0, bpf_object__load(obj));
	EXPECT_LT(none, pages_taken(self->counter.hits));
	bpf_object__close(obj);
	/* A program is freed later, and by then what it has switched on. */
	end = now_ms() + 60000;
	do {
		some = pages_taken(self->counter.hits);
	} while (some != none && now_ms() < end);
	EXPECT_EQ(none, some);
}

TEST_HARNESS_MAIN
