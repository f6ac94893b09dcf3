// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that each denial and would-be denial leaves an audit record that says
 * which policy denied what to whom and why, whatever names somebody chose; that
 * a record never costs a denial, and what was left out is counted; and that
 * policies don't come, change or go without one.
 */

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "common.h"
#include "denies.h"
#include "observe.h"
#include "records.h"
#include "run.h"

KEEP_POLICIES("denies.bpf.o", "denier", "denier_by_path")

#define EXIT0 DIR "/exit0"
#define FILE_NAME DIR "/file"
#define HOSTILE DIR "/a \"b\"\n\xff op=x"
#define HOSTILE_COMM "c\" d\n\xff=e"

FIXTURE(audit)
{
	struct policy policy;
	struct denies *denies;
	int sock;
};

FIXTURE_SETUP(audit)
{
	ASSERT_EQ(0, observe_dir());
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "denies.bpf.o", "denier"));
	self->denies = self->policy.data;
	self->denies->answer = -EPERM;
	self->sock = records_listen();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(audit)
{
	policy_close(&self->policy);
	close(self->sock);
	mode_restore();
}

/* With other flags than the policy that is kept has. */
static int attach_with(FIXTURE_DATA(audit) *self, __u32 flags)
{
	int ret;

	policy_close(&self->policy);
	ret = policy_open(&self->policy, "denies.bpf.o", "denier");
	if (ret)
		return ret;
	policy_ops(&self->policy)->flags = flags;
	ret = policy_load(&self->policy) ?: policy_attach(&self->policy);
	self->denies = self->policy.data;
	self->denies->answer = -EPERM;
	return ret;
}

static int execute(struct denies *denies, const char *path, int (*before)(void *arg))
{
	struct run how = { .path = path, .tgid = { &denies->tgid }, .before = before };

	return run(&how);
}

/* The exec that this is about; what the record must say of it goes to @text. */
#define TEXT(...) ({ static char text_[512]; snprintf(text_, sizeof(text_), __VA_ARGS__); text_; })

TEST_F(audit, denial_says_who_was_denied_what_and_why)
{
	struct policy_line line;
	const char *record;
	struct stat st;

	ASSERT_EQ(0, stat(EXIT0, &st));
	ASSERT_EQ(0, policy_line("denier", &line));
	self->denies->answer = -EACCES;
	strcpy(self->denies->reason, "LD_PRELOAD");
	ASSERT_EQ(-EACCES, execute(self->denies, EXIT0, NULL));
	EXPECT_EQ(10, self->denies->kept);

	record = records_next(self->sock, AUDIT_KRSI_ACCESS);
	EXPECT_HAS(record, ": op=process_exec verdict=denied errno=13 error=0 ");
	EXPECT_HAS(record, TEXT(" policy_id=%llu ", line.id));
	EXPECT_HAS(record, " policy=\"denier\" reason=\"LD_PRELOAD\" ");
	EXPECT_HAS(record, TEXT(" path=\"" EXIT0 "\" dev=\"tmpfs\" ino=%lu ", st.st_ino));
	EXPECT_HAS(record, TEXT(" ppid=%d pid=%u auid=", getpid(), self->denies->tgid));
	EXPECT_HAS(record, " uid=0 gid=0 euid=0 ");
	EXPECT_HAS(record, " comm=\"audit_test\" ");
	EXPECT_HAS(record, TEXT(" exe=\"%s\"", test_path("audit_test")));
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
}

TEST_F(audit, would_be_denial_says_so)
{
	ASSERT_EQ(0, attach_with(self, KRSI_AUDIT));
	EXPECT_EQ(0, execute(self->denies, EXIT0, NULL));
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_ACCESS),
		   "op=process_exec verdict=would-deny errno=1 error=0 ");
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
}

TEST_F(audit, would_be_denial_by_the_mode_says_so)
{
	ASSERT_EQ(0, mode_set("audit"));
	EXPECT_EQ(0, execute(self->denies, EXIT0, NULL));
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_ACCESS), " verdict=would-deny ");
}

TEST_F(audit, what_is_allowed_leaves_no_record)
{
	self->denies->answer = 0;
	strcpy(self->denies->reason, "none");
	EXPECT_EQ(0, execute(self->denies, EXIT0, NULL));
	EXPECT_EQ(4, self->denies->kept);
	EXPECT_EQ(0, run_exit0(NULL, NULL, NULL));
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
}

TEST_F(audit, denial_by_failure_says_so)
{
	ASSERT_EQ(0, attach_with(self, KRSI_FAIL_CLOSED));
	self->denies->answer = 5;
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_ACCESS),
		   " verdict=denied errno=1 error=1 ");
}

static int be_hostile(void *arg)
{
	return prctl(PR_SET_NAME, HOSTILE_COMM);
}

TEST_F(audit, hostile_names_are_encoded)
{
	const char *record;

	ASSERT_EQ(0, file_copy(EXIT0, HOSTILE, 0555));
	strcpy(self->denies->reason, "r\" \n\xff=s");
	ASSERT_EQ(-EPERM, execute(self->denies, HOSTILE, be_hostile));
	record = records_next(self->sock, AUDIT_KRSI_ACCESS);
	EXPECT_TRUE(record_has_hex(record, "path", HOSTILE));
	EXPECT_TRUE(record_has_hex(record, "comm", HOSTILE_COMM));
	EXPECT_TRUE(record_has_hex(record, "reason", "r\" \n\xff=s"));
	EXPECT_EQ(NULL, strpbrk(record, "\n\xff"));
	EXPECT_EQ(NULL, strstr(record, "op=x"));
}

TEST_F(audit, reason_is_cut)
{
	struct denies *denies = self->denies;

	memset(denies->reason, 'r', sizeof(denies->reason));
	ASSERT_EQ(-EPERM, execute(denies, EXIT0, NULL));
	EXPECT_EQ(KRSI_REASON_SIZE - 1, denies->kept);
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_ACCESS),
		   TEXT(" reason=\"%.*s\" ", KRSI_REASON_SIZE - 1, denies->reason));
}

TEST_F(audit, reason_is_that_of_the_policy_that_denies)
{
	struct policy second;
	struct denies *denies;
	const char *record;

	/* The first gives a reason and allows, the second denies without one. */
	self->denies->answer = 0;
	strcpy(self->denies->reason, "mine");
	ASSERT_EQ(0, policy_open(&second, "denies.bpf.o", "denier"));
	policy_name(&second, "second one");
	ASSERT_EQ(0, policy_load(&second));
	denies = second.data;
	denies->answer = -EPERM;
	ASSERT_EQ(0, policy_attach(&second));
	denies->tgid = 0;
	{
		struct run how = {
			.path = EXIT0, .tgid = { &self->denies->tgid, &denies->tgid }
		};

		EXPECT_EQ(-EPERM, run(&how));
	}
	record = records_next(self->sock, AUDIT_KRSI_ACCESS);
	EXPECT_TRUE(record_has_hex(record, "policy", "second one"));
	EXPECT_HAS(record, " reason=\"\" ");
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
	policy_close(&second);
}

/* Has the removal of FILE_NAME denied, while inodes are locked. */
static int remove_denied(struct denies *denies, struct stat *st)
{
	if (file_make(FILE_NAME, "", 0600) || stat(FILE_NAME, st))
		return errno;
	denies->ino = st->st_ino;
	return unlink(FILE_NAME) ? errno : 0;
}

TEST_F(audit, removal_has_the_name_in_its_filesystem)
{
	const char *record;
	struct stat st;

	ASSERT_EQ(EPERM, remove_denied(self->denies, &st));
	record = records_next(self->sock, AUDIT_KRSI_ACCESS);
	EXPECT_HAS(record, "op=file_unlink verdict=denied errno=1 ");
	EXPECT_HAS(record, TEXT(" name=\"/file\" dev=\"tmpfs\" ino=%lu ", st.st_ino));
	EXPECT_HAS(record, TEXT(" pid=%d ", getpid()));
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
}

TEST_F(audit, removal_has_the_path_where_a_policy_asks_for_it)
{
	const char *record;
	struct stat st;

	policy_close(&self->policy);
	ASSERT_EQ(0, policy_start(&self->policy, "denies.bpf.o", "denier_by_path"));
	self->denies = self->policy.data;
	self->denies->answer = -EACCES;
	ASSERT_EQ(EACCES, remove_denied(self->denies, &st));
	record = records_next(self->sock, AUDIT_KRSI_ACCESS);
	EXPECT_HAS(record, "op=file_unlink verdict=denied errno=13 ");
	EXPECT_HAS(record, TEXT(" path=\"" FILE_NAME "\" dev=\"tmpfs\" ino=%lu ", st.st_ino));
}

TEST_F(audit, policy_without_records_has_none)
{
	struct policy_line line;

	ASSERT_EQ(0, attach_with(self, KRSI_NO_RECORD));
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_STREQ("no_record", line.flags);
	EXPECT_EQ(1, line.denials);
	EXPECT_EQ(0, line.unrecorded);
}

TEST_F(audit, excluded_records_are_counted)
{
	struct policy_line line;

	ASSERT_EQ(0, audit_exclude(AUDIT_KRSI_ACCESS, true));
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	EXPECT_EQ(0, records_count(self->sock, AUDIT_KRSI_ACCESS));
	/* What becomes of the policy is told all the same. */
	policy_detach(&self->policy);
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_POLICY), "op=detach ");
	ASSERT_EQ(0, policy_attach(&self->policy));
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_EQ(1, line.denials);
	EXPECT_EQ(1, line.unrecorded);
	ASSERT_EQ(0, audit_exclude(AUDIT_KRSI_ACCESS, false));
	EXPECT_EQ(-EPERM, execute(self->denies, EXIT0, NULL));
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_EQ(2, line.denials);
	EXPECT_EQ(1, line.unrecorded);
	EXPECT_EQ(1, records_count(self->sock, AUDIT_KRSI_ACCESS));
}

/* In a child that is denied all its execs; how many of them were not. */
static int storm(struct denies *denies, int n)
{
	char *argv[] = { "exit0", NULL }, *envp[] = { NULL };
	pid_t pid = fork();

	if (!pid) {
		int wrong = 0;

		denies->tgid = getpid();
		while (n--)
			wrong += execve(EXIT0, argv, envp) != -1 || errno != EPERM;
		_exit(wrong);
	}
	return run_wait(pid);
}

#define STORM 500

TEST_F(audit, storm_ends_at_the_rate_limit)
{
	long lost = audit_lost();
	struct policy_line line;
	int told;

	ASSERT_LE(0, lost);
	ASSERT_EQ(0, audit_limit_backlog(0));
	ASSERT_EQ(0, audit_limit_rate(10));
	EXPECT_EQ(0, storm(self->denies, STORM));
	ASSERT_EQ(0, audit_limit_rate(0));
	ASSERT_EQ(0, audit_limit_backlog(64));
	lost = audit_lost() - lost;
	told = records_count(self->sock, AUDIT_KRSI_ACCESS);
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_EQ(STORM, line.denials);
	EXPECT_LT(0, told);
	EXPECT_LT(0, lost);
	EXPECT_EQ(STORM, told + lost);
	EXPECT_EQ(0, line.unrecorded);
}

TEST_F(audit, storm_is_denied_where_the_backlog_is_full)
{
	struct policy_line line;
	int told;

	ASSERT_EQ(0, audit_limit_backlog(1));
	EXPECT_EQ(0, storm(self->denies, STORM));
	ASSERT_EQ(0, audit_limit_backlog(64));
	told = records_count(self->sock, AUDIT_KRSI_ACCESS);
	ASSERT_EQ(0, policy_line("denier", &line));
	EXPECT_EQ(STORM, line.denials);
	EXPECT_EQ(STORM, told + line.unrecorded);
}

TEST_F(audit, attach_update_and_detach_are_told)
{
	struct policy_line line;
	const char *record;
	struct policy other;

	policy_detach(&self->policy);
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_POLICY), "op=detach policy=\"denier\" ");
	ASSERT_EQ(0, policy_attach(&self->policy));
	ASSERT_EQ(0, policy_line("denier", &line));
	record = records_next(self->sock, AUDIT_KRSI_POLICY);
	EXPECT_HAS(record, TEXT(": op=attach policy=\"denier\" policy_id=%llu ", line.id));
	EXPECT_HAS(record, " flags=- ops=process_exec,file_unlink ");
	EXPECT_HAS(record, TEXT(" pid=%d auid=", getpid()));
	EXPECT_HAS(record, TEXT(" exe=\"%s\"", test_path("audit_test")));
	EXPECT_HAS(record, " res=1");

	ASSERT_EQ(0, policy_open(&other, "denies.bpf.o", "denier_by_path"));
	policy_name(&other, "denier");
	policy_ops(&other)->flags = KRSI_AUDIT | KRSI_NO_RECORD;
	ASSERT_EQ(0, policy_load(&other));
	ASSERT_EQ(0, bpf_link__update_map(self->policy.link, other.map));
	record = records_next(self->sock, AUDIT_KRSI_POLICY);
	EXPECT_HAS(record, TEXT(": op=update policy=\"denier\" policy_id=%llu ", line.id));
	EXPECT_HAS(record, " flags=audit,no_record ops=file_unlink ");
	EXPECT_HAS(record, " res=1");

	policy_detach(&self->policy);
	record = records_next(self->sock, AUDIT_KRSI_POLICY);
	EXPECT_HAS(record, TEXT(": op=detach policy=\"denier\" policy_id=%llu ", line.id));
	EXPECT_HAS(record, " res=1");
	policy_close(&other);
}

TEST_F(audit, refused_attachment_is_told)
{
	const char *record;
	pid_t pid;

	policy_detach(&self->policy);
	EXPECT_HAS(records_next(self->sock, AUDIT_KRSI_POLICY), "op=detach ");
	pid = fork();
	if (!pid)
		_exit(drop_cap(CAP_MAC_ADMIN) || policy_attach(&self->policy) != -EPERM);
	EXPECT_EQ(0, run_wait(pid));
	record = records_next(self->sock, AUDIT_KRSI_POLICY);
	EXPECT_HAS(record, ": op=attach policy=\"denier\" errno=1 ");
	EXPECT_HAS(record, TEXT(" pid=%d ", pid));
	EXPECT_HAS(record, " res=0");
}

TEST_HARNESS_MAIN
