// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a process that writes to the strings while execve copies them brings
 * no LD_PRELOAD past env_audit: not one that stands there, not one that comes to
 * light when a byte of a string becomes its end, and not the path of the program,
 * which lies behind the strings and becomes one when they run together.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "preloaded.h"
#include "run.h"
#include "shipped.h"

KEEP_POLICIES("env_audit.bpf.o", "env_audit")

#define DIR "/tmp/krsi_torn"
#define PRELOAD "LD_PRELOAD=x"

#define STRINGS 64
#define LENGTH 4000
#define FLIPPED 2000

FIXTURE(torn)
{
	struct shipped shipped;
	char (*strings)[LENGTH + 1]; /* that the other process shares */
	char *envp[STRINGS + 2];
	pid_t writer;
	__u32 *tgid; /* where a BPF LSM program is told who executes */
	int started_with_it, refused, torn;
};

FIXTURE_VARIANT(torn)
{
	const char *first; /* the first string, if any */
	const char *behind; /* what stands behind the byte that is flipped */
	const char *path; /* the program's, in DIR */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(torn, beside_it) { PRELOAD, "x", "program" };
FIXTURE_VARIANT_ADD(torn, before_it) { NULL, PRELOAD, "program" };
FIXTURE_VARIANT_ADD(torn, with_such_a_path) { NULL, "x", PRELOAD };
/* clang-format on */

static int unprivileged(void *arg)
{
	return drop_all() ? 1 : 0;
}

/* Makes strings of one, and one of strings, until it is killed. */
static void write_for_ever(char (*strings)[LENGTH + 1])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (drop_all())
		_exit(1);
	for (int i = 0;; i = (i + 1) % STRINGS) {
		volatile char *byte = &strings[i][FLIPPED];

		*byte = *byte ? '\0' : 'x';
	}
}

FIXTURE_SETUP(torn)
{
	int n = 0;

	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, chdir(DIR));
	ASSERT_EQ(0, file_copy(test_path("preloaded"), variant->path, 0555));

	self->strings = mmap(NULL, sizeof(*self->strings) * STRINGS, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->strings);
	if (variant->first)
		self->envp[n++] = (char *)variant->first;
	for (int i = 0; i < STRINGS; i++) {
		char *string = self->strings[i];

		memset(string, 'x', LENGTH);
		memcpy(string, "V=", 2);
		memcpy(string + FLIPPED + 1, variant->behind, strlen(variant->behind));
		self->envp[n++] = string;
	}
	self->writer = fork();
	ASSERT_LE(0, self->writer);
	if (!self->writer)
		write_for_ever(self->strings);
}

FIXTURE_TEARDOWN(torn)
{
	kill(self->writer, SIGKILL);
	waitpid(self->writer, NULL, 0);
	if (!self->tgid)
		shipped_end(&self->shipped);
}

/* Executes it once as an ordinary user, and counts what came of it. */
static void execute(FIXTURE_DATA(torn) *self, const char *path)
{
	char *argv[] = { "torn", NULL };
	struct run how = {
		.path = path,
		.argv = argv,
		.envp = self->envp,
		.before = unprivileged,
		.tgid = { self->tgid },
	};
	int result = run(&how), n;

	self->started_with_it += result == PRELOADED;
	self->refused += result == -EPERM;
	if (self->tgid)
		return;
	n = shipped_reports(&self->shipped);
	for (int i = 0; i < n && i < SHIPPED_MAX; i++)
		self->torn += !strcmp(self->shipped.report[i].signal, "torn_environment");
	self->shipped.n = 0;
}

/*
 * The same often enough, and until one was refused: on a busy machine strings are seldom torn
 * when it matters.
 */
static void execute_often(FIXTURE_DATA(torn) *self, const char *path)
{
	for (int i = 0; i < rounds(60, 10) || (i < 200 && !self->refused); i++)
		execute(self, path);
}

TEST_F(torn, no_program_starts_with_a_library_to_preload)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "env_audit", "enforce"));
	execute_often(self, variant->path);
	EXPECT_EQ(0, self->started_with_it);
	EXPECT_LT(0, self->refused);
	EXPECT_LT(0, self->torn);
	EXPECT_LE(self->torn, self->refused);
}

/* The readers of BPF LSM programs find what the new program would find. */
TEST_F(torn, no_program_starts_with_it_past_a_bpf_lsm_program)
{
	struct policy lsm = {};

	lsm.obj = bpf_object__open_file(test_path("bprm_deny.bpf.o"), NULL);
	ASSERT_NE(NULL, lsm.obj);
	ASSERT_EQ(0, policy_load(&lsm));
	lsm.link = bpf_program__attach(bpf_object__next_program(lsm.obj, NULL));
	ASSERT_NE(NULL, lsm.link);
	self->tgid = lsm.data;
	execute_often(self, variant->path);
	EXPECT_EQ(0, self->started_with_it);
	EXPECT_LT(0, self->refused);
	bpf_link__destroy(lsm.link);
	lsm.link = NULL;
	policy_close(&lsm);
}

TEST_F(torn, in_audit_mode_it_is_told_of)
{
	ASSERT_EQ(0, shipped_start(&self->shipped, "env_audit", "audit"));
	for (int i = 0; i < rounds(200, 50) && !self->torn; i++)
		execute(self, variant->path);
	EXPECT_LT(0, self->torn);
	EXPECT_EQ(0, self->refused);
}

TEST_HARNESS_MAIN
