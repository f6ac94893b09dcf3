/* SPDX-License-Identifier: GPL-2.0 */
/* How hook-cost measures, and what is measured, a file for each kind. */
#ifndef _MEASURE_H
#define _MEASURE_H

#include <sys/types.h>

#include "cost.h"

#define TIMES 200

/* What is done, and which functions of the framework that leads to. */
struct workload {
	void (*run)(void);
	enum measured from, to;
	void (*prepare)(void); /* once, with the thing attached */
	int times;
	long long nothing;
};

/* A list of a policy, and what is in it: so many keys, by chance but for the first. */
struct list {
	const char *map;
	__u32 entries;
	const void *first; /* NULL: by chance, too */
};

/* Ends the program. */
void die(const char *what);
/* Measures this process, from now on; 0 for none. */
void set_tgid(enum measured measured, pid_t tgid);
/* Executes it with one argument, and measures that. */
void execute_file(const char *path);
/* Prints a row. What was measured first counts as the workload with nothing attached. */
void measure(struct workload *workload, const char *what);
/* The same with one program or map of measured.bpf.o attached. */
void measure_with(struct workload *workload, const char *name, const char *what);
/* The same with a shipped policy. */
void measure_shipped(struct workload *workload, const char *policy, const struct list *list,
		     const char *what);
/* Finds the functions that are measured. */
void measure_init(void);

/* What each kind of event costs; with `nothing`, only while nothing is attached. */
void exec_costs(int nothing);
void env_costs(int nothing);
void unlink_costs(int nothing);
void contents_costs(int nothing);
void mount_costs(int nothing);
void module_costs(int nothing);

#endif /* _MEASURE_H */
