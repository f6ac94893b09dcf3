/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks the readers, through progs/probe.bpf.c, during the exec of a child.
 *
 *	probe_clear(probe);
 *	q = ask_env(probe, "HOME", 64);
 *	probe_run(probe, argv, envp);	then q->ret and q->buf
 */
#ifndef ASK_H
#define ASK_H

#include "probe.h"

/* A list as execve() takes it. */
#define STRINGS(...) ((char *[]){ NULL, ##__VA_ARGS__, NULL } + 1)

/* Forgets all questions; those after it are for round 0. */
void probe_clear(struct probe *probe);

struct probe_query *ask_env(struct probe *probe, const char *name, __u32 buf_size);
struct probe_query *ask_find(struct probe *probe, const char *name, __u32 n);
struct probe_query *ask_count(struct probe *probe, const char *name);
struct probe_query *ask_env_block(struct probe *probe, __u32 off, __u32 buf_size);
struct probe_query *ask_arg(struct probe *probe, __u32 n, __u32 buf_size);
struct probe_query *ask_arg_block(struct probe *probe, __u32 off, __u32 buf_size);

/*
 * Executes exit0 with these strings while the questions are put. 0, if it ran
 * and they were put once, and no answer went beyond its buffer.
 */
int probe_run(struct probe *probe, char *const *argv, char *const *envp);

#endif /* ASK_H */
