// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that a file of a FUSE server has no digest, for the server may change
 * it, and that a server that hangs holds up whoever executes its file and
 * nobody else.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "digest.h"
#include "fuse.h"

KEEP_POLICIES("digests.bpf.o", "digests_all")

#define DIR "/tmp/krsi_fuse"
#define PROGRAM DIR "/fuse/program"

FIXTURE(fuse)
{
	struct seeing seeing;
	struct fuse fuse;
};

FIXTURE_SETUP(fuse)
{
	ASSERT_EQ(0, private_tmpfs(DIR));
	ASSERT_EQ(0, fuse_start(&self->fuse, test_path("exit0"), DIR "/fuse"));
	ASSERT_EQ(0, seeing_start(&self->seeing));
}

FIXTURE_TEARDOWN(fuse)
{
	seeing_end(&self->seeing);
	fuse_end(&self->fuse, DIR "/fuse");
}

TEST_F(fuse, has_no_digest_but_what_it_says_of_itself)
{
	const struct digest_event *event;
	unsigned char id[20] = {};
	int size = build_id_of(test_path("exit0"), id);

	ASSERT_LT(0, size);
	event = seeing_exec(&self->seeing, (struct run){ .path = PROGRAM });
	EXPECT_EQ(0, self->seeing.result);
	EXPECT_EQ(-EOPNOTSUPP, event->digest_ret);
	EXPECT_EQ(-ENODATA, event->verity_ret);
	EXPECT_EQ(size, event->build_id_ret);
	EXPECT_EQ(0, memcmp(id, event->build_id, 20));
}

TEST_F(fuse, that_hangs_holds_up_its_own_exec_alone)
{
	/* Asked about, the file has not been read when the policies are. */
	struct run how = {
		.path = PROGRAM, .at = true, .dirfd = AT_FDCWD, .flags = AT_EXECVE_CHECK,
	};
	unsigned long long begin;
	pid_t pid;

	*self->fuse.stalls = true;
	pid = run_start(&how);
	ASSERT_LT(0, pid);
	/* It hangs, and goes on to hang. */
	usleep(500000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));

	begin = now_ms();
	EXPECT_EQ(32, seeing_exec(&self->seeing, (struct run){ .path = test_path("exit0") })
			      ->digest_ret);
	policy_detach(&self->seeing.policy);
	ASSERT_EQ(0, policy_attach(&self->seeing.policy));
	EXPECT_EQ(32, seeing_exec(&self->seeing, (struct run){ .path = test_path("exit0") })
			      ->digest_ret);
	EXPECT_GT(20000, now_ms() - begin);

	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	begin = now_ms();
	EXPECT_EQ(128 + SIGKILL, run_wait(pid));
	EXPECT_GT(5000, now_ms() - begin);
}

TEST_HARNESS_MAIN
