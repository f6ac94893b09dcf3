// SPDX-License-Identifier: GPL-2.0
/*
 * Proves what the files in securityfs say and take: the version of the ABI,
 * the mode with its cap and who may set it, and the list of policies, in which
 * no name that somebody chose can pass for something else.
 */

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "common.h"
#include "records.h"
#include "run.h"
#include "verdict.h"

static const char *const modes[] = { "off", "audit", "enforce" };

/* The highest mode that the kernel command line lets anybody set. */
static int mode_cap(void)
{
	char line[4096], *at;
	int i;

	if (file_read("/proc/cmdline", line, sizeof(line)) < 0)
		return -1;
	at = strstr(line, "krsi.mode=");
	for (i = 0; at && i < 3; i++) {
		const char *value = at + strlen("krsi.mode=");

		if (!strncmp(value, modes[i], strlen(modes[i])))
			return i;
	}
	return 2;
}

FIXTURE(securityfs)
{
};

FIXTURE_SETUP(securityfs)
{
	char mode[16];

	ASSERT_LT(0, file_read(KRSI_FS "mode", mode, sizeof(mode)));
	/* What it is now is what the teardown makes it again. */
	ASSERT_EQ(0, mode_set(mode));
}

FIXTURE_TEARDOWN(securityfs)
{
	mode_restore();
}

TEST_F(securityfs, tells_the_abi)
{
	char abi[16];

	ASSERT_LT(0, file_read(KRSI_FS "abi", abi, sizeof(abi)));
	EXPECT_STREQ("3\n", abi);
	EXPECT_EQ(3, KRSI_ABI);
}

TEST_F(securityfs, files_are_for_root_to_write)
{
	struct stat st;

	ASSERT_EQ(0, stat(KRSI_FS "abi", &st));
	EXPECT_EQ(0, st.st_mode & 0222);
	ASSERT_EQ(0, stat(KRSI_FS "policies", &st));
	EXPECT_EQ(0, st.st_mode & 0222);
	/* Who attached what is nobody else's business. */
	EXPECT_EQ(0, st.st_mode & 0077);
	ASSERT_EQ(0, stat(KRSI_FS "mode", &st));
	EXPECT_EQ(0, st.st_mode & 0022);
	EXPECT_EQ(0, st.st_uid);
}

TEST_F(securityfs, mode_is_set_and_read_up_to_the_cap)
{
	char text[16], with_newline[16];
	int i, cap = mode_cap();

	for (i = 0; i < 3; i++) {
		snprintf(with_newline, sizeof(with_newline), "%s\n", modes[i]);
		if (i > cap) {
			EXPECT_EQ(-EPERM, file_write(KRSI_FS "mode", modes[i]));
			continue;
		}
		EXPECT_EQ(strlen(modes[i]), file_write(KRSI_FS "mode", modes[i]));
		ASSERT_LT(0, file_read(KRSI_FS "mode", text, sizeof(text)));
		EXPECT_STREQ(with_newline, text);
		EXPECT_EQ(strlen(with_newline), file_write(KRSI_FS "mode", with_newline));
	}
}

TEST_F(securityfs, mode_takes_nothing_else)
{
	static const char *const garbage[] = {
		"", "\n", "o", "of", "offf", "OFF", "enforcing", "audit enforce", "0", "1",
		" audit", "audit,enforce",
		"enforceenforceenforceenforceenforceenforceenforceenforceenforceenforce",
	};
	char before[16], after[16];
	int i;

	ASSERT_LT(0, file_read(KRSI_FS "mode", before, sizeof(before)));
	for (i = 0; i < ARRAY_SIZE(garbage); i++) {
		int ret = file_write(KRSI_FS "mode", garbage[i]);

		/* A write of nothing doesn't come to the file. */
		if (garbage[i][0] || ret)
			EXPECT_EQ(-EINVAL, ret) {
				TH_LOG("\"%s\"", garbage[i]);
			}
	}
	ASSERT_LT(0, file_read(KRSI_FS "mode", after, sizeof(after)));
	EXPECT_STREQ(before, after);
}

TEST_F(securityfs, mode_is_not_for_those_without_cap_mac_admin)
{
	char before[16], after[16];
	pid_t pid;

	ASSERT_LT(0, file_read(KRSI_FS "mode", before, sizeof(before)));
	pid = fork();
	if (!pid)
		_exit(drop_cap(CAP_MAC_ADMIN) || file_write(KRSI_FS "mode", "off") != -EPERM ||
		      file_write(KRSI_FS "mode", "audit") != -EPERM);
	EXPECT_EQ(0, run_wait(pid));
	pid = fork();
	if (!pid)
		_exit(drop_all() || file_write(KRSI_FS "mode", "off") != -EACCES);
	EXPECT_EQ(0, run_wait(pid));
	ASSERT_LT(0, file_read(KRSI_FS "mode", after, sizeof(after)));
	EXPECT_STREQ(before, after);
}

/* Whether a change of the mode was told with both texts. */
static bool audit_hears(int sock, const char *first, const char *second)
{
	const char *record = records_next(sock, AUDIT_MAC_STATUS);

	return record_has(record, " lsm=krsi ") && record_has(record, first) &&
	       record_has(record, second);
}

TEST_F(securityfs, each_change_of_the_mode_is_audited)
{
	int sock = records_listen();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mode_set("audit"));
	EXPECT_TRUE(audit_hears(sock, "mode=audit", "mode="));
	ASSERT_EQ(0, mode_set("off"));
	EXPECT_TRUE(audit_hears(sock, "mode=off", "old_mode=audit"));
	close(sock);
}

TEST_F(securityfs, a_write_of_the_same_mode_is_audited)
{
	int sock;

	ASSERT_EQ(0, mode_set("audit"));
	sock = records_listen();
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mode_set("audit"));
	EXPECT_TRUE(audit_hears(sock, "mode=audit old_mode=audit ", "res=1"));
	close(sock);
}

TEST_F(securityfs, a_refused_write_of_the_mode_is_audited)
{
	int sock;
	pid_t pid;

	ASSERT_EQ(0, mode_set("audit"));
	sock = records_listen();
	ASSERT_LE(0, sock);
	pid = fork();
	if (!pid)
		_exit(drop_cap(CAP_MAC_ADMIN) || file_write(KRSI_FS "mode", "off") != -EPERM);
	ASSERT_EQ(0, run_wait(pid));
	EXPECT_TRUE(audit_hears(sock, "mode=off old_mode=audit ", "res=0"));
	close(sock);
}

TEST_F(securityfs, a_write_of_what_is_no_mode_is_audited_without_its_text)
{
	int sock;

	ASSERT_EQ(0, mode_set("audit"));
	sock = records_listen();
	ASSERT_LE(0, sock);
	EXPECT_EQ(-EINVAL, file_write(KRSI_FS "mode", "nonsense"));
	EXPECT_TRUE(audit_hears(sock, "mode=? old_mode=audit ", "res=0"));
	close(sock);
}

FIXTURE(policies)
{
	struct policy policy;
	struct verdict *verdict;
};

FIXTURE_SETUP(policies)
{
	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_open(&self->policy, "verdict.bpf.o", "verdict_full"));
}

FIXTURE_TEARDOWN(policies)
{
	policy_close(&self->policy);
	mode_restore();
}

static void attach(struct __test_metadata *_metadata, struct policy *p, int answer)
{
	struct verdict *verdict;

	ASSERT_EQ(0, policy_load(p));
	verdict = p->data;
	verdict->tgid = ~0U;
	verdict->answer = answer;
	ASSERT_EQ(0, policy_attach(p));
}

TEST_F(policies, do_not_run_while_the_mode_is_off)
{
	struct policy_line line;
	struct verdict *verdict;
	__u32 calls, executed;

	attach(_metadata, &self->policy, -EPERM);
	verdict = self->policy.data;
	EXPECT_EQ(-EPERM, run_exit0(&verdict->tgid, NULL, NULL));

	ASSERT_EQ(0, mode_set("off"));
	calls = verdict->calls;
	executed = verdict->executed;
	EXPECT_EQ(0, run_exit0(&verdict->tgid, NULL, NULL));
	EXPECT_EQ(calls, verdict->calls);
	EXPECT_EQ(executed, verdict->executed);
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_STREQ("enforce", line.wanted);
	EXPECT_STREQ("off", line.mode);
	EXPECT_EQ(1, line.denials);

	ASSERT_EQ(0, mode_set("enforce"));
	EXPECT_EQ(-EPERM, run_exit0(&verdict->tgid, NULL, NULL));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_STREQ("enforce", line.mode);
	EXPECT_EQ(2, line.denials);
}

TEST_F(policies, may_be_attached_updated_and_detached_while_the_mode_is_off)
{
	struct policy_line line;
	struct verdict *verdict;

	ASSERT_EQ(0, mode_set("off"));
	attach(_metadata, &self->policy, -EPERM);
	verdict = self->policy.data;
	EXPECT_EQ(0, run_exit0(&verdict->tgid, NULL, NULL));
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_STREQ("off", line.mode);
	EXPECT_EQ(0, line.runs);
	EXPECT_EQ(0, bpf_link__update_map(self->policy.link, self->policy.map));
	ASSERT_EQ(0, mode_set("enforce"));
	EXPECT_EQ(-EPERM, run_exit0(&verdict->tgid, NULL, NULL));

	ASSERT_EQ(0, mode_set("off"));
	policy_detach(&self->policy);
	ASSERT_EQ(0, mode_set("enforce"));
	EXPECT_EQ(0, run_exit0(&verdict->tgid, NULL, NULL));
	EXPECT_EQ(1, verdict->seen);
}

TEST_F(policies, have_lines_that_no_name_can_forge)
{
	static const char name[] = "a b\n\\=,id=9\t\x01\x7f\x80\xff\"'{}~";
	static const char escaped[] =
		"a\\040b\\012\\134\\075\\054id\\0759\\011\\001\\177\\200\\377\"'{}~";
	struct policy_line line;
	char comm[16] = "x y=\n,\\\xc3";

	ASSERT_EQ(0, prctl(PR_SET_NAME, comm));
	policy_name(&self->policy, name);
	attach(_metadata, &self->policy, 0);
	EXPECT_EQ(1, policy_count(NULL));
	ASSERT_EQ(0, policy_line(escaped, &line));
	EXPECT_STREQ("x\\040y\\075\\012\\054\\134\\303", line.comm);
}

TEST_F(policies, have_all_their_fields_in_one_order)
{
	static const char *const keys[] = {
		"id", "name", "wanted", "mode", "flags", "ops", "runs", "denials", "would_denials",
		"errors", "memory", "maps", "uid", "pid", "comm", "attached",
		"unrecorded",
	};
	char text[2048], *at = text;
	int i;

	attach(_metadata, &self->policy, 0);
	ASSERT_LT(0, file_read(KRSI_FS "policies", text, sizeof(text)));
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		ASSERT_EQ(0, strncmp(at, keys[i], len));
		ASSERT_EQ('=', at[len]);
		at += len + 1;
		/* None is empty. */
		ASSERT_LT(0, strcspn(at, " \n"));
		at += strcspn(at, " \n");
		ASSERT_EQ(i + 1 < ARRAY_SIZE(keys) ? ' ' : '\n', *at);
		at++;
	}
	EXPECT_EQ('\0', *at);
}

TEST_HARNESS_MAIN
