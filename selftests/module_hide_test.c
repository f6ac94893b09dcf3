// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a module that hides is found: by each step that rootkits take,
 * alone and together, before init, in init, on command and some seconds
 * later; that another module which it hides is; that it is told once, with
 * what is missing and altered, with who loaded it, to policies, in the kernel
 * log and in the file; and that its return is told, too.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "module.h"
#include "module_events.h"
#include "modules/hider.h"
#include "run.h"

/* What happens in other tasks meanwhile takes its time on an emulated machine. */
#define SOON_MS 60000
/* From the hiding on: the period is 5 seconds. */
#define PERIOD_MS (5000 + SOON_MS)
/* Where the time is not what is tested. */
#define PATIENCE_MS 60000
/* The delay of a module that is not given another. */
#define LATER_MS 6000

/* Steps after which a module can't be unloaded, and that can't be undone. */
#define STUCK (HIDE_SYSFS | HIDE_SYSFS_FLAG)
#define FINAL (HIDE_CHAIN | HIDE_FTRACE | HIDE_LEAVE | HIDE_COME | HIDE_COPY)

#define ALL (HIDE_LIST_FALSE | HIDE_BUGS | HIDE_TREE | HIDE_MEMORY | HIDE_NAME | HIDE_SYMBOLS | \
	     HIDE_STATE | HIDE_CHAIN | HIDE_FTRACE | HIDE_SYSFS_FLAG)

KEEP_POLICIES("modules.bpf.o", "modules_all")

FIXTURE(hide)
{
	struct policy policy;
	const struct modules *modules;
	char name[32], door[64];
	__u32 views; /* that must have the module */
	__u64 mark; /* events before what is tried */
};

FIXTURE_VARIANT(hide)
{
	unsigned int steps;
	__u32 missing, altered;
};

/* Each way to hide: its name, its steps, what is missing and altered then. */
/* clang-format off */
#define WAYS(WAY) \
	WAY(out_of_the_list, HIDE_LIST, KRSI_VIEW_LIST, KRSI_ALTERED_LINKS) \
	WAY(out_of_the_list_with_false_pointers, HIDE_LIST_FALSE, \
	    KRSI_VIEW_LIST, KRSI_ALTERED_LINKS) \
	WAY(out_of_the_bug_list, HIDE_BUGS, KRSI_VIEW_BUGS, KRSI_ALTERED_LINKS) \
	WAY(out_of_the_tree, HIDE_TREE, KRSI_VIEW_TREE, 0) \
	WAY(without_memory, HIDE_MEMORY, KRSI_VIEW_TREE, KRSI_ALTERED_MEMORY) \
	WAY(without_a_name, HIDE_NAME, 0, KRSI_ALTERED_NAME) \
	WAY(with_a_borrowed_name, HIDE_BORROW, 0, KRSI_ALTERED_NAME) \
	WAY(without_symbols, HIDE_SYMBOLS, 0, KRSI_ALTERED_SYMBOLS) \
	WAY(unformed, HIDE_STATE, 0, KRSI_ALTERED_STATE) \
	WAY(said_to_go, HIDE_CHAIN, KRSI_VIEW_BTF, KRSI_ALTERED_CHAIN) \
	WAY(without_ftrace_records, HIDE_FTRACE, KRSI_VIEW_FTRACE, 0) \
	WAY(out_of_sysfs, HIDE_SYSFS, KRSI_VIEW_SYSFS, KRSI_ALTERED_SYSFS) \
	WAY(out_of_sysfs_with_its_flag, HIDE_SYSFS_FLAG, KRSI_VIEW_SYSFS, KRSI_ALTERED_SYSFS) \
	WAY(out_of_list_and_sysfs, HIDE_LIST | HIDE_SYSFS, \
	    KRSI_VIEW_LIST | KRSI_VIEW_SYSFS, KRSI_ALTERED_LINKS | KRSI_ALTERED_SYSFS) \
	WAY(by_all_steps, ALL, 0x3f, 0x7f)

#define VARIANT(name, ...) FIXTURE_VARIANT_ADD(hide, name) { __VA_ARGS__ };
WAYS(VARIANT)

#define ELEMENT(name, ...) { __VA_ARGS__ },
static const FIXTURE_VARIANT(hide) ways[] = { WAYS(ELEMENT) };
/* clang-format on */

/* Of the n-th module of this test alone: what can't be unloaded stays. */
static void set_name(FIXTURE_DATA(hide) *self, int n)
{
	snprintf(self->name, sizeof(self->name), "hider%d_%d", getpid(), n);
	snprintf(self->door, sizeof(self->door), "/sys/kernel/debug/%s", self->name);
}

FIXTURE_SETUP(hide)
{
	ASSERT_EQ(0, policy_start(&self->policy, "modules.bpf.o", "modules_all"));
	self->modules = self->policy.data;
	set_name(self, 0);
	log_mark();
}

FIXTURE_TEARDOWN(hide)
{
	policy_close(&self->policy);
}

#define SELF FIXTURE_DATA(hide) *self, struct __test_metadata *_metadata

/* The views that must have a live module, by what else the kernel shows; not by KRSI's word. */
static __u32 views_with(const char *name)
{
	__u32 views = KRSI_VIEW_LIST | KRSI_VIEW_SYSFS | KRSI_VIEW_TREE | KRSI_VIEW_BUGS;
	char btf[64];

	snprintf(btf, sizeof(btf), "/sys/kernel/btf/%s", name);
	if (!access(btf, F_OK))
		views |= KRSI_VIEW_BTF;
	if (!access("/sys/kernel/tracing/available_filter_functions", F_OK))
		views |= KRSI_VIEW_FTRACE;
	return views;
}

static void load(SELF, const char *more)
{
	char args[256];

	snprintf(args, sizeof(args), "door=%s lender=krsi_lender %s", self->name, more);
	self->mark = self->modules->count;
	ASSERT_EQ(0, module_load("krsi_hider", self->name, args));
	/* One that has said in init that it goes has no BTF any more, which is right. */
	self->views = views_with(self->name);
}

static void command(SELF, unsigned int steps)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", steps);
	self->mark = self->modules->count;
	ASSERT_EQ(strlen(text), file_write(self->door, text));
}

/* By the event and the row. */
static const struct module_event *told(SELF, const char *name, __u32 missing, __u32 altered, int ms)
{
	const struct module_event *event, *live;
	struct module_row row = {};
	__u32 views = self->views;

	event = event_within(self->modules, self->mark, EVENT_HIDDEN, name, ms);
	ASSERT_NE(NULL, event);
	/* What is told of a module that is half way through its steps is not all. */
	for (int waited = 0; waited < SOON_MS + ms; waited += 10) {
		if (event->missing == missing && event->altered == altered)
			break;
		usleep(10000);
		EXPECT_EQ(0, module_look());
		event = event_last(self->modules, self->mark, EVENT_HIDDEN, name);
	}
	EXPECT_EQ(missing, event->missing);
	EXPECT_EQ(altered, event->altered);
	/* Told while it comes: it can't be in these yet. */
	live = event_since(self->modules, self->mark, EVENT_LIVE, name);
	if (live > event)
		views &= ~(KRSI_VIEW_SYSFS | KRSI_VIEW_BTF);
	EXPECT_EQ(views, event->expected & views);

	EXPECT_EQ(0, module_row(name, &row));
	EXPECT_STREQ(view_words(missing), row.missing);
	EXPECT_STREQ(altered_words(altered), row.altered);
	EXPECT_EQ(0, views_of(row.in) & missing);
	return event;
}

/* And in the log. */
static const struct module_event *found(SELF, const char *name, __u32 missing, __u32 altered,
					int ms)
{
	const struct module_event *event;
	char line[256];

	missing &= self->views;
	event = told(self, _metadata, name, missing, altered, ms);
	snprintf(line, sizeof(line), "module %s is hidden: missing from %s; altered %s; loaded by ",
		 name, view_words(missing), altered_words(altered));
	EXPECT_TRUE(log_has(line)) {
		TH_LOG("no \"%s\" in the log", line);
	}
	return event;
}

static void nothing_more(SELF, const char *name)
{
	__u64 mark = self->modules->count;

	EXPECT_EQ(0, module_look());
	EXPECT_EQ(NULL, event_since(self->modules, mark, EVENT_HIDDEN, name));
}

/* Undoes the steps; what is told then; and the module goes, if it can. */
static void come_back(SELF, unsigned int steps)
{
	const struct module_event *event;

	command(self, _metadata, 0);
	EXPECT_EQ(0, module_look());
	event = event_last(self->modules, self->mark, EVENT_HIDDEN, self->name);
	if (steps & FINAL) {
		EXPECT_TRUE(!event || event->missing || event->altered);
	} else {
		ASSERT_NE(NULL, event);
		EXPECT_EQ(0, event->missing);
		EXPECT_EQ(0, event->altered);
		EXPECT_LE(event->hidden_for, event->unseen_for);
		EXPECT_TRUE(log_has("is back: was missing from"));
	}
	if (steps & STUCK)
		return;
	self->mark = self->modules->count;
	EXPECT_EQ(0, module_unload(self->name));
	EXPECT_TRUE(module_row_gone(self->name));
	/* The row is gone a moment before it is told. */
	EXPECT_NE(NULL, event_within(self->modules, self->mark, EVENT_GONE, self->name, 60000));
}

TEST_F(hide, on_command_and_come_back)
{
	const struct module_event *event;
	struct module_row row = {};

	load(self, _metadata, "");
	EXPECT_EQ(0, module_look());
	ASSERT_EQ(0, module_row(self->name, &row));
	EXPECT_STREQ("live", row.state);
	EXPECT_STREQ("-", row.missing);
	EXPECT_STREQ("-", row.altered);
	EXPECT_EQ(NULL, event_since(self->modules, self->mark, EVENT_HIDDEN, self->name));
	event = event_since(self->modules, self->mark, EVENT_LIVE, self->name);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(getpid(), event->loader.pid);

	command(self, _metadata, variant->steps);
	EXPECT_EQ(0, module_look());
	event = found(self, _metadata, self->name, variant->missing, variant->altered, 0);
	EXPECT_EQ(getpid(), event->loader.pid);
	EXPECT_EQ(getuid(), event->loader.uid);
	EXPECT_EQ(0, strncmp(event->loader.comm, "module_hide_test", 15));
	EXPECT_LT(0, event->text_size);
	EXPECT_LE(event->hidden_for, event->unseen_for);
	EXPECT_LE(event->unseen_for, event->age);
	nothing_more(self, _metadata, self->name);
	come_back(self, _metadata, variant->steps);
}

/* LIVE is heard right after: nobody asks for a look. */
TEST_F(hide, in_init)
{
	unsigned int steps = variant->steps & ~HIDE_STATE;
	__u32 altered = variant->altered & ~KRSI_ALTERED_STATE;
	const struct module_event *event;
	char args[64];

	/* The loader itself makes it live again; what is told before LIVE is no lie yet. */
	if (!steps)
		SKIP(return, "init ends this by itself");
	/* Of a module that isn't live yet COMING may be taken back. */
	if (steps == HIDE_CHAIN)
		SKIP(return, "not to be told from a notifier that stops the chain");
	if (steps & HIDE_CHAIN)
		altered &= ~KRSI_ALTERED_CHAIN;
	snprintf(args, sizeof(args), "in_init=%u", steps);
	load(self, _metadata, args);
	/* BTF that was away at LIVE already isn't missed. */
	event = found(self, _metadata, self->name, variant->missing, altered, SOON_MS);
	EXPECT_EQ(getpid(), event->loader.pid);
	come_back(self, _metadata, steps);
}

/*
 * What can be done before the module is in sysfs without breaking its load. Not a name of zeros:
 * its directory is made by the name, so the kernel warns of an empty one and gives up. It must
 * be put back before that, or be another's: see below.
 */
#define BEFORE (HIDE_LIST | HIDE_LIST_FALSE | HIDE_BUGS | HIDE_TREE | HIDE_MEMORY | \
		HIDE_SYMBOLS | HIDE_FTRACE)
/* What is altered by them. */
#define ALTERED_BEFORE (KRSI_ALTERED_LINKS | KRSI_ALTERED_MEMORY | KRSI_ALTERED_SYMBOLS)

TEST_F(hide, before_init)
{
	unsigned int steps = variant->steps & BEFORE;
	char args[64];

	if (!steps || (steps != variant->steps && variant->steps != ALL))
		SKIP(return, "not before init");
	snprintf(args, sizeof(args), "early=%u", steps);
	load(self, _metadata, args);
	/* They need not have it yet when it is found. */
	self->views &= ~(KRSI_VIEW_SYSFS | KRSI_VIEW_BTF);
	found(self, _metadata, self->name, variant->missing, variant->altered & ALTERED_BEFORE,
	      SOON_MS);
	come_back(self, _metadata, steps);
}

/* The same without variants. */
FIXTURE(other)
{
	FIXTURE_DATA(hide) hide;
	char victim[32];
};

FIXTURE_SETUP(other)
{
	ASSERT_EQ(0, policy_start(&self->hide.policy, "modules.bpf.o", "modules_all"));
	self->hide.modules = self->hide.policy.data;
	set_name(&self->hide, 0);
	snprintf(self->victim, sizeof(self->victim), "victim%d", getpid());
	log_mark();
}

FIXTURE_TEARDOWN(other)
{
	mode_restore();
	policy_close(&self->hide.policy);
}

static void unload(SELF)
{
	EXPECT_EQ(0, module_unload(self->name));
	EXPECT_TRUE(module_row_gone(self->name));
}

/* Its directory in sysfs is made by that name, and keeps it. */
TEST_F(other, that_borrows_a_name_before_init_is_found)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	const struct module_event *event;
	char args[64];

	snprintf(args, sizeof(args), "early=%u", HIDE_BORROW);
	load(hide, _metadata, args);
	/* They need not have it yet when it is found. */
	hide->views &= ~(KRSI_VIEW_SYSFS | KRSI_VIEW_BTF);
	found(hide, _metadata, hide->name, 0, KRSI_ALTERED_NAME | KRSI_ALTERED_SYSFS, SOON_MS);
	command(hide, _metadata, 0);
	EXPECT_EQ(0, module_look());
	event = event_last(hide->modules, hide->mark, EVENT_HIDDEN, hide->name);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(KRSI_ALTERED_SYSFS, event->altered);
	unload(hide, _metadata);
}

/* All ways at once: looks are taken without being asked for. */
TEST_F(other, that_hides_six_seconds_after_init_is_found)
{
	const struct module_event *event;
	FIXTURE_DATA(hide) *hide = &self->hide;
	__u64 mark = hide->modules->count;
	__u32 views = 0, altered;
	char args[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		set_name(hide, i);
		snprintf(args, sizeof(args), "later=%u", ways[i].steps);
		load(hide, _metadata, args);
		/* All have the same; the first has not hidden yet. */
		views = views ?: hide->views;
	}
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		set_name(hide, i);
		event = event_within(hide->modules, mark, EVENT_HIDDEN, hide->name,
				     LATER_MS + PATIENCE_MS);
		ASSERT_NE(NULL, event) {
			TH_LOG("%s was not found", hide->name);
		}
		/* It is live a moment after the delay has begun. */
		EXPECT_LE(LATER_MS / 2 * 1000000ULL, event->age);
	}
	hide->views = views;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		set_name(hide, i);
		hide->mark = mark;
		altered = ways[i].altered;
		/* There are others whose ranges could explain it. */
		if (ways[i].missing & KRSI_VIEW_TREE && !(altered & KRSI_ALTERED_MEMORY))
			altered |= KRSI_ALTERED_OTHER;
		told(hide, _metadata, hide->name, ways[i].missing & views, altered, 0);
		come_back(hide, _metadata, ways[i].steps);
	}
}

TEST_F(other, module_that_is_hidden_is_the_one_that_is_named)
{
	const unsigned int steps = HIDE_LIST | HIDE_TREE | HIDE_SYMBOLS | HIDE_BORROW;
	FIXTURE_DATA(hide) *hide = &self->hide;
	struct module_row row = {};
	char args[64];

	ASSERT_EQ(0, module_load("krsi_plain", self->victim, NULL));
	snprintf(args, sizeof(args), "target=%s", self->victim);
	load(hide, _metadata, args);
	/* It has nothing that could be traced. */
	hide->views = views_with(self->victim) & ~KRSI_VIEW_FTRACE;
	command(hide, _metadata, steps);
	EXPECT_EQ(0, module_look());
	found(hide, _metadata, self->victim, KRSI_VIEW_LIST | KRSI_VIEW_TREE,
	      KRSI_ALTERED_LINKS | KRSI_ALTERED_SYMBOLS | KRSI_ALTERED_NAME, 0);
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, hide->name));
	EXPECT_EQ(0, module_row(hide->name, &row));
	EXPECT_STREQ("-", row.missing);

	/* It finds its target by name only while that is in the list: unload puts it back. */
	unload(hide, _metadata);
	EXPECT_EQ(0, module_look());
	EXPECT_EQ(0, module_row(self->victim, &row));
	EXPECT_STREQ("-", row.missing);
	EXPECT_STREQ("-", row.altered);
	EXPECT_EQ(0, module_unload(self->victim));
	EXPECT_TRUE(module_row_gone(self->victim));
}

/* All that an unload would do, but for the end of it. */
TEST_F(other, that_leaves_but_stays_is_found_when_it_takes_too_long)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	struct module_row row = {};

	load(hide, _metadata, "");
	command(hide, _metadata, HIDE_LEAVE | HIDE_LIST);
	EXPECT_EQ(0, module_look());
	EXPECT_EQ(0, module_row(hide->name, &row));
	EXPECT_STREQ("leaving", row.state);
	found(hide, _metadata, hide->name, KRSI_VIEW_LIST | KRSI_VIEW_BTF,
	      KRSI_ALTERED_LINKS | KRSI_ALTERED_CHAIN, 15000 + PERIOD_MS);
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_GONE, hide->name));
	come_back(hide, _metadata, HIDE_LEAVE | HIDE_LIST);
}

/* It leaves, by its record, too, out of the list already, and comes into the list again. */
TEST_F(other, that_leaves_and_comes_back_is_found_at_once)
{
	FIXTURE_DATA(hide) *hide = &self->hide;

	load(hide, _metadata, "");
	command(hide, _metadata, HIDE_LEAVE | HIDE_LIST);
	EXPECT_EQ(0, module_look());
	/* The look is when that is told, before any other notifier takes its BTF away. */
	found(hide, _metadata, hide->name, KRSI_VIEW_LIST, KRSI_ALTERED_LINKS, 0);
	/* Back in the list, but still one that is unloaded by its record. */
	command(hide, _metadata, HIDE_LEAVE);
	EXPECT_EQ(0, module_look());
	found(hide, _metadata, hide->name, KRSI_VIEW_BTF, KRSI_ALTERED_CHAIN, 0);
	come_back(hide, _metadata, HIDE_LEAVE);
}

/* Each of these had its row closed, or made anew and never live. */
FIXTURE(said)
{
	FIXTURE_DATA(hide) hide;
};

FIXTURE_VARIANT(said)
{
	unsigned int steps;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(said, to_come_while_live) { HIDE_COME };
FIXTURE_VARIANT_ADD(said, to_go_and_to_come) { HIDE_LEAVE | HIDE_COME };
FIXTURE_VARIANT_ADD(said, to_have_come_elsewhere) { HIDE_COPY };
FIXTURE_VARIANT_ADD(said, to_go_and_to_have_come_elsewhere) { HIDE_LEAVE | HIDE_COPY };
/* clang-format on */

FIXTURE_SETUP(said)
{
	ASSERT_EQ(0, policy_start(&self->hide.policy, "modules.bpf.o", "modules_all"));
	self->hide.modules = self->hide.policy.data;
	set_name(&self->hide, 0);
	log_mark();
}

FIXTURE_TEARDOWN(said)
{
	policy_close(&self->hide.policy);
}

TEST_F(said, falsely_is_told_as_long_as_it_is_there)
{
	__u32 btf = variant->steps & HIDE_LEAVE ? KRSI_VIEW_BTF : 0;
	FIXTURE_DATA(hide) *hide = &self->hide;
	struct module_row row = {};

	load(hide, _metadata, "");
	command(hide, _metadata, variant->steps);
	EXPECT_EQ(0, module_look());
	found(hide, _metadata, hide->name, btf, KRSI_ALTERED_CHAIN, 0);
	/* A copy that no view has is told of, too. */
	if (variant->steps & HIDE_COPY) {
		EXPECT_NE(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, "copy"));
	}
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_GONE, hide->name));

	/* All is put back but what was said, and what hides then is found. */
	command(hide, _metadata, HIDE_LIST);
	EXPECT_EQ(0, module_look());
	found(hide, _metadata, hide->name, btf | KRSI_VIEW_LIST,
	      KRSI_ALTERED_CHAIN | KRSI_ALTERED_LINKS, 0);
	EXPECT_EQ(0, module_row(hide->name, &row));
	EXPECT_STREQ("live", row.state);
	come_back(hide, _metadata, HIDE_CHAIN);
	EXPECT_TRUE(module_row_gone("copy"));
}

#define NEIGHBOURS 8

/* They were reported as if they hid, and those that are older before who did it. */
TEST_F(other, that_takes_neighbours_out_of_the_tree_is_told_before_them)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	const struct module_event *culprit, *event;
	char names[NEIGHBOURS][32];
	int i, lost = 0;

	for (i = 0; i < NEIGHBOURS; i++) {
		snprintf(names[i], sizeof(names[i]), "beside%d_%d", getpid(), i);
		/* Some are older than the one that hides, some younger. */
		if (i == NEIGHBOURS / 2)
			load(hide, _metadata, "");
		ASSERT_EQ(0, module_load("krsi_plain", names[i], NULL));
	}
	EXPECT_EQ(0, module_look());
	command(hide, _metadata, HIDE_RANGES);
	EXPECT_EQ(0, module_look());
	culprit = event_since(hide->modules, hide->mark, EVENT_HIDDEN, hide->name);
	ASSERT_NE(NULL, culprit);
	EXPECT_EQ(KRSI_ALTERED_MEMORY, culprit->altered);
	for (i = 0; i < NEIGHBOURS; i++) {
		event = event_since(hide->modules, hide->mark, EVENT_HIDDEN, names[i]);
		if (!event)
			continue;
		lost++;
		EXPECT_LT(culprit, event);
		EXPECT_EQ(KRSI_VIEW_TREE, event->missing);
		EXPECT_EQ(KRSI_ALTERED_OTHER, event->altered);
	}
	TH_LOG("%d neighbours lost", lost);
	command(hide, _metadata, 0);
	EXPECT_EQ(0, module_look());
	unload(hide, _metadata);
	for (i = 0; i < NEIGHBOURS; i++)
		EXPECT_EQ(0, module_unload(names[i]));
}

TEST_F(other, that_is_said_to_go_while_it_comes_is_watched_all_the_same)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	char args[64];

	snprintf(args, sizeof(args), "early=%u", HIDE_CHAIN);
	load(hide, _metadata, args);
	EXPECT_EQ(0, module_look());
	EXPECT_NE(NULL, event_since(hide->modules, hide->mark, EVENT_LIVE, hide->name));
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, hide->name));
	EXPECT_TRUE(log_has("is live though a notifier had it said to be going"));
	command(hide, _metadata, HIDE_LIST);
	EXPECT_EQ(0, module_look());
	found(hide, _metadata, hide->name, KRSI_VIEW_LIST, KRSI_ALTERED_LINKS, 0);
	come_back(hide, _metadata, HIDE_LIST);
}

static void no_more(int signal)
{
}

/* Hides while its parameters are set, which a signal ends; the last ones follow then. */
static void found_while_it_comes(SELF, unsigned int steps, __u32 altered, const char *last)
{
	const struct module_event *event;
	char args[64];
	pid_t loader;
	int status;

	snprintf(args, sizeof(args), "linger=120000 early=%u %s", steps, last);
	self->mark = self->modules->count;
	signal(SIGUSR1, no_more);
	loader = fork();
	ASSERT_LE(0, loader);
	if (!loader)
		_exit(module_load("krsi_hider", self->name, args) ? 1 : 0);
	do {
		usleep(10000);
		EXPECT_EQ(0, module_look());
		event = event_since(self->modules, self->mark, EVENT_HIDDEN, self->name);
	} while (!event && !waitpid(loader, &status, WNOHANG));
	ASSERT_NE(NULL, event);
	EXPECT_EQ(0, event->missing);
	EXPECT_EQ(altered, event->altered);
	EXPECT_EQ(loader, event->loader.pid);
	EXPECT_EQ(NULL, event_since(self->modules, self->mark, EVENT_LIVE, self->name));
	self->mark = self->modules->count;
	EXPECT_EQ(0, kill(loader, SIGUSR1));
	EXPECT_EQ(loader, waitpid(loader, &status, 0));
	EXPECT_EQ(0, status);
	event = event_within(self->modules, self->mark, EVENT_HIDDEN, self->name, SOON_MS);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(0, event->altered);
	unload(self, _metadata);
}

TEST_F(other, that_is_unformed_before_init_is_found_before_it)
{
	/* The loader itself makes it live in the end. */
	found_while_it_comes(&self->hide, _metadata, HIDE_STATE, KRSI_ALTERED_STATE, "");
}

TEST_F(other, that_has_no_name_before_init_is_found_before_it)
{
	found_while_it_comes(&self->hide, _metadata, HIDE_NAME, KRSI_ALTERED_NAME,
			     "linger=0 early=0");
}

TEST_F(other, name_that_is_hostile_is_escaped)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	const char *name = "a b\n=c,/\\\x7f", *escaped = "a\\040b\\012\\075c\\054/\\134\\177";
	/* As /dev/kmsg shows that: it escapes the backslashes again. */
	const char *logged = "a\\x5c040b\\x5c012\\x5c075c\\x5c054/\\x5c134\\x5c177";
	struct module_row row = {};
	char args[64], line[128];

	snprintf(args, sizeof(args), "door=%s", hide->name);
	hide->mark = hide->modules->count;
	ASSERT_EQ(0, module_load("krsi_hider", name, args));
	EXPECT_EQ(0, module_look());
	EXPECT_EQ(0, module_row(escaped, &row));
	EXPECT_STREQ("-", row.missing);
	EXPECT_STREQ("-", row.altered);
	/* A policy has it as it is. */
	EXPECT_NE(NULL, event_since(hide->modules, hide->mark, EVENT_LIVE, name));
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, name));

	command(hide, _metadata, HIDE_LIST);
	EXPECT_EQ(0, module_look());
	EXPECT_NE(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, name));
	snprintf(line, sizeof(line), "module %s is hidden: missing from list; altered links;", logged);
	EXPECT_TRUE(log_has(line));
	command(hide, _metadata, 0);
	EXPECT_EQ(0, module_look());
	snprintf(line, sizeof(line), "module %s is back: was missing from list;", logged);
	EXPECT_TRUE(log_has(line));
	EXPECT_EQ(0, module_unload(name));
	EXPECT_TRUE(module_row_gone(escaped));
}

TEST_F(other, that_hides_under_mode_off_is_in_the_log_alone)
{
	FIXTURE_DATA(hide) *hide = &self->hide;
	struct module_row row = {};
	char line[128];

	load(hide, _metadata, "");
	EXPECT_EQ(0, module_look());
	ASSERT_EQ(0, mode_set("off"));
	command(hide, _metadata, HIDE_LIST);
	EXPECT_EQ(0, module_look());
	snprintf(line, sizeof(line), "module %s is hidden: missing from list;", hide->name);
	EXPECT_TRUE(log_has(line));
	EXPECT_EQ(0, module_row(hide->name, &row));
	EXPECT_STREQ("list", row.missing);
	EXPECT_EQ(NULL, event_since(hide->modules, hide->mark, EVENT_HIDDEN, hide->name));
	mode_restore();
	come_back(hide, _metadata, HIDE_LIST);
}

TEST(the_file_is_for_root_and_takes_short_words)
{
	char longer[34];
	struct stat st;
	pid_t child;
	int status;

	ASSERT_EQ(0, stat(MODULES, &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	memset(longer, 'x', 33);
	longer[33] = '\0';
	EXPECT_EQ(-EINVAL, file_write(MODULES, longer));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		char line[16];

		if (drop_all())
			_exit(2);
		_exit(file_read(MODULES, line, sizeof(line)) != -EACCES ||
		      file_write(MODULES, "look") != -EACCES);
	}
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
