/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of the policies that are shipped: each is attached as `krsi run`
 * does, its exemptions are set as its options do, and its reports are read.
 *
 *	shipped_start(&shipped, "env_audit", "audit");
 *	...
 *	EXPECT_REPORT(&shipped, 0, "LD_PRELOAD", path, value);
 *	EXPECT_EQ(1, shipped_reports(&shipped));
 */
#ifndef SHIPPED_H
#define SHIPPED_H

#include <stdbool.h>

#include "common.h"
#include "preload.h"
#include "report.h"

#define SHIPPED_MAX 16

struct shipped {
	struct policy policy;
	struct ring_buffer *ring;
	struct krsi_variables variables; /* env_audit's own, which shipped_end() restores */
	int n;
	struct krsi_report report[SHIPPED_MAX];
};

/* The policy of that name, under that global mode; 0 or -errno, as for the next. */
int shipped_start(struct shipped *shipped, const char *name, const char *mode);
void shipped_end(struct shipped *shipped);
/* Exempts what this program does, for one user; what a child of it does; what is done below. */
int shipped_exempt_program(struct shipped *shipped, const char *program);
int shipped_exempt_program_of(struct shipped *shipped, const char *program, __u32 uid);
int shipped_exempt_parent(struct shipped *shipped, const char *program);
int shipped_exempt_dir(struct shipped *shipped, const char *dir);
/* What is done in this cgroup, or one below it; the directory of it. */
int shipped_exempt_cgroup(struct shipped *shipped, const char *dir);
/* Has env_audit look for these alone, and tell of their values what they say. */
int shipped_look_for(struct shipped *shipped, const struct krsi_variables *variables);
/* Allows a library to be preloaded, as -L does. */
int shipped_allow_preload(struct shipped *shipped, const char *library);
/* Allows a sealed memfd with the contents of this program. */
int shipped_allow_memfd(struct shipped *shipped, const char *program);

/* How many reports there were so far; the first of them are in @report. */
int shipped_reports(struct shipped *shipped);
/* Is the i-th one so, and none lost since the first? Says what it is if not. */
bool is_report(struct shipped *shipped, int i, const char *signal, const char *path,
	       const char *value);

#define EXPECT_REPORT(shipped, i, signal, path, value) \
	EXPECT_TRUE(is_report(shipped, i, signal, path, value))
#define EXPECT_NO_REPORT(shipped) \
	EXPECT_TRUE(!shipped_reports(shipped) || is_report(shipped, 0, "none", "none", "none"))

#endif /* SHIPPED_H */
