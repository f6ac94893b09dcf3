/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what is seen of an exec: a directory of their own, and a check
 * of one event after the other.
 *
 *	struct run how = observed(observer, DIR "/exit0");
 *	run(&how);
 *	EXPECT_ROUND(observer, 0, DIR "/exit0", flags);
 *	EXPECT_EXECUTED(observer, 1, DIR "/exit0");
 *	EXPECT_EQ(2, observer->n);
 */
#ifndef OBSERVE_H
#define OBSERVE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common.h"
#include "observer.h"
#include "run.h"

/* A tmpfs that only this test sees. */
#define DIR "/tmp/krsi_observe"

/* With exit0 in it, of a mode that nobody could write to it by. */
static inline int observe_dir(void)
{
	return private_tmpfs(DIR) ?: file_copy(test_path("exit0"), DIR "/exit0", 0555);
}

static inline struct run observed(struct observer *observer, const char *path)
{
	struct run how = { .path = path, .tgid = { &observer->tgid } };

	memset(observer, 0, sizeof(*observer));
	return how;
}

/* Is the i-th event the n-th round of process_exec, for a file with these? */
static inline bool is_round(const struct observer *observer, int i, int depth, const char *path,
			    __u32 flags)
{
	const struct observed *o = &observer->event[i];

	if (!o->executed && o->depth == depth && o->flags == flags && !strcmp(o->path, path) &&
	    o->path_len == (int)strlen(path) && !o->file_ret && !o->task_ret && !o->header)
		return true;
	fprintf(stderr, "# event %d of %u: executed %u depth %u flags %x path %s (%d) ids %d %d\n",
		i, observer->n, o->executed, o->depth, o->flags, o->path, o->path_len, o->file_ret,
		o->task_ret);
	return false;
}

static inline bool is_executed(const struct observer *observer, int i, const char *path)
{
	const struct observed *o = &observer->event[i];

	if (o->executed && !strcmp(o->path, path) && !o->header && !o->file_ret && !o->task_ret)
		return true;
	fprintf(stderr, "# event %d of %u: executed %u depth %u path %s\n", i, observer->n,
		o->executed, o->depth, o->path);
	return false;
}

/* Events are numbered in their order, so a round's number is its event's. */
#define EXPECT_ROUND(observer, depth, path, flags) \
	EXPECT_TRUE(is_round(observer, depth, depth, path, flags))
#define EXPECT_EXECUTED(observer, i, path) EXPECT_TRUE(is_executed(observer, i, path))

static inline bool same_file(const struct krsi_file_id *id, const struct stat *st)
{
	return id->dev == st->st_dev && id->ino == st->st_ino;
}

#endif /* OBSERVE_H */
