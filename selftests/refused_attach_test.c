// SPDX-License-Identifier: GPL-2.0
/*
 * Proves who may not attach or update, and which policies can't be: each with
 * its errno and a line in the kernel log that says why.
 */

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/capability.h>

#include "kselftest_harness.h"
#include "common.h"
#include "run.h"
#include "verdict.h"

#define MOST_POLICIES 256

/* The log is rate limited: a line may be missing after some others. */
#define LOG_TRIES 4
#define LOG_PAUSE 5

FIXTURE(refused)
{
	struct policy policy;
};

FIXTURE_VARIANT(refused)
{
	void (*spoil)(struct policy *p);
	int error;
	const char *line; /* in the kernel log */
};

static void no_name(struct policy *p)
{
	memset(policy_ops(p)->name, 0, KRSI_NAME_SIZE);
}

static void unterminated_name(struct policy *p)
{
	memset(policy_ops(p)->name, 'n', KRSI_NAME_SIZE);
}

static void abi_of_none(struct policy *p)
{
	policy_ops(p)->abi = 0;
}

static void abi_of_the_future(struct policy *p)
{
	policy_ops(p)->abi = KRSI_ABI + 1;
}

static void greatest_abi(struct policy *p)
{
	policy_ops(p)->abi = ~0U;
}

static void unknown_flag(struct policy *p)
{
	policy_ops(p)->flags = KRSI_NO_RECORD << 1;
}

static void unknown_among_known_flags(struct policy *p)
{
	policy_ops(p)->flags = KRSI_AUDIT | KRSI_FAIL_CLOSED | 1U << 31;
}

static void first_reserved(struct policy *p)
{
	policy_ops(p)->reserved[0] = 1;
}

static void last_reserved(struct policy *p)
{
	policy_ops(p)->reserved[3] = 1ULL << 63;
}

static void no_link(struct policy *p)
{
	bpf_map__set_map_flags(p->map, bpf_map__map_flags(p->map) & ~BPF_F_LINK);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(refused, no_name) {
	no_name, -EINVAL, "policy refused: its name is empty or not terminated",
};
FIXTURE_VARIANT_ADD(refused, unterminated_name) {
	unterminated_name, -EINVAL, "policy refused: its name is empty or not terminated",
};
FIXTURE_VARIANT_ADD(refused, abi_of_none) {
	abi_of_none, -EOPNOTSUPP, "policy verdict refused: abi 0, this kernel has 1 to 3",
};
FIXTURE_VARIANT_ADD(refused, abi_of_the_future) {
	abi_of_the_future, -EOPNOTSUPP, "policy verdict refused: abi 4, this kernel has 1 to 3",
};
FIXTURE_VARIANT_ADD(refused, greatest_abi) {
	greatest_abi, -EOPNOTSUPP, "policy verdict refused: abi 4294967295, this kernel has 1 to 3",
};
FIXTURE_VARIANT_ADD(refused, unknown_flag) {
	unknown_flag, -EINVAL, "policy verdict refused: unknown flags 0x8",
};
FIXTURE_VARIANT_ADD(refused, unknown_among_known_flags) {
	unknown_among_known_flags, -EINVAL, "policy verdict refused: unknown flags 0x80000003",
};
FIXTURE_VARIANT_ADD(refused, first_reserved) {
	first_reserved, -EINVAL, "policy verdict refused: reserved bytes are not 0",
};
FIXTURE_VARIANT_ADD(refused, last_reserved) {
	last_reserved, -EINVAL, "policy verdict refused: reserved bytes are not 0",
};
FIXTURE_VARIANT_ADD(refused, no_link) {
	no_link, -EOPNOTSUPP, "attachment of policy verdict refused: it needs a BPF link",
};
/* clang-format on */

FIXTURE_SETUP(refused)
{
	libbpf_quiet = true;
	ASSERT_EQ(0, policy_open(&self->policy, "verdict.bpf.o", "verdict_full"));
}

FIXTURE_TEARDOWN(refused)
{
	policy_close(&self->policy);
}

TEST_F(refused, with_its_errno_and_a_log_line)
{
	int before = policy_count(NULL), tries;

	variant->spoil(&self->policy);
	ASSERT_EQ(0, policy_load(&self->policy));
	for (tries = 0; tries < LOG_TRIES; tries++) {
		log_mark();
		EXPECT_EQ(variant->error, policy_attach(&self->policy));
		EXPECT_EQ(before, policy_count(NULL));
		if (log_has(variant->line))
			break;
		sleep(LOG_PAUSE);
	}
	EXPECT_NE(LOG_TRIES, tries) {
		TH_LOG("no log line");
	}
}

/* Two good policies of the same name, one of them attached. */
FIXTURE(denied)
{
	struct policy policy, other;
	int sock[2];
};

FIXTURE_SETUP(denied)
{
	libbpf_quiet = true;
	ASSERT_EQ(0, policy_start(&self->policy, "verdict.bpf.o", "verdict_full"));
	ASSERT_EQ(0, policy_start(&self->other, "verdict.bpf.o", "verdict_sleep"));
	/* It was attached so that the map is ready for anybody who holds it. */
	policy_detach(&self->other);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, self->sock));
}

FIXTURE_TEARDOWN(denied)
{
	policy_close(&self->policy);
	policy_close(&self->other);
	close(self->sock[0]);
	close(self->sock[1]);
}

/* Expects -EPERM of both, for a process that has these descriptors. */
static int tries_with(int map_fd, int link_fd)
{
	int fd = bpf_link_create(map_fd, 0, BPF_STRUCT_OPS, NULL);

	if (fd >= 0 || errno != EPERM)
		return 1;
	if (!bpf_link_update(link_fd, map_fd, NULL) || errno != EPERM)
		return 2;
	return 0;
}

static void check_denied(struct __test_metadata *_metadata, struct policy *p, pid_t pid)
{
	struct policy_line line;

	EXPECT_EQ(0, run_wait(pid));
	EXPECT_EQ(1, policy_count("verdict"));
	ASSERT_EQ(0, policy_line("verdict", &line));
	/* Not updated: the other map has one op only. */
	EXPECT_NE(NULL, strstr(line.ops, "process_executed"));
}

TEST_F(denied, without_cap_mac_admin)
{
	pid_t pid = fork();

	if (!pid)
		_exit(drop_cap(CAP_MAC_ADMIN) ||
		      tries_with(policy_map_fd(&self->other), bpf_link__fd(self->policy.link)));
	check_denied(_metadata, &self->policy, pid);
}

TEST_F(denied, to_root_of_another_user_namespace)
{
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ||
		      tries_with(policy_map_fd(&self->other), bpf_link__fd(self->policy.link)));
	check_denied(_metadata, &self->policy, pid);
}

TEST_F(denied, to_an_ordinary_process_that_was_handed_the_map)
{
	pid_t pid = fork();

	if (!pid) {
		int map_fd, link_fd;

		/* It has no descriptor but those that it is handed. */
		policy_close(&self->policy);
		policy_close(&self->other);
		if (drop_all())
			_exit(10);
		map_fd = fd_take(self->sock[1]);
		link_fd = fd_take(self->sock[1]);
		_exit(map_fd < 0 || link_fd < 0 ? 11 : tries_with(map_fd, link_fd));
	}
	ASSERT_EQ(0, fd_send(self->sock[0], policy_map_fd(&self->other)));
	ASSERT_EQ(0, fd_send(self->sock[0], bpf_link__fd(self->policy.link)));
	check_denied(_metadata, &self->policy, pid);
}

TEST_F(denied, leaves_a_log_line)
{
	int tries;

	for (tries = 0; tries < LOG_TRIES; tries++) {
		pid_t pid;

		log_mark();
		pid = fork();
		if (!pid)
			_exit(drop_cap(CAP_MAC_ADMIN) ||
			      tries_with(policy_map_fd(&self->other),
					 bpf_link__fd(self->policy.link)));
		ASSERT_EQ(0, run_wait(pid));
		if (log_has("attachment of policy verdict refused: CAP_MAC_ADMIN is missing") &&
		    log_has("update to policy verdict refused: CAP_MAC_ADMIN is missing"))
			break;
		sleep(LOG_PAUSE);
	}
	EXPECT_NE(LOG_TRIES, tries);
}

TEST_F(denied, an_update_with_another_name)
{
	struct policy named;
	struct policy_line line;
	int tries;

	ASSERT_EQ(0, policy_open(&named, "verdict.bpf.o", "verdict_sleep"));
	policy_name(&named, "verdict2");
	ASSERT_EQ(0, policy_load(&named));
	for (tries = 0; tries < LOG_TRIES; tries++) {
		log_mark();
		EXPECT_EQ(-EINVAL, bpf_link__update_map(self->policy.link, named.map));
		if (log_has("update to policy verdict2 refused: an update must keep the name"))
			break;
		sleep(LOG_PAUSE);
	}
	EXPECT_NE(LOG_TRIES, tries);
	ASSERT_EQ(0, policy_line("verdict", &line));
	EXPECT_NE(NULL, strstr(line.ops, "process_executed"));
	EXPECT_EQ(0, policy_count("verdict2"));
	policy_close(&named);
}

TEST_F(denied, one_policy_too_many)
{
	struct bpf_link *links[MOST_POLICIES] = {};
	int n, already = policy_count(NULL), tries;

	for (n = 0; already + n < MOST_POLICIES; n++) {
		links[n] = bpf_map__attach_struct_ops(self->other.map);
		ASSERT_NE(NULL, links[n]);
	}
	for (tries = 0; tries < LOG_TRIES; tries++) {
		log_mark();
		EXPECT_EQ(NULL, bpf_map__attach_struct_ops(self->other.map));
		EXPECT_EQ(E2BIG, errno);
		if (log_has("attachment of policy verdict refused: there are too many policies"))
			break;
		sleep(LOG_PAUSE);
	}
	EXPECT_NE(LOG_TRIES, tries);
	EXPECT_EQ(MOST_POLICIES, policy_count(NULL));

	/* An update needs no room, and one that goes makes some. */
	EXPECT_EQ(0, bpf_link__update_map(links[0], self->policy.map));
	bpf_link__destroy(links[0]);
	links[0] = bpf_map__attach_struct_ops(self->other.map);
	EXPECT_NE(NULL, links[0]);
	while (n--)
		bpf_link__destroy(links[n]);
	EXPECT_EQ(1, policy_count("verdict"));
}

TEST_HARNESS_MAIN
