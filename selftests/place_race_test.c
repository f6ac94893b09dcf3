// SPDX-License-Identifier: GPL-2.0
/*
 * Proves that what is said of where a file lies was true at one moment, whoever mounts,
 * unmounts and renames what leads to it meanwhile: the path of an ordinary user's exec,
 * with whether his root leads there, and krsi_is_below() of execs and removals. Once with
 * the kernel held in the midst of the answer until the move is made (progs/places.bpf.c),
 * and once as fast as two processors can.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "common.h"
#include "places.h"
#include "run.h"

KEEP_POLICIES("places.bpf.o", "places_all")

#define DIR "/tmp/krsi_places"

/* Shared with the children. */
static struct places *places;
static volatile struct shared {
	/* How often a path was as before and as after the move, and one that was neither. */
	int before, after;
	char wrong[PLACES_PATH];
	/* Of a storm: odd while names change, and two more for each change. */
	unsigned int seq;
	/* Somebody is to unmount. */
	bool mounted;
	/* Who moves is there. */
	bool ready;
} *shared;

/* Who is asked and who moves must not wait for each other's processor. */
static int on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

/* Moves, in a child process, as soon as somebody is held. */
static pid_t start_mover(void (*move)(void))
{
	pid_t pid;

	shared->ready = false;
	pid = fork_bound();
	if (pid) {
		while (!shared->ready)
			;
		return pid;
	}
	on_cpu(1);
	shared->ready = true;
	for (;;) {
		while (*(volatile __u32 *)&places->held == places->moved)
			;
		move();
		places->moved++;
	}
}

/* Of one that moves once. */
static bool wait_moved(void)
{
	if (!places->held)
		return false;
	while (!*(volatile __u32 *)&places->moved)
		;
	return true;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* From now on he is held there, for no longer than that. */
static void hold(__u32 where, __u32 pass, __u32 times, int ms)
{
	places->asked = 0;
	places->held = 0;
	places->moved = 0;
	places->passed = 0;
	places->pass = pass;
	places->times = times;
	places->hold_ns = ms * 1000000ULL;
	places->hold = where;
}

static struct bpf_link *hold_on(struct policy *policy, const char *symbol, __u32 where)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .bpf_cookie = where);
	struct bpf_program *prog = bpf_object__find_program_by_name(policy->obj, "hold");

	return prog ? bpf_program__attach_kprobe_opts(prog, symbol, &opts) : NULL;
}

#define FILE_NAME "sshd"

static int set_up(struct policy *policy, struct bpf_link **holds)
{
	int ret = private_tmpfs(DIR) ?: policy_start(policy, "places.bpf.o", "places_all");

	if (ret)
		return ret;
	places = policy->data;
	holds[0] = hold_on(policy, "d_path", PLACES_PATH_HALF);
	holds[1] = hold_on(policy, "krsi_user_dev", PLACES_BELOW_HALF);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED || !holds[0] || !holds[1])
		return -errno;
	return chmod(DIR, 0777) || on_cpu(0) ? -errno : 0;
}

static void tear_down(struct policy *policy, struct bpf_link **holds)
{
	bpf_link__destroy(holds[0]);
	bpf_link__destroy(holds[1]);
	policy_close(policy);
}

/*
 * What is mounted on MOUNT is FROM, where the file lies in a directory. It is executed by
 * a descriptor of that directory, while it comes to be below the root or ceases to.
 */
#define FROM DIR "/from"
#define ROOT DIR "/root"
#define MOUNT ROOT "/mount"
#define ELSEWHERE DIR "/elsewhere"

struct way {
	/* A descriptor of the directory; once the file was moved; and undone. */
	int (*begin)(void);
	void (*move)(void);
	void (*undo)(void);
	const char *root;
	/* The file's path. */
	const char *before, *after;
};

FIXTURE(path)
{
	struct policy policy;
	struct bpf_link *holds[2];
};

FIXTURE_VARIANT(path)
{
	struct way way;
};

static int mounted(void)
{
	return mount(FROM, MOUNT, NULL, MS_BIND, NULL) ? -errno : open(MOUNT "/d", O_PATH);
}

static void unmount(void)
{
	umount2(MOUNT, MNT_DETACH);
}

static void nothing(void)
{
}

static int tree = -1;

static int cloned(void)
{
	tree = syscall(SYS_open_tree, AT_FDCWD, FROM, OPEN_TREE_CLONE);
	return openat(tree, "d", O_PATH);
}

static void attach(void)
{
	syscall(SYS_move_mount, tree, "", AT_FDCWD, MOUNT, MOVE_MOUNT_F_EMPTY_PATH);
}

static void unmount_clone(void)
{
	unmount();
	close(tree);
}

static void move_out(void)
{
	mount(MOUNT, ELSEWHERE, NULL, MS_MOVE, NULL);
}

static void move_in(void)
{
	mount(ELSEWHERE, MOUNT, NULL, MS_MOVE, NULL);
}

static void unmount_elsewhere(void)
{
	umount2(ELSEWHERE, MNT_DETACH);
}

static int opened(void)
{
	return open(ROOT "/d", O_PATH);
}

static void rename_out_of_root(void)
{
	rename(ROOT "/d", DIR "/d");
}

static void rename_back(void)
{
	rename(DIR "/d", ROOT "/d");
}

static void rename_out(void)
{
	rename(FROM "/d", DIR "/d");
}

static void unmount_and_rename_back(void)
{
	rename(DIR "/d", FROM "/d");
	unmount();
}

/* clang-format off */
FIXTURE_VARIANT_ADD(path, of_a_mount_that_is_unmounted) { {
	mounted, unmount, nothing, "/", MOUNT "/d/" FILE_NAME, "(unreachable)/d/" FILE_NAME,
} };
FIXTURE_VARIANT_ADD(path, of_a_tree_that_is_mounted) { {
	cloned, attach, unmount_clone, "/", "(unreachable)/d/" FILE_NAME, MOUNT "/d/" FILE_NAME,
} };
FIXTURE_VARIANT_ADD(path, of_a_mount_that_leaves_the_root) { {
	mounted, move_out, unmount_elsewhere, ROOT, "/mount/d/" FILE_NAME,
	"(unreachable)" ELSEWHERE "/d/" FILE_NAME,
} };
FIXTURE_VARIANT_ADD(path, of_a_directory_that_leaves_the_mount) { {
	mounted, rename_out, unmount_and_rename_back, "/", MOUNT "/d/" FILE_NAME,
	"(unreachable)/",
} };
FIXTURE_VARIANT_ADD(path, of_a_directory_that_leaves_the_root) { {
	opened, rename_out_of_root, rename_back, ROOT, "/d/" FILE_NAME,
	"(unreachable)" DIR "/d/" FILE_NAME,
} };
/* clang-format on */

/* The act of a user is a function without arguments. */
static const struct way *way;

/* In the user's directory d there. */
static int make_file_in(const char *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/d", dir);
	if (chmod(dir, 0777) || mkdir(path, 0755) || chown(path, UNPRIVILEGED, UNPRIVILEGED))
		return -errno;
	strcat(path, "/" FILE_NAME);
	return file_copy(test_path("exit0"), path, 0755);
}

FIXTURE_SETUP(path)
{
	ASSERT_EQ(0, set_up(&self->policy, self->holds));
	ASSERT_EQ(0, mkdir(ROOT, 0755));
	ASSERT_EQ(0, mkdir(MOUNT, 0755));
	ASSERT_EQ(0, mkdir(ELSEWHERE, 0755));
	ASSERT_EQ(0, mkdir(FROM, 0755));
	ASSERT_EQ(0, make_file_in(FROM));
	ASSERT_EQ(0, make_file_in(ROOT));
	way = &variant->way;
}

FIXTURE_TEARDOWN(path)
{
	tear_down(&self->policy, self->holds);
}

static int into_root(void *root)
{
	return chroot(root) ? EPERM : 0;
}

static void note_path(void)
{
	if (!strcmp(places->path, way->before))
		shared->before++;
	else if (!strcmp(places->path, way->after))
		shared->after++;
	else
		strcpy((char *)shared->wrong, places->path);
	memset(places->path, 0, sizeof(places->path));
}

/* Executes the file of a directory. */
static int execute_in(int dir)
{
	struct run how = {
		.path = FILE_NAME, .at = true, .dirfd = dir, .tgid = { &places->tgid },
		.before = into_root, .arg = (void *)way->root,
	};

	if (run(&how))
		return ECHILD;
	note_path();
	return 0;
}

static int execute_while_it_moves(void)
{
	int n = rounds(20, 5), i, ret = 0;

	for (i = 0; i < n && !ret; i++) {
		int dir = way->begin();
		pid_t pid;

		/* To unmount takes until nobody is held. */
		hold(PLACES_PATH_HALF, 0, 1, 100);
		pid = start_mover(way->move);
		ret = dir < 0 ? ECHILD : execute_in(dir);
		if (!ret && !wait_moved())
			ret = ETIME;
		end(pid);
		close(dir);
		way->undo();
	}
	return ret;
}

TEST_F(path, is_of_one_moment)
{
	EXPECT_EQ(0, as_user(execute_while_it_moves));
	EXPECT_STREQ("", (char *)shared->wrong);
	/* It was held, and moved, before its path was read. */
	EXPECT_LT(0, shared->after);
}

static int ask_while_it_is_unmounted(void)
{
	char *argv[] = { FILE_NAME, NULL }, *envp[] = { NULL };
	int n = rounds(300, 20), i;
	pid_t pid = fork_bound();

	while (!pid) {
		volatile unsigned int rest = rand() % 20000;

		on_cpu(1);
		while (!shared->mounted)
			;
		while (rest--)
			;
		unmount();
		shared->mounted = false;
	}
	places->tgid = getpid();
	for (i = 0; i < n; i++) {
		int dir = mounted();

		shared->mounted = true;
		do {
			syscall(SYS_execveat, dir, FILE_NAME, argv, envp, AT_EXECVE_CHECK);
			note_path();
		} while (shared->mounted);
		close(dir);
	}
	end(pid);
	return 0;
}

/* The first way alone. */
TEST_F(path, is_of_one_moment_in_a_storm)
{
	if (way->move != unmount)
		return;
	EXPECT_EQ(0, as_user(ask_while_it_is_unmounted));
	EXPECT_STREQ("", (char *)shared->wrong);
	EXPECT_LT(0, shared->before);
	EXPECT_LT(0, shared->after);
}

/*
 * HOME/a/m/x/y has the file and HOME/b lies beside. x moves to b, then a to AWAY: so the
 * file remains below HOME, though the directory does not in which somebody on the way up
 * from the file stands meanwhile. In a storm m is many directories, to make the way long.
 */
#define ABOVE DIR "/above"
#define OTHER DIR "/other"
#define DEEP 200
/* y and x are looked at before. */
#define PAST_X 2

FIXTURE(below)
{
	struct policy policy;
	struct bpf_link *holds[2];
	int y;
};

FIXTURE_VARIANT(below)
{
	bool removal; /* or an exec that is only asked about */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(below, exec) { false };
FIXTURE_VARIANT_ADD(below, removal) { true };
/* clang-format on */

static int home, away, deep, b;

static int make_dir(int in, const char *name)
{
	return mkdirat(in, name, 0755) ? -1 : openat(in, name, O_PATH | O_DIRECTORY);
}

/* The descriptor of y, or less than 0. */
static int make_tree(int depth, const char *at_home, const char *elsewhere)
{
	int i;

	home = open(at_home, O_PATH | O_DIRECTORY);
	away = open(elsewhere, O_PATH | O_DIRECTORY);
	b = make_dir(home, "b");
	deep = make_dir(home, "a");
	for (i = 0; i < depth; i++) {
		int next = make_dir(deep, "m");

		close(deep);
		deep = next;
	}
	return make_dir(make_dir(deep, "x"), "y");
}

static void move(void)
{
	renameat(deep, "x", b, "x");
	renameat(home, "a", away, "a");
}

static void move_back(void)
{
	renameat(away, "a", home, "a");
	renameat(b, "x", deep, "x");
}

static void move_and_back(void)
{
	move();
	move_back();
}

FIXTURE_SETUP(below)
{
	ASSERT_EQ(0, set_up(&self->policy, self->holds));
	ASSERT_EQ(0, mkdir(ABOVE, 0755));
	ASSERT_EQ(0, mkdir(OTHER, 0755));
	ASSERT_EQ(0, file_id(ABOVE, &places->dir));
	places->deny = 1;
	places->tgid = getpid();
}

FIXTURE_TEARDOWN(below)
{
	tear_down(&self->policy, self->holds);
}

static int make_file(FIXTURE_DATA(below) *self, int depth, const char *at_home,
		     const char *elsewhere)
{
	char path[64];

	self->y = make_tree(depth, at_home, elsewhere);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" FILE_NAME, self->y);
	return self->y < 0 ? -errno : file_copy(test_path("exit0"), path, 0755);
}

/* What is said of the file; the event is denied. */
static int ask(FIXTURE_DATA(below) *self, bool removal)
{
	char *argv[] = { FILE_NAME, NULL }, *envp[] = { NULL };
	__u32 n = places->n;

	if (removal)
		unlinkat(self->y, FILE_NAME, 0);
	else
		syscall(SYS_execveat, self->y, FILE_NAME, argv, envp, AT_EXECVE_CHECK);
	return errno == EPERM && places->n == n + 1 ? places->below : -ENOMSG;
}

/* What is said of a file at that home while it is moved there. */
static void expect_below(struct __test_metadata *_metadata, FIXTURE_DATA(below) *self,
			 bool removal, const char *at_home, const char *elsewhere, int expected)
{
	int n = rounds(20, 5), i;
	pid_t pid;

	ASSERT_EQ(0, make_file(self, 1, at_home, elsewhere));
	EXPECT_EQ(expected, ask(self, removal));
	for (i = 0; i < n; i++) {
		hold(PLACES_BELOW_HALF, PAST_X, 1, 1000);
		pid = start_mover(move);
		EXPECT_EQ(expected, ask(self, removal));
		EXPECT_TRUE(wait_moved());
		end(pid);
		move_back();
	}
}

TEST_F(below, that_always_was_is_never_denied)
{
	expect_below(_metadata, self, variant->removal, ABOVE, OTHER, 1);
}

TEST_F(below, that_never_was_is_never_said)
{
	expect_below(_metadata, self, variant->removal, OTHER, ABOVE, 0);
}

TEST_F(below, is_not_known_while_names_change_all_the_time)
{
	pid_t pid;

	ASSERT_EQ(0, make_file(self, 1, ABOVE, OTHER));
	hold(PLACES_BELOW_HALF, 0, 1 << 20, 1000);
	pid = start_mover(move_and_back);
	EXPECT_EQ(-E2BIG, ask(self, variant->removal));
	end(pid);
	places->hold = 0;
	EXPECT_EQ(1, ask(self, variant->removal));
}

/*
 * Moves all the time, with moments of rest of different lengths. Some are so long that who asks
 * can be done meanwhile, also where that takes a tenth of a second.
 */
static pid_t start_storm(void (*to)(void), void (*fro)(void))
{
	unsigned int longest = rounds(1000000, 50000000), i;
	pid_t pid = fork_bound();

	if (pid)
		return pid;
	on_cpu(1);
	for (i = 0;; i++) {
		volatile unsigned int rest = rand() % (i % 17 ? 2000 : longest);

		shared->seq++;
		(i % 2 ? fro : to)();
		shared->seq++;
		while (rest--)
			;
	}
}

static void storm(struct __test_metadata *_metadata, FIXTURE_DATA(below) *self, bool removal,
		  const char *at_home, const char *elsewhere, int expected)
{
	int n = rounds(3000, 200), right = 0, unknown = 0, i;
	pid_t pid;

	ASSERT_EQ(0, make_file(self, DEEP, at_home, elsewhere));
	pid = start_storm(move, move_back);
	for (i = 0; i < n; i++) {
		int below = ask(self, removal);

		right += below == expected;
		unknown += below == -E2BIG;
	}
	end(pid);
	EXPECT_EQ(n, right + unknown);
	EXPECT_LT(0, right);
}

TEST_F(below, that_always_was_is_never_denied_in_a_storm)
{
	storm(_metadata, self, variant->removal, ABOVE, OTHER, 1);
}

TEST_F(below, that_never_was_is_never_said_in_a_storm)
{
	storm(_metadata, self, variant->removal, OTHER, ABOVE, 0);
}

static void move_out_of_above(void)
{
	renameat(home, "a", away, "a");
}

static void move_into_above(void)
{
	renameat(away, "a", home, "a");
}

/* In and out: where nothing moved meanwhile, it is known what is right. */
TEST_F(below, is_as_it_stood_in_a_storm)
{
	int n = rounds(3000, 200), still = 0, i;
	pid_t pid;

	ASSERT_EQ(0, make_file(self, DEEP, ABOVE, OTHER));
	pid = start_storm(move_out_of_above, move_into_above);
	for (i = 0; i < n; i++) {
		unsigned int before = shared->seq;
		int below = ask(self, variant->removal);

		ASSERT_TRUE(below == 0 || below == 1 || below == -E2BIG);
		if (before % 2 || before != shared->seq)
			continue;
		still++;
		ASSERT_EQ(before / 2 % 2 == 0, below);
	}
	end(pid);
	EXPECT_LT(0, still);
}

TEST_HARNESS_MAIN
