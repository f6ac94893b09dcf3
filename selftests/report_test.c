// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that of the reports of several policies that share their buffers, as `krsi apply`
 * has them, each is delivered or counted as lost, by its behaviour, whoever reads or does
 * not; and that no flood of others keeps the denials out. By ring buffers and by perf event
 * arrays.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "preload.h"
#include "report.h"
#include "run.h"

#define DIR "/tmp/krsi_report"
#define BUSY DIR "/busy"
#define PROGRAM DIR "/program"

/* More than the buffer for what is not refused holds. */
#define FLOOD 2000
/* A sixth of what the other one holds. */
#define DENIALS 50
/* Pages of each processor's perf buffer, which holds some 40 reports in 8, and 150 in 32. */
#define FEW_PAGES 8
#define PAGES 32

static const char *const names[] = { "env_audit", "exec_unlink", "binary_deny" };
static const char *const shared[] = {
	"reports", "denials", "reports_perf", "denials_perf", "lost",
};

#define POLICIES (sizeof(names) / sizeof(names[0]))

/* What was delivered. */
struct tally {
	unsigned long long reports[KRSI_BEHAVIOURS], denials[KRSI_BEHAVIOURS], wrong;
	unsigned long long seq[POLICIES]; /* the highest of each policy */
	struct krsi_report last;
};

FIXTURE(report)
{
	struct policy policy[POLICIES];
	struct ring_buffer *ring;
	struct perf_buffer *reports, *denials;
	struct tally tally;
};

FIXTURE_VARIANT(report)
{
	bool perf;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(report, by_ring_buffers) { false };
FIXTURE_VARIANT_ADD(report, by_perf_events) { true };
/* clang-format on */

#define SELF FIXTURE_DATA(report) *self

static int map_fd(SELF, const char *name)
{
	return bpf_object__find_map_fd_by_name(self->policy[0].obj, name);
}

static void count(struct tally *tally, const void *data, size_t size, bool denied)
{
	const struct krsi_report *report = data;
	size_t i = 0;

	while (i < POLICIES && strcmp(names[i], report->policy))
		i++;
	/* Perf events are rounded up. */
	if (size < sizeof(*report) || i == POLICIES || report->behaviour >= KRSI_BEHAVIOURS ||
	    !report->verdict != !denied || !report->signal[0] || !report->time) {
		tally->wrong++;
		return;
	}
	if (denied)
		tally->denials[report->behaviour]++;
	else
		tally->reports[report->behaviour]++;
	if (report->seq > tally->seq[i])
		tally->seq[i] = report->seq;
	tally->last = *report;
}

static int take_report(void *tally, void *data, size_t size)
{
	count(tally, data, size, false);
	return 0;
}

static int take_denial(void *tally, void *data, size_t size)
{
	count(tally, data, size, true);
	return 0;
}

static void take_perf_report(void *tally, int cpu, void *data, __u32 size)
{
	count(tally, data, size, false);
}

static void take_perf_denial(void *tally, int cpu, void *data, __u32 size)
{
	count(tally, data, size, true);
}

/* Perf tells of it as well; the policies have counted it. */
static void lose(void *tally, int cpu, __u64 n)
{
}

/* Sets what must be set before a policy is loaded that is to report by perf events. */
static int by_perf(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata.report");
	size_t size = 0;
	__u32 *by = map ? bpf_map__initial_value(map, &size) : NULL;

	if (size != sizeof(*by))
		return -EINVAL;
	*by = 1;
	map = bpf_object__find_map_by_name(object, "reports");
	return bpf_map__set_map_flags(map, BPF_F_RB_OVERWRITE) ?:
	       bpf_map__set_map_flags(bpf_object__find_map_by_name(object, "denials"),
				      BPF_F_RB_OVERWRITE);
}

/* Loads a policy with the buffers and counts of the first. */
static int load(SELF, size_t i, bool perf)
{
	struct policy *policy = &self->policy[i];
	char object[64];
	int ret;

	snprintf(object, sizeof(object), "%s.bpf.o", names[i]);
	ret = policy_open(policy, object, names[i]);
	if (!ret && perf)
		ret = by_perf(policy->obj);
	for (size_t j = 0; !ret && i && j < sizeof(shared) / sizeof(shared[0]); j++)
		ret = bpf_map__reuse_fd(bpf_object__find_map_by_name(policy->obj, shared[j]),
					map_fd(self, shared[j]));
	return ret ?: policy_load(policy);
}

/* Has env_audit tell of LD_LIBRARY_PATH, which it refuses nothing for. */
static int tell_of_paths(struct bpf_object *object)
{
	int fd = bpf_object__find_map_fd_by_name(object, ".data.variables");
	struct krsi_variables variables;
	__u32 first = 0;

	if (bpf_map_lookup_elem(fd, &first, &variables))
		return -errno;
	strcpy(variables.variable[2].name, "LD_LIBRARY_PATH");
	return bpf_map_update_elem(fd, &first, &variables, BPF_ANY);
}

/* Opens the buffers. */
static int open_buffers(SELF, bool perf, size_t pages)
{
	if (perf) {
		self->reports = perf_buffer__new(map_fd(self, "reports_perf"), pages,
						 take_perf_report, lose, &self->tally, NULL);
		self->denials = perf_buffer__new(map_fd(self, "denials_perf"), PAGES,
						 take_perf_denial, lose, &self->tally, NULL);
		return self->reports && self->denials ? 0 : -errno;
	}
	self->ring = ring_buffer__new(map_fd(self, "reports"), take_report, &self->tally, NULL);
	if (!self->ring)
		return -errno;
	return ring_buffer__add(self->ring, map_fd(self, "denials"), take_denial, &self->tally);
}

static void read_all(SELF)
{
	if (self->ring)
		ring_buffer__consume(self->ring);
	if (self->reports) {
		perf_buffer__consume(self->reports);
		perf_buffer__consume(self->denials);
	}
}

FIXTURE_SETUP(report)
{
	cpu_set_t first;

	/* So that all of perf's reports are for one buffer. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(first), &first));
	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, file_make(BUSY, "what is mapped", 0755));
	for (size_t i = 0; i < POLICIES; i++)
		ASSERT_EQ(0, load(self, i, variant->perf));
	ASSERT_EQ(0, tell_of_paths(self->policy[0].obj));
	ASSERT_EQ(0, mode_set("enforce"));
	for (size_t i = 0; i < POLICIES; i++)
		ASSERT_EQ(0, policy_attach(&self->policy[i]));
}

FIXTURE_TEARDOWN(report)
{
	ring_buffer__free(self->ring);
	perf_buffer__free(self->reports);
	perf_buffer__free(self->denials);
	for (size_t i = 0; i < POLICIES; i++)
		policy_close(&self->policy[i]);
	mode_restore();
}

static unsigned long long lost(SELF, __u32 behaviour)
{
	__u64 n = ~0ULL;

	bpf_map_lookup_elem(map_fd(self, "lost"), &behaviour, &n);
	return n;
}

/* Maps a file that somebody may write to, which binary_deny reports; how many failed. */
static int map_busy(int times)
{
	int fd = open(BUSY, O_RDWR | O_CLOEXEC), failed = 0;

	for (int i = 0; i < times; i++) {
		void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		failed += at == MAP_FAILED || munmap(at, 4096);
	}
	close(fd);
	return failed;
}

/* Executes with a variable, which env_audit reports. */
static int execute(char *set)
{
	return run_exit0(NULL, NULL, (char *[]){ set, NULL });
}

/* Removes a program that has run, which exec_unlink reports. */
static int remove_program(void)
{
	return file_copy(test_path("exit0"), PROGRAM, 0755) ?:
	       run(&(struct run){ .path = PROGRAM }) ?: unlink(PROGRAM);
}

/* So many of each; what failed. */
static int do_harmless(int times)
{
	int failed = 0;

	for (int i = 0; i < times; i++)
		failed += !!execute("LD_LIBRARY_PATH=/tmp") + !!remove_program();
	return failed;
}

/* What was not refused. */
static int be_denied(int times)
{
	int passed = 0;

	for (int i = 0; i < times; i++)
		passed += execute("LD_PRELOAD=evil.so") != -EPERM;
	return passed;
}

/* Is each of them delivered or lost? */
#define EXPECT_ALL(behaviour, times) \
	EXPECT_EQ(times, self->tally.reports[behaviour] + lost(self, behaviour))

TEST_F(report, of_several_policies_come_through_the_same_buffers)
{
	ASSERT_EQ(0, open_buffers(self, variant->perf, PAGES));
	EXPECT_EQ(0, map_busy(1));
	read_all(self);
	EXPECT_EQ(1, self->tally.reports[KRSI_FILE_MAP_EXEC]);
	EXPECT_STREQ("binary_deny", self->tally.last.policy);
	EXPECT_STREQ("unhashable_mapping", self->tally.last.signal);
	EXPECT_EQ(0, remove_program());
	read_all(self);
	EXPECT_EQ(1, self->tally.reports[KRSI_EXECUTABLE_UNLINK]);
	EXPECT_STREQ("exec_unlink", self->tally.last.policy);
	EXPECT_EQ(0, execute("LD_LIBRARY_PATH=/tmp"));
	read_all(self);
	EXPECT_EQ(1, self->tally.reports[KRSI_PROCESS_EXEC]);
	EXPECT_STREQ("/tmp", self->tally.last.value);
	EXPECT_EQ(-EPERM, execute("LD_PRELOAD=evil.so"));
	read_all(self);
	EXPECT_EQ(1, self->tally.denials[KRSI_PROCESS_EXEC]);
	EXPECT_STREQ("env_audit", self->tally.last.policy);
	EXPECT_EQ(-EPERM, self->tally.last.verdict);
	EXPECT_EQ(getpid(), self->tally.last.task.ppid);
	EXPECT_EQ(0, self->tally.wrong);
	for (__u32 behaviour = 0; behaviour < KRSI_BEHAVIOURS; behaviour++)
		EXPECT_EQ(0, lost(self, behaviour));
}

/* The first fills the buffer, so all that follows is lost; but for what is refused. */
TEST_F(report, is_delivered_or_counted_while_nobody_reads)
{
	ASSERT_EQ(0, open_buffers(self, variant->perf, FEW_PAGES));
	EXPECT_EQ(0, map_busy(FLOOD));
	EXPECT_EQ(0, do_harmless(5));
	EXPECT_EQ(0, be_denied(DENIALS));
	EXPECT_LT(0, lost(self, KRSI_FILE_MAP_EXEC));
	EXPECT_EQ(5, lost(self, KRSI_PROCESS_EXEC));
	EXPECT_EQ(5, lost(self, KRSI_EXECUTABLE_UNLINK));
	read_all(self);
	EXPECT_LT(0, self->tally.reports[KRSI_FILE_MAP_EXEC]);
	EXPECT_ALL(KRSI_FILE_MAP_EXEC, FLOOD);
	EXPECT_ALL(KRSI_PROCESS_EXEC, 5);
	EXPECT_ALL(KRSI_EXECUTABLE_UNLINK, 5);
	EXPECT_EQ(DENIALS, self->tally.denials[KRSI_PROCESS_EXEC]);
	EXPECT_EQ(0, self->tally.wrong);
	/* There is room again, and the numbers have gone on. */
	EXPECT_EQ(0, map_busy(1));
	read_all(self);
	EXPECT_EQ(FLOOD + 1, self->tally.last.seq);
	EXPECT_EQ(0, do_harmless(1));
	read_all(self);
	EXPECT_ALL(KRSI_FILE_MAP_EXEC, FLOOD + 1);
	EXPECT_EQ(5, lost(self, KRSI_EXECUTABLE_UNLINK));
	EXPECT_EQ(DENIALS + 6, self->tally.seq[0]);
	EXPECT_EQ(6, self->tally.seq[1]);
}

/* On all processors, by a process that reads when it gets to it. */
TEST_F(report, is_delivered_or_counted_while_somebody_reads)
{
	pid_t child[3];
	cpu_set_t all;
	int alive = 3, status, failed = 0;

	memset(&all, 0xff, sizeof(all));
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, open_buffers(self, variant->perf, FEW_PAGES));
	for (int i = 0; i < 3; i++) {
		child[i] = fork_bound();
		ASSERT_LE(0, child[i]);
		if (!child[i])
			_exit(!!(i < 2 ? map_busy(FLOOD) : do_harmless(20) + be_denied(DENIALS)));
	}
	while (alive) {
		read_all(self);
		while (alive && waitpid(-1, &status, WNOHANG) > 0) {
			failed += !WIFEXITED(status) || WEXITSTATUS(status);
			alive--;
		}
		usleep(20000);
	}
	read_all(self);
	EXPECT_EQ(0, failed);
	EXPECT_ALL(KRSI_FILE_MAP_EXEC, 2 * FLOOD);
	EXPECT_ALL(KRSI_PROCESS_EXEC, 20);
	EXPECT_ALL(KRSI_EXECUTABLE_UNLINK, 20);
	EXPECT_EQ(DENIALS, self->tally.denials[KRSI_PROCESS_EXEC]);
	EXPECT_EQ(0, self->tally.wrong);
	EXPECT_GE(2 * FLOOD, self->tally.seq[2]);
}

/* A reader that keeps up loses nothing, however much there is in all. */
TEST_F(report, is_never_lost_where_it_is_read_in_time)
{
	ASSERT_EQ(0, open_buffers(self, variant->perf, PAGES));
	for (int i = 0; i < FLOOD; i += 20) {
		EXPECT_EQ(0, map_busy(20));
		read_all(self);
	}
	EXPECT_EQ(FLOOD, self->tally.reports[KRSI_FILE_MAP_EXEC]);
	EXPECT_EQ(0, lost(self, KRSI_FILE_MAP_EXEC));
	EXPECT_EQ(FLOOD, self->tally.seq[2]);
	EXPECT_EQ(0, self->tally.wrong);
}

/* A ring buffer keeps them, perf's arrays don't. */
TEST_F(report, before_anybody_reads_is_kept_or_counted)
{
	unsigned long long kept = variant->perf ? 0 : 3;

	EXPECT_EQ(0, map_busy(3));
	EXPECT_EQ(0, be_denied(3));
	EXPECT_EQ(3 - kept, lost(self, KRSI_FILE_MAP_EXEC));
	EXPECT_EQ(3 - kept, lost(self, KRSI_PROCESS_EXEC));
	ASSERT_EQ(0, open_buffers(self, variant->perf, PAGES));
	read_all(self);
	EXPECT_EQ(kept, self->tally.reports[KRSI_FILE_MAP_EXEC]);
	EXPECT_EQ(kept, self->tally.denials[KRSI_PROCESS_EXEC]);
}

TEST_HARNESS_MAIN
