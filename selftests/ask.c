// SPDX-License-Identifier: GPL-2.0
/* Questions to the readers: see ask.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "run.h"

#define CANARY 0xaa

void probe_clear(struct probe *probe)
{
	memset(probe, 0, sizeof(*probe));
}

static struct probe_query *ask(struct probe *probe, __u32 op, const char *name, __u32 n,
			       __u32 buf_size)
{
	static struct probe_query nowhere;
	struct probe_query *q = &nowhere;
	int i;

	for (i = 0; i < PROBE_QUERIES; i++) {
		if (probe->query[i].op == PROBE_NONE) {
			q = &probe->query[i];
			break;
		}
	}
	memset(q, 0, sizeof(*q));
	q->op = op;
	q->n = n;
	q->buf_size = buf_size;
	/* An answer that nobody can mistake for one. */
	q->ret = -EXFULL;
	memset(q->buf, CANARY, sizeof(q->buf));
	if (name) {
		q->name_size = strlen(name) + 1;
		if (q->name_size <= sizeof(q->name))
			memcpy(q->name, name, q->name_size);
	}
	return q;
}

struct probe_query *ask_env(struct probe *probe, const char *name, __u32 buf_size)
{
	return ask(probe, PROBE_GET_ENV_VAR, name, 0, buf_size);
}

struct probe_query *ask_find(struct probe *probe, const char *name, __u32 n)
{
	return ask(probe, PROBE_FIND_ENV_VAR, name, n, 0);
}

struct probe_query *ask_count(struct probe *probe, const char *name)
{
	return ask(probe, PROBE_COUNT_ENV_VAR, name, 0, 0);
}

struct probe_query *ask_env_block(struct probe *probe, __u32 off, __u32 buf_size)
{
	return ask(probe, PROBE_GET_ENV_VARS, NULL, off, buf_size);
}

struct probe_query *ask_arg(struct probe *probe, __u32 n, __u32 buf_size)
{
	return ask(probe, PROBE_GET_ARG, NULL, n, buf_size);
}

struct probe_query *ask_arg_block(struct probe *probe, __u32 off, __u32 buf_size)
{
	return ask(probe, PROBE_GET_ARGS, NULL, off, buf_size);
}

static bool buffers_kept(const struct probe *probe)
{
	int i, at;

	for (i = 0; i < PROBE_QUERIES; i++) {
		const struct probe_query *q = &probe->query[i];

		for (at = q->buf_size; q->op != PROBE_NONE && at < sizeof(q->buf); at++) {
			if ((unsigned char)q->buf[at] != CANARY)
				return false;
		}
	}
	return true;
}

int probe_run(struct probe *probe, char *const *argv, char *const *envp)
{
	int ret;

	probe->ran = 0;
	ret = run_exit0(&probe->tgid, argv, envp);
	probe->tgid = 0;
	if (ret)
		return ret;
	if (probe->ran != 1)
		return -ENODATA;
	return buffers_kept(probe) ? 0 : -EOVERFLOW;
}
