// SPDX-License-Identifier: GPL-2.0
/* Watches removals, and runs programs that remove: see unlinking.h. */

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "unlinker.h"
#include "unlinking.h"

unsigned long long boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

int unlinks_dir(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return -errno;
	return observe_dir() ?: file_copy(test_path("unlinker"), PROGRAM, 0755);
}

static int begin(struct watch *watch, const char *map)
{
	watch->seen = watch->policy.data;
	watch_device(watch, DIR);
	watch->both = !strcmp(map, "unlinks_both");
	watch->since = boot_ns();
	return policy_attach(&watch->policy);
}

int watch_start_flags(struct watch *watch, const char *map, __u32 flags)
{
	int ret = policy_open(&watch->policy, "unlinks.bpf.o", map);

	if (ret)
		return ret;
	policy_ops(&watch->policy)->flags = flags;
	return policy_load(&watch->policy) ?: begin(watch, map);
}

int watch_start(struct watch *watch, const char *map)
{
	return policy_take(&watch->policy, "unlinks.bpf.o", map) ?: begin(watch, map);
}

void watch_end(struct watch *watch)
{
	policy_close(&watch->policy);
	watch->seen = NULL;
}

void watch_device(struct watch *watch, const char *path)
{
	struct stat st;
	int i = 0;

	while (i < UNLINKS_DEVICES - 1 && watch->seen->dev[i])
		i++;
	if (!stat(path, &st))
		watch->seen->dev[i] = st.st_dev;
}

void watch_clear(struct watch *watch)
{
	watch->seen->n = 0;
	memset(watch->seen->event, 0, sizeof(watch->seen->event));
}

void watch_deny(struct watch *watch, const char *path, __u32 ops)
{
	struct stat st = {};

	stat(path, &st);
	watch->seen->deny_ino = st.st_ino;
	watch->seen->deny = ops;
}

int seen(const struct watch *watch, __u32 op)
{
	int i, n = 0;

	for (i = 0; i < watch->seen->n && i < UNLINKS_MAX; i++)
		n += watch->seen->event[i].op == op;
	return n;
}

const struct unlinked *seen_nth(const struct watch *watch, __u32 op, int n)
{
	static const struct unlinked none;
	int i;

	for (i = 0; i < watch->seen->n && i < UNLINKS_MAX; i++) {
		if (watch->seen->event[i].op == op && !n--)
			return &watch->seen->event[i];
	}
	return &none;
}

static void print(const char *what, const struct unlinked *u)
{
	fprintf(stderr, "# %s: op %u how %u flags %x links left %u whose %x name now %u age %llu ",
		what, u->op, u->how, u->flags, u->links_left, u->whose, u->name_now, u->exec_age);
	fprintf(stderr, "path %s (%d) ids %d %d header %llx reserved %x by %u %.16s\n", u->path,
		u->path_len, u->file_ret, u->task_ret, u->header, u->reserved, u->task.tgid,
		u->task.comm);
}

static void print_all(const struct watch *watch)
{
	int i;

	for (i = 0; i < watch->seen->n && i < UNLINKS_MAX; i++)
		print("seen", &watch->seen->event[i]);
	fprintf(stderr, "# %u in all\n", watch->seen->n);
}

static bool is_path(const struct unlinked *u, const char *path)
{
	/* Without a path: a removal that knows no mount. */
	if (!path)
		return u->path_len == -ENODATA && !u->path[0];
	return !strcmp(u->path, path) && u->path_len == (int)strlen(path);
}

static bool is_whole(const struct watch *watch, const struct unlinked *u)
{
	bool aged = u->exec_age && u->exec_age <= boot_ns() - watch->since;

	return !u->file_ret && !u->task_ret && !u->header && !u->reserved && u->task.tgid &&
	       u->file.ino && aged == (u->op == UNLINKS_EXECUTABLE);
}

bool is_removal(const struct watch *watch, __u32 op, int i, const struct removal *expected)
{
	const struct unlinked *u = seen_nth(watch, op, i);
	struct unlinked as = {
		.op = op,
		.how = expected->how ?: KRSI_UNLINK_UNLINK,
		.flags = expected->flags,
		.links_left = expected->links_left,
	};

	if (op == UNLINKS_EXECUTABLE) {
		as.whose = expected->whose;
		as.name_now = expected->name_now;
	} else {
		as.flags &= KRSI_UNLINK_RETRY;
	}
	if (u->op == as.op && u->how == as.how && u->flags == as.flags &&
	    u->links_left == as.links_left && u->whose == as.whose && u->name_now == as.name_now &&
	    is_path(u, expected->path) && is_whole(watch, u))
		return true;
	snprintf(as.path, sizeof(as.path), "%s", expected->path ?: "none");
	print("expected", &as);
	print_all(watch);
	return false;
}

bool is_only_removal(const struct watch *watch, const struct removal *expected)
{
	if (watch->seen->n != 1 + watch->both) {
		fprintf(stderr, "# not one removal\n");
		print_all(watch);
		return false;
	}
	return is_removal(watch, UNLINKS_EXECUTABLE, 0, expected) &&
	       (!watch->both || is_removal(watch, UNLINKS_FILE, 0, expected));
}

bool is_quiet(const struct watch *watch)
{
	if (!watch->seen->n)
		return true;
	print_all(watch);
	return false;
}

/* Where a child tells its process id, if somebody watches. */
static __u32 *tgid_of(struct watch *watch)
{
	return watch && watch->seen ? &watch->seen->tgid : NULL;
}

int run_program(struct watch *watch, char *const *argv)
{
	struct run how = { .path = argv[0], .argv = argv, .tgid = { tgid_of(watch) } };

	return run(&how);
}

int spawn_waiting(const char *path, int leash, pid_t *pid)
{
	char *argv[] = { (char *)path, "wait", NULL };
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return ret;
	ret = posix_spawn_file_actions_adddup2(&actions, leash, UNLINKER_LEASH) ?:
	      posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

struct pipes {
	int news[2], leash[2];
};

static int take_pipes(void *arg)
{
	struct pipes *pipes = arg;

	return dup2(pipes->news[1], UNLINKER_NEWS) < 0 ||
	       dup2(pipes->leash[0], UNLINKER_LEASH) < 0;
}

int running_start(struct running *running, struct watch *watch, char *const *argv)
{
	struct pipes pipes;
	struct run how = {
		.path = argv[0],
		.argv = argv,
		.tgid = { tgid_of(watch) },
		.before = take_pipes,
		.arg = &pipes,
	};

	if (pipe2(pipes.news, O_CLOEXEC) || pipe2(pipes.leash, O_CLOEXEC))
		return -errno;
	running->pid = run_start(&how);
	close(pipes.news[1]);
	close(pipes.leash[0]);
	running->news = pipes.news[0];
	running->leash = pipes.leash[1];
	return running->pid < 0 ? running->pid : 0;
}

bool running_ready(struct running *running)
{
	char byte;

	return read(running->news, &byte, 1) == 1;
}

bool running_orphaned(struct running *running)
{
	char byte;

	return !read(running->news, &byte, 1);
}

int running_end(struct running *running)
{
	close(running->leash);
	close(running->news);
	return run_wait(running->pid);
}
