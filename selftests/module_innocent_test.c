// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that no module that does not hide is said to: every module that this
 * kernel has, loaded and unloaded in a loop and in parallel, those that fail,
 * that take their time, that have notifiers of their own, live patches, forced
 * unloads; while all of them are looked at without a pause.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "module.h"
#include "module_events.h"

KEEP_POLICIES("modules.bpf.o", "modules_all")

/* A policy that hears of all, and a thread that has all looked at, again and again. */
struct watch {
	struct policy policy;
	struct modules *modules;
	struct module_total before;
	pthread_t scanner;
	volatile bool stop;
	int scan_error;
	__u64 hides;
	char name[32]; /* for a module of this test */
};

static void *scan(void *arg)
{
	struct watch *watch = arg;

	while (!watch->stop && !watch->scan_error)
		watch->scan_error = module_look();
	return NULL;
}

static void watch_begin(struct __test_metadata *_metadata, struct watch *watch)
{
	ASSERT_EQ(0, policy_start(&watch->policy, "modules.bpf.o", "modules_all"));
	watch->modules = watch->policy.data;
	snprintf(watch->name, sizeof(watch->name), "plain%d", getpid());
	ASSERT_EQ(0, module_look());
	watch->hides = watch->modules->hides;
	ASSERT_EQ(0, module_total(&watch->before));
	log_mark();
	ASSERT_EQ(0, pthread_create(&watch->scanner, NULL, scan, watch));
}

static void watch_end(struct __test_metadata *_metadata, struct watch *watch)
{
	struct module_total after = {};

	watch->stop = true;
	EXPECT_EQ(0, pthread_join(watch->scanner, NULL));
	EXPECT_EQ(0, watch->scan_error);
	EXPECT_EQ(watch->hides, watch->modules->hides);
	EXPECT_FALSE(log_has("is hidden"));
	EXPECT_EQ(0, module_total(&after));
	EXPECT_EQ(watch->before.lost, after.lost);
	TH_LOG("%llu comparisons, no alarm", after.looks - watch->before.looks);
	policy_close(&watch->policy);
}

FIXTURE(innocent)
{
	struct watch watch;
};

FIXTURE_SETUP(innocent)
{
	watch_begin(_metadata, &self->watch);
}

FIXTURE_TEARDOWN(innocent)
{
	watch_end(_metadata, &self->watch);
}

/* With a notifier at either end of the chain. */
FIXTURE(notifier)
{
	struct watch watch;
};

FIXTURE_VARIANT(notifier)
{
	int priority;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(notifier, first) { INT_MAX };
FIXTURE_VARIANT_ADD(notifier, last) { INT_MIN };
/* clang-format on */

FIXTURE_SETUP(notifier)
{
	watch_begin(_metadata, &self->watch);
}

FIXTURE_TEARDOWN(notifier)
{
	watch_end(_metadata, &self->watch);
}

/*
 * A child that loads and unloads until its process group is killed, which is it
 * and what it starts; not 0: what failed.
 */
static pid_t start(int (*round)(int n), int n, volatile __u64 *done)
{
	pid_t pid = fork();

	setpgid(pid, 0);
	while (!pid) {
		int ret = round(n);

		if (ret)
			_exit(ret);
		(*done)++;
	}
	return pid;
}

/* The modules that the kernel was built with, by the names that they have when loaded. */
#define EVERY_MODULE \
	"find /lib/modules/$(uname -r) -name '*.ko' | sed 's/.*\\///; s/\\.ko$//; s/-/_/g'"

/* One of them. */
static int first_module(char *name, size_t size)
{
	FILE *list = popen(EVERY_MODULE " | head -n 1", "re");
	char *line;

	if (!list)
		return -errno;
	line = fgets(name, size, list);
	pclose(list);
	if (!line)
		return -ENOENT;
	name[strcspn(name, "\n")] = '\0';
	return 0;
}

/* What a test before this one left loaded uses others, which could not be unloaded. */
static int unload_what_is_unused(void)
{
	return system(EVERY_MODULE " | while read -r name; do modprobe -q -r \"$name\" || :; done");
}

static int every_module(int n)
{
	const char *some = debug_kernel() ? EVERY_MODULE " | sed -n 'p;n;n'" : EVERY_MODULE;
	char command[512];

	snprintf(command, sizeof(command), "%s | while read -r name; do "
		 "modprobe \"$name\" && modprobe -r \"$name\" || exit 1; done", some);
	return system(command);
}

static int plain_modules(int n)
{
	char name[32];

	snprintf(name, sizeof(name), "storm%d", n);
	if (module_load("krsi_plain", name, NULL))
		return 1;
	if (module_load("krsi_plain", name, NULL) != -EEXIST)
		return 2;
	return module_unload(name) ? 3 : 0;
}

static int failing_modules(int n)
{
	char name[32];

	snprintf(name, sizeof(name), "fails%d", n);
	return module_load("krsi_plain", name, "fail=1") == -EIO ? 0 : 1;
}

#define STAYING 40
#define STORMS 4

/* Twice, so that each is loaded again; with every checker on a round of a third takes long. */
static bool all_came_round(const volatile __u64 *done)
{
	bool all = done[0] >= rounds(2, 1);

	for (int i = 1; i < STORMS; i++)
		all = all && done[i];
	return all;
}

TEST_F_TIMEOUT(innocent, modules_of_all_kinds_in_a_storm, 3000)
{
	volatile __u64 *done = mmap(NULL, STORMS * sizeof(*done), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long long next = now_ms() + 60000;
	struct module_total now = {};
	pid_t children[STORMS];
	char name[32];
	int i, status;

	ASSERT_NE(MAP_FAILED, done);
	ASSERT_EQ(0, unload_what_is_unused());
	ASSERT_EQ(0, first_module(self->watch.modules->watched,
				  sizeof(self->watch.modules->watched)));
	for (i = 0; i < STAYING; i++) {
		snprintf(name, sizeof(name), "stays%d", i);
		ASSERT_EQ(0, module_load("krsi_plain", name, NULL));
	}
	children[0] = start(every_module, 0, &done[0]);
	children[1] = start(plain_modules, 1, &done[1]);
	children[2] = start(plain_modules, 2, &done[2]);
	children[3] = start(failing_modules, 3, &done[3]);
	do {
		usleep(100000);
		if (now_ms() > next) {
			TH_LOG("%llu comparisons", now.looks - self->watch.before.looks);
			next += 60000;
		}
		ASSERT_EQ(0, module_total(&now));
		for (i = 0; i < STORMS; i++) {
			ASSERT_EQ(0, waitpid(children[i], &status, WNOHANG)) {
				TH_LOG("child %d ended with %#x", i, status);
			}
		}
	} while (now.looks - self->watch.before.looks < rounds(100000, 30000) || !all_came_round(done));

	/* Or the rounds were of no modules at all. */
	EXPECT_LT(0, self->watch.modules->watched_lives);
	TH_LOG("rounds: %llu %llu %llu %llu", done[0], done[1], done[2], done[3]);
	for (i = 0; i < STORMS; i++) {
		kill(-children[i], SIGKILL);
		waitpid(children[i], &status, 0);
	}
	for (i = 0; i < STAYING; i++) {
		snprintf(name, sizeof(name), "stays%d", i);
		EXPECT_EQ(0, module_unload(name));
		EXPECT_TRUE(module_row_gone(name));
	}
	/* What was under way when its process was killed. */
	module_unload("storm1");
	module_unload("storm2");
	EXPECT_TRUE(module_row_gone("storm1"));
	EXPECT_TRUE(module_row_gone("storm2"));
	EXPECT_TRUE(module_row_gone("fails3"));
	EXPECT_LT(0, self->watch.modules->gones);
}

TEST_F(innocent, module_whose_init_fails_is_neither_live_nor_gone)
{
	__u64 mark = self->watch.modules->count;
	int i;

	for (i = 0; i < rounds(100, 10); i++)
		EXPECT_EQ(-EIO, module_load("krsi_plain", self->watch.name, "fail=1"));
	EXPECT_TRUE(module_row_gone(self->watch.name));
	EXPECT_EQ(NULL, event_since(self->watch.modules, mark, EVENT_LIVE, self->watch.name));
	EXPECT_EQ(NULL, event_since(self->watch.modules, mark, EVENT_GONE, self->watch.name));
}

/*
 * Until the child has done it the kernel calls it @shown and the ledger @state, look by look; at
 * the end @late, when the notifiers have been called and the kernel has more to do.
 */
static void looked_at_meanwhile(struct __test_metadata *_metadata, const char *name, pid_t child,
				const char *shown, const char *state, const char *late)
{
	unsigned long long first = 0, last = 0;
	struct module_shown kernel = {};
	struct module_row row = {};
	int status;

	while (!waitpid(child, &status, WNOHANG)) {
		usleep(10000);
		/* The row is read in between: it is of that time if the kernel says so twice. */
		if (module_shown(name, &kernel) || strcmp(kernel.state, shown) ||
		    module_row(name, &row) ||
		    module_shown(name, &kernel) || strcmp(kernel.state, shown))
			continue;
		if (!strcmp(late, row.state))
			continue;
		EXPECT_STREQ(state, row.state);
		first = first ?: row.looks;
		last = row.looks;
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(first, last);
}

TEST_F(innocent, module_whose_init_and_exit_take_ten_seconds)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(module_load("krsi_plain", self->watch.name, "init_ms=10000 exit_ms=10000") ? 1 : 0);
	looked_at_meanwhile(_metadata, self->watch.name, child, "Loading", "coming", "live");
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(module_unload(self->watch.name) ? 1 : 0);
	looked_at_meanwhile(_metadata, self->watch.name, child, "Unloading", "live",
			    "leaving");
	EXPECT_TRUE(module_row_gone(self->watch.name));
}

/* Below the 21 seconds after which the kernel complains. */
#define READ_MS 17000

/* What its memory is freed after: no view has it, and its record is still there. */
TEST_F(innocent, module_whose_unload_waits_for_readers)
{
	unsigned long long first = 0, last = 0, end;
	struct module_row row = {};
	pid_t reader, unloader;
	char args[32], name[40];
	int status;

	ASSERT_EQ(0, module_load("krsi_plain", self->watch.name, NULL));
	snprintf(args, sizeof(args), "read_ms=%d", READ_MS);
	snprintf(name, sizeof(name), "%s_reader", self->watch.name);
	reader = fork();
	ASSERT_LE(0, reader);
	if (!reader)
		_exit(module_load("krsi_plain", name, args) ? 1 : 0);
	end = now_ms() + 10000;
	while (module_row(name, &row) && now_ms() < end)
		usleep(10000);
	usleep(300000);
	unloader = fork();
	ASSERT_LE(0, unloader);
	if (!unloader)
		_exit(module_unload(self->watch.name) ? 1 : 0);
	while (!waitpid(unloader, &status, WNOHANG)) {
		usleep(50000);
		if (module_row(self->watch.name, &row) || strcmp(row.in, "-"))
			continue;
		EXPECT_STREQ("leaving", row.state);
		first = first ?: now_ms();
		last = now_ms();
	}
	EXPECT_EQ(0, status);
	/* Or it wasn't what is tested. */
	EXPECT_LT(11000, last - first);
	TH_LOG("its record outlived the views by %llu ms", last - first);
	EXPECT_EQ(reader, waitpid(reader, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(module_row_gone(self->watch.name));
	EXPECT_EQ(0, module_unload(name));
	EXPECT_TRUE(module_row_gone(name));
}

static void load_chain(struct __test_metadata *_metadata, int priority, const char *what)
{
	char args[64];

	snprintf(args, sizeof(args), "priority=%d %s", priority, what);
	ASSERT_EQ(0, module_load("krsi_chain", NULL, args));
}

TEST_F(notifier, that_answers_nothing)
{
	load_chain(_metadata, variant->priority, "");
	EXPECT_EQ(0, module_load("krsi_plain", self->watch.name, NULL));
	EXPECT_EQ(0, module_unload(self->watch.name));
	EXPECT_EQ(0, module_unload("krsi_chain"));
	EXPECT_TRUE(module_row_gone(self->watch.name));
	EXPECT_TRUE(module_row_gone("krsi_chain"));
}

TEST_F(notifier, that_stops_the_chain_neither_blinds_nor_alarms)
{
	__u64 mark = self->watch.modules->count;
	struct module_row row = {};

	load_chain(_metadata, variant->priority, "stop=1");
	EXPECT_EQ(0, module_load("krsi_plain", self->watch.name, NULL));
	EXPECT_EQ(0, module_look());
	EXPECT_EQ(0, module_row(self->watch.name, &row));
	EXPECT_STREQ("live", row.state);
	EXPECT_NE(NULL, event_since(self->watch.modules, mark, EVENT_LIVE, self->watch.name));
	EXPECT_TRUE(log_has("is live though a notifier had it said to be going"));
	EXPECT_EQ(0, module_unload(self->watch.name));
	EXPECT_TRUE(module_row_gone(self->watch.name));
	EXPECT_NE(NULL, event_within(self->watch.modules, mark, EVENT_GONE,
				      self->watch.name, 60000));
	EXPECT_EQ(0, module_unload("krsi_chain"));
}

TEST_F(notifier, that_refuses_a_module)
{
	__u64 mark = self->watch.modules->count;

	load_chain(_metadata, variant->priority, "bad=1");
	EXPECT_EQ(-EPERM, module_load("krsi_plain", self->watch.name, NULL));
	EXPECT_TRUE(module_row_gone(self->watch.name));
	EXPECT_EQ(NULL, event_since(self->watch.modules, mark, EVENT_LIVE, self->watch.name));
	EXPECT_EQ(NULL, event_since(self->watch.modules, mark, EVENT_GONE, self->watch.name));
	EXPECT_EQ(0, module_unload("krsi_chain"));
}

TEST_F(innocent, live_patch)
{
	const char *enabled = "/sys/kernel/livepatch/krsi_livepatch/enabled";
	unsigned long long end;
	char text[64];
	int ret;

	ASSERT_EQ(0, module_load("krsi_livepatch", NULL, NULL));
	EXPECT_LT(0, file_read("/proc/cmdline", text, sizeof(text)));
	EXPECT_STREQ("krsi_livepatch\n", text);
	sleep(2);
	EXPECT_EQ(1, file_write(enabled, "0"));
	end = now_ms() + 60000;
	do {
		usleep(100000);
		ret = module_unload("krsi_livepatch");
	} while (ret && now_ms() < end);
	EXPECT_EQ(0, ret);
	EXPECT_TRUE(module_row_gone("krsi_livepatch"));
}

/* Only where the kernel can do that. */
TEST_F(innocent, module_that_is_unloaded_by_force)
{
	ASSERT_EQ(0, module_load("krsi_plain", self->watch.name, "hold=1 exit_ms=2000"));
	EXPECT_EQ(-EWOULDBLOCK, module_unload(self->watch.name));
	if (syscall(SYS_delete_module, self->watch.name, O_NONBLOCK | O_TRUNC)) {
		EXPECT_EQ(EWOULDBLOCK, errno);
		SKIP(return, "no CONFIG_MODULE_FORCE_UNLOAD");
	}
	EXPECT_TRUE(module_row_gone(self->watch.name));
}

TEST_HARNESS_MAIN
