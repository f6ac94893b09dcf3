// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that module_request is told when the kernel asks for a module by itself, in
 * the task for which it asks, and with the alias; that what modprobe then loads is
 * told as any load; and that a denial keeps modprobe from being started.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "loads.h"
#include "module.h"
#include "records.h"
#include "run.h"

KEEP_POLICIES("loads.bpf.o", "loads_atomic", "loads_sleepable")

#define MODULE "krsi_plain"
#define MODPROBE "/proc/sys/kernel/modprobe"
/* The alias that it makes of the type of a filesystem. */
#define TYPE "krsi_plain"
#define ALIAS "fs-" TYPE

FIXTURE(request)
{
	struct policy policy;
	struct loads *loads;
	char modprobe[64], asked[64], old[256];
};

FIXTURE_VARIANT(request)
{
	const char *policy;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(request, atomic) { "loads_atomic" };
FIXTURE_VARIANT_ADD(request, sleepable) { "loads_sleepable" };
/* clang-format on */

/* A modprobe that says what it was asked for, and loads the module whatever that is. */
FIXTURE_SETUP(request)
{
	char script[1024];
	int len;

	snprintf(self->modprobe, sizeof(self->modprobe), "/tmp/krsi_modprobe_%d", getpid());
	snprintf(self->asked, sizeof(self->asked), "%s.asked", self->modprobe);
	snprintf(script, sizeof(script),
		 "#!/bin/sh\nPATH=/usr/sbin:/usr/bin\necho \"$*\" >>%s\nexec insmod %s\n",
		 self->asked, test_path("modules/" MODULE ".ko"));
	ASSERT_EQ(0, file_make(self->modprobe, script, 0755));
	len = file_read(MODPROBE, self->old, sizeof(self->old));
	ASSERT_LT(0, len);
	ASSERT_LT(0, file_write(MODPROBE, self->modprobe));

	ASSERT_EQ(0, mode_set("enforce"));
	ASSERT_EQ(0, policy_start(&self->policy, "loads.bpf.o", variant->policy));
	self->loads = self->policy.data;
}

FIXTURE_TEARDOWN(request)
{
	EXPECT_LT(0, file_write(MODPROBE, self->old));
	policy_close(&self->policy);
	mode_restore();
	unlink(self->asked);
	unlink(self->modprobe);
}

#define SELF struct __test_metadata *_metadata, FIXTURE_DATA(request) *self

/* A mount of a type that nobody has registered. */
static int ask_for(const char *type)
{
	return mount("none", "/tmp", type, 0, NULL) ? -errno : 0;
}

static void expect_request(SELF, const char *alias)
{
	const struct request *request = &self->loads->request;

	EXPECT_EQ(1, self->loads->requests);
	EXPECT_STREQ(alias, request->alias);
	EXPECT_EQ(getpid(), request->tgid);
	EXPECT_EQ(-ENODATA, request->path_ret);
	EXPECT_EQ(-ENODATA, request->id_ret);
}

static bool is_loaded(void)
{
	struct module_shown shown;

	return !module_shown(MODULE, &shown);
}

TEST_F(request, is_told_and_so_is_the_load_that_follows)
{
	char asked[128];

	EXPECT_EQ(-ENODEV, ask_for(TYPE));
	expect_request(_metadata, self, ALIAS);
	ASSERT_LT(0, file_read(self->asked, asked, sizeof(asked)));
	EXPECT_STREQ("-q -- " ALIAS "\n", asked);
	EXPECT_EQ(1, self->loads->loads);
	EXPECT_STREQ(MODULE, self->loads->load.name);
	EXPECT_EQ(KRSI_MODULE_FILE, self->loads->load.source);
	EXPECT_STREQ(test_path("modules/" MODULE ".ko"), self->loads->load.path);
	EXPECT_NE(getpid(), self->loads->load.tgid);
	EXPECT_TRUE(is_loaded());
	EXPECT_EQ(0, module_unload(MODULE));
}

TEST_F(request, that_is_denied_starts_no_modprobe)
{
	int sock = records_listen();
	struct policy_line line;

	ASSERT_LE(0, sock);
	self->loads->request_verdict = -EPERM;
	EXPECT_EQ(-ENODEV, ask_for(TYPE));
	EXPECT_HAS(records_next(sock, AUDIT_KRSI_ACCESS), " alias=\"" ALIAS "\"");
	close(sock);
	expect_request(_metadata, self, ALIAS);
	EXPECT_EQ(-1, access(self->asked, F_OK));
	EXPECT_EQ(0, self->loads->loads);
	EXPECT_FALSE(is_loaded());
	ASSERT_EQ(0, policy_line(variant->policy, &line));
	EXPECT_EQ(1, line.denials);
	EXPECT_EQ(0, line.errors);
}

TEST_F(request, that_is_denied_by_module_load_is_told_and_in_vain)
{
	self->loads->load_verdict = -EPERM;
	EXPECT_EQ(-ENODEV, ask_for(TYPE));
	expect_request(_metadata, self, ALIAS);
	EXPECT_EQ(0, access(self->asked, F_OK));
	EXPECT_EQ(1, self->loads->loads);
	EXPECT_FALSE(is_loaded());
}

TEST_F(request, is_not_denied_in_audit_mode)
{
	ASSERT_EQ(0, mode_set("audit"));
	self->loads->request_verdict = -EPERM;
	EXPECT_EQ(-ENODEV, ask_for(TYPE));
	expect_request(_metadata, self, ALIAS);
	EXPECT_TRUE(is_loaded());
	EXPECT_EQ(0, module_unload(MODULE));
}

TEST_F(request, with_the_longest_alias)
{
	char type[64], alias[64];

	self->loads->request_verdict = -EPERM;
	memset(type, 'x', sizeof(type));
	type[20] = '\n';
	/* 55 bytes in all; the kernel asks for no longer one. */
	type[52] = '\0';
	snprintf(alias, sizeof(alias), "fs-%s", type);
	EXPECT_EQ(-ENODEV, ask_for(type));
	expect_request(_metadata, self, alias);
	type[52] = 'x';
	type[53] = '\0';
	EXPECT_EQ(-ENODEV, ask_for(type));
	EXPECT_EQ(1, self->loads->requests);
}

/* Anybody can have the kernel ask: here for the family of a socket. */
TEST_F(request, of_an_ordinary_user)
{
	pid_t pid;
	int status;

	self->loads->request_verdict = -EPERM;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(drop_all() || socket(AF_X25, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, self->loads->requests);
	EXPECT_STREQ("net-pf-9", self->loads->request.alias);
	EXPECT_EQ(pid, self->loads->request.tgid);
}

TEST_F(request, that_nobody_makes_is_not_told)
{
	EXPECT_EQ(0, mount("none", "/tmp", "tmpfs", 0, NULL));
	EXPECT_EQ(0, umount("/tmp"));
	EXPECT_EQ(0, self->loads->requests);
}

TEST_HARNESS_MAIN
