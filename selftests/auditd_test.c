// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that Debian's auditd writes KRSI's records and that its ausearch finds
 * and shows them; and that a denial waits for no auditd.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "denies.h"
#include "observe.h"
#include "records.h"
#include "run.h"

KEEP_POLICIES("denies.bpf.o", "denier")

#define EXIT0 DIR "/exit0"
#define SPACED DIR "/a b"
#define LOG DIR "/audit.log"

static const char config[] =
	"log_file = " LOG "\n"
	"log_format = RAW\n"
	"space_left = 2\n"
	"admin_space_left = 1\n"
	"flush = NONE\n"
	"max_log_file_action = IGNORE\n"
	"space_left_action = IGNORE\n"
	"admin_space_left_action = IGNORE\n"
	"disk_full_action = IGNORE\n"
	"disk_error_action = IGNORE\n"
	"plugin_dir = " DIR "/plugins.d\n";

FIXTURE(auditd)
{
	struct policy policy;
	struct denies *denies;
	pid_t pid;
};

/* Waits until it is who gets the records. */
static bool is_served_by(pid_t pid)
{
	unsigned long long end = now_ms() + 60000;

	while (audit_server() != pid) {
		if (now_ms() > end)
			return false;
		usleep(10000);
	}
	return true;
}

FIXTURE_SETUP(auditd)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, mkdir(DIR "/plugins.d", 0700));
	ASSERT_EQ(0, file_make(DIR "/auditd.conf", config, 0600));
	self->pid = fork();
	if (!self->pid) {
		/* It says itself whether syscalls are audited, if it is not told not to. */
		execl("/usr/sbin/auditd", "auditd", "-n", "-s", "nochange", "-c", DIR, NULL);
		_exit(127);
	}
	ASSERT_TRUE(is_served_by(self->pid));
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "denies.bpf.o", "denier"));
	self->denies = self->policy.data;
	self->denies->answer = -EPERM;
	strcpy(self->denies->reason, "LD_PRELOAD");
}

FIXTURE_TEARDOWN(auditd)
{
	int status;

	policy_close(&self->policy);
	mode_restore();
	EXPECT_EQ(0, kill(self->pid, SIGTERM));
	EXPECT_EQ(self->pid, waitpid(self->pid, &status, 0));
}

static int execute(struct denies *denies, const char *path)
{
	struct run how = { .path = path, .tgid = { &denies->tgid } };

	return run(&how);
}

/* Waits until ausearch with these options prints @text; what it printed last. */
static const char *found(const char *options, const char *text)
{
	static char out[65536];
	unsigned long long end = now_ms() + 60000;
	char command[256];

	snprintf(command, sizeof(command), "ausearch --input " LOG " %s 2>&1", options);
	do {
		FILE *pipe = popen(command, "r");
		size_t len = pipe ? fread(out, 1, sizeof(out) - 1, pipe) : 0;

		out[len] = '\0';
		if (pipe)
			pclose(pipe);
	} while (!strstr(out, text) && now_ms() < end);
	return out;
}

TEST_F(auditd, ausearch_finds_a_denial_by_the_number_of_its_type)
{
	const char *record;

	ASSERT_EQ(-EPERM, execute(self->denies, EXIT0));
	record = found("-m 1490 --raw", " reason=\"LD_PRELOAD\" ");
	EXPECT_HAS(record, "type=UNKNOWN[1490] msg=audit(");
	EXPECT_HAS(record, ": op=process_exec verdict=denied errno=1 error=0 ");
	EXPECT_HAS(record, " reason=\"LD_PRELOAD\" ");
	EXPECT_HAS(record, " path=\"" EXIT0 "\" ");
	EXPECT_HAS(record, " comm=\"auditd_test\" ");
}

TEST_F(auditd, ausearch_reads_encoded_names)
{
	ASSERT_EQ(0, file_copy(EXIT0, SPACED, 0555));
	ASSERT_EQ(-EPERM, execute(self->denies, SPACED));
	EXPECT_HAS(found("-m 1490 -i", " path=" SPACED " "), " path=" SPACED " ");
}

TEST_F(auditd, ausearch_finds_what_became_of_a_policy)
{
	const char *record;

	policy_detach(&self->policy);
	record = found("-m 1491 --raw", "op=detach ");
	EXPECT_HAS(record, "type=UNKNOWN[1491] msg=audit(");
	EXPECT_HAS(record, ": op=attach policy=\"denier\" ");
	EXPECT_HAS(record, ": op=detach policy=\"denier\" ");
	ASSERT_EQ(0, policy_attach(&self->policy));
}

#define STORM 300

TEST_F(auditd, denials_do_not_wait_for_an_auditd_that_is_stopped)
{
	unsigned long long begin = now_ms();
	struct policy_line line = {};
	int i, denied = 0;

	ASSERT_EQ(0, audit_limit_backlog(1));
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	/* Until the backlog has been full for one of them. */
	for (i = 0; i < STORM && !line.unrecorded; i++) {
		denied += execute(self->denies, EXIT0) == -EPERM;
		if (i % 10 == 9)
			ASSERT_EQ(0, policy_line("denier", &line));
	}
	EXPECT_EQ(0, kill(self->pid, SIGCONT));
	EXPECT_EQ(0, audit_limit_backlog(64));
	EXPECT_EQ(i, denied);
	/* Who waits does so for a minute. */
	EXPECT_GT(rounds(30, 300) * 1000ULL, now_ms() - begin);
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_EQ(i, line.denials);
	EXPECT_LT(0, line.unrecorded);
}

TEST_HARNESS_MAIN
