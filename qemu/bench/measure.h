/* SPDX-License-Identifier: GPL-2.0 */
/* How hook-cost measures, and what is measured, a file for each kind. */
#ifndef _MEASURE_H
#define _MEASURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cost.h"

struct bpf_object;

/* How often a workload is run, at most; the middle one counts, for an interrupt may come between. */
#define TIMES 20
#define FEW 5

/* No number. */
#define NONE ((long long)(-1ULL >> 1))

#define BIT(measured) (1U << (measured))

/* What is done, and which functions of the framework are measured in it. */
struct workload {
	void (*run)(void);
	__u32 functions; /* none: the whole of run() is measured, with a clock */
	int times;
	void (*prepare)(void); /* once, before it is run */
	void (*begin)(struct bpf_object *object); /* with what was attached */
	void (*end)(void);
	int events; /* what is told is for one of so many; 0: for all of run() */
	bool interrupted; /* often, so that the least is told and not the middle one */
	bool ready;
	long long nothing; /* what it takes with nothing attached */
};

/* A list of a policy, and what is in it: so many keys, by chance but for the first. */
struct list {
	const char *map;
	__u32 entries;
	const void *first; /* NULL: by chance, too */
};

/* A row: its identifier, which stays the same for ever, and its words for people. */
struct row {
	const char *id, *title;
};

#define ROW(id, title) (&(struct row){ id, title })

/* Ends the program. */
void die(const char *what);
/* Measures this process, from now on; 0 for none. */
void measure_tgid(pid_t tgid);

/*
 * Each prints a row, if it was asked for: what the workload takes above nothing attached,
 * with a policy of measured.bpf.o attached, and with its twin of twins.bpf.o (NULL for none).
 */
void compare(struct workload *workload, const struct row *row, const char *krsi, const char *twin);
/* The same with so many of each. "-" stands for what can't be attached as often. */
void compare_many(struct workload *workload, const struct row *row, const char *krsi,
		  const char *twin, int copies);
/* The same with a shipped policy, which has no twin. */
void compare_shipped(struct workload *workload, const struct row *row, const char *policy,
		     const struct list *list);
/* What it takes with nothing attached any more. */
void compare_nothing(struct workload *workload, const struct row *row);
/* What it takes in whole with nothing attached: to be compared with a kernel without KRSI. */
void measure_whole(struct workload *workload, const struct row *row);
/* Whether a row is asked for, and how it is printed: NONE for what it has not. */
bool is_wanted(const char *id);
void print_row(const struct row *row, long long krsi, long long twin);

/* Finds the functions that are measured, and notes which rows are asked for. */
void measure_init(char **wanted);

/* Executes it with one argument, and measures that. */
void execute_file(const char *path);
/* The same with these arguments and this environment. */
void execute_with(const char *path, char *const argv[], char *const envp[]);
/* Makes this file a copy of `true`. */
void copy_true(const char *path);

/* What security_bprm_*() are in an exec. */
#define EXEC_FUNCTIONS (BIT(CREDS_FOR_EXEC) | BIT(CREDS_FROM_FILE) | BIT(BPRM_CHECK) | \
			BIT(COMMITTING_CREDS) | BIT(COMMITTED_CREDS))

/* So many processes more than there are, up to this number; 0 ends them. */
void crowd(int processes);

/* What each kind of event costs; with `nothing`, only what is measured in whole. */
void exec_costs(bool nothing);
void environment_costs(void);
void unlink_costs(bool nothing);
void contents_costs(bool nothing);
void event_costs(void);
void mount_costs(bool nothing);
void module_costs(void);

#endif /* _MEASURE_H */
