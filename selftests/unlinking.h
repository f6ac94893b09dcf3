/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of removals: a watched directory with a program in it that removes
 * files (unlinker.c), and a check of one event after the other.
 *
 *	watch_start(&watch, "unlinks_both");
 *	RUN(&watch, PROGRAM, "self");
 *	EXPECT_ONLY(&watch, PROGRAM, .whose = KRSI_WHOSE_OWN, .name_now = KRSI_NAME_GONE);
 */
#ifndef UNLINKING_H
#define UNLINKING_H

#include <stdbool.h>

#include "common.h"
#include "observe.h"
#include "run.h"
#include "unlinks.h"

/* Two of the same (unlinker.c); the second removes other programs. */
#define PROGRAM DIR "/program"
#define TOOL ((char *)test_path("unlinker"))
#define RM "/usr/bin/rm"

struct watch {
	struct policy policy;
	struct unlinks *seen;
	unsigned long long since; /* CLOCK_BOOTTIME, in nanoseconds */
	bool both; /* both ops are attached */
};

/* As events tell times. */
unsigned long long boot_ns(void);
/* DIR with PROGRAM in it, and orphans' parent is this process; 0 or -errno. */
int unlinks_dir(void);
/* One of progs/unlinks.bpf.c's policies, watching DIR; with struct krsi_ops.flags. */
int watch_start_flags(struct watch *watch, const char *map, __u32 flags);
int watch_start(struct watch *watch, const char *map);
void watch_end(struct watch *watch);
/* Watches one more device, that of a path. */
void watch_device(struct watch *watch, const char *path);
/* Forgets what was seen. */
void watch_clear(struct watch *watch);
/* Lets these ops deny the removal of a file. */
void watch_deny(struct watch *watch, const char *path, __u32 ops);

/* What an event is to be; all else, as links_left, is to be 0. */
struct removal {
	const char *path;
	__u32 how; /* 0: KRSI_UNLINK_UNLINK */
	__u32 flags, links_left, whose, name_now;
};

/* How many events of an op there were, and the i-th of them (or an empty one). */
int seen(const struct watch *watch, __u32 op);
const struct unlinked *seen_nth(const struct watch *watch, __u32 op, int i);
/* Is the i-th event of this op as expected? Says what is not. */
bool is_removal(const struct watch *watch, __u32 op, int i, const struct removal *expected);
/* And the only one, of each attached op? */
bool is_only_removal(const struct watch *watch, const struct removal *expected);
/* Is there no event at all? */
bool is_quiet(const struct watch *watch);

/* The order of dpkg's calls for a file that it upgrades, as commands of unlinker.c. */
#define UPGRADE(path) \
	"link", path, path ".dpkg-tmp", "rename", path ".dpkg-new", path, \
	"unlink", path ".dpkg-tmp"

#define REMOVAL(...) (&(struct removal){ .path = __VA_ARGS__ })
/* (watch, path, .member = value, ...); EXPECT_REMOVAL: of executable_unlink. */
#define EXPECT_ONLY(watch, ...) EXPECT_TRUE(is_only_removal(watch, REMOVAL(__VA_ARGS__)))
#define EXPECT_REMOVAL(watch, i, ...) \
	EXPECT_TRUE(is_removal(watch, UNLINKS_EXECUTABLE, i, REMOVAL(__VA_ARGS__)))
#define EXPECT_FILE_REMOVAL(watch, i, ...) \
	EXPECT_TRUE(is_removal(watch, UNLINKS_FILE, i, REMOVAL(__VA_ARGS__)))
#define EXPECT_QUIET(watch) EXPECT_TRUE(is_quiet(watch))

/* Runs a program to its end, with these arguments; as run(). @watch may be NULL. */
int run_program(struct watch *watch, char *const *argv);
#define RUN(watch, ...) run_program(watch, (char *[]){ __VA_ARGS__, NULL })

/*
 * Starts a program that waits until @leash can be read: as posix_spawn() does,
 * which goes on when the child has its new memory, before the exec is committed.
 * 0 or an errno.
 */
int spawn_waiting(const char *path, int leash, pid_t *pid);

/* A program that is running: an unlinker, or what one made. */
struct running {
	pid_t pid;
	int news, leash;
};

int running_start(struct running *running, struct watch *watch, char *const *argv);
#define START(running, watch, ...) running_start(running, watch, (char *[]){ __VA_ARGS__, NULL })
/* Until the command "ready" is done; false if it ended before. */
bool running_ready(struct running *running);
/* Until none is left that "orphan" or "daemon" made. */
bool running_orphaned(struct running *running);
/* Lets it go on from the command "wait" and gives its status, as run_wait(). */
int running_end(struct running *running);

#endif /* UNLINKING_H */
