// SPDX-License-Identifier: GPL-2.0
/*
 * Puts the questions of probe.h to the readers: as a policy that may not
 * sleep, as one that may, and as one that may but asks inside an RCU section.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "probe.h"

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

struct probe probe;

static __always_inline void put(struct krsi_exec *exec, struct probe_query *q)
{
	__u32 name_size = q->name_size, buf_size = q->buf_size;

	/* Or the compiler checks one register and uses another. */
	barrier_var(name_size);
	barrier_var(buf_size);
	if (name_size > PROBE_NAME || buf_size > PROBE_BUF)
		return;

	switch (q->op) {
	case PROBE_GET_ENV_VAR:
		q->ret = krsi_get_env_var(exec, q->name, name_size, q->buf, buf_size);
		break;
	case PROBE_FIND_ENV_VAR:
		q->ret = krsi_find_env_var(exec, q->name, name_size, q->n);
		break;
	case PROBE_COUNT_ENV_VAR:
		q->ret = krsi_count_env_var(exec, q->name, name_size);
		break;
	case PROBE_GET_ENV_VARS:
		q->ret = krsi_get_env_vars(exec, q->n, q->buf, buf_size);
		break;
	case PROBE_GET_ARG:
		q->ret = krsi_get_arg(exec, q->n, q->buf, buf_size);
		break;
	case PROBE_GET_ARGS:
		q->ret = krsi_get_args(exec, q->n, q->buf, buf_size);
		break;
	}
}

static __always_inline bool wanted(struct krsi_exec *exec)
{
	return bpf_get_current_pid_tgid() >> 32 == probe.tgid && exec->depth == probe.depth;
}

static long put_nth(__u64 i, struct krsi_exec **exec)
{
	if (i >= PROBE_QUERIES)
		return 1;
	put(*exec, &probe.query[i]);
	return 0;
}

/* By a call, so that the verifier looks at one question and not at all of them. */
static __always_inline void put_all(struct krsi_exec *exec)
{
	bpf_loop(PROBE_QUERIES, put_nth, &exec, 0);
	probe.argc = exec->argc;
	probe.envc = exec->envc;
	probe.strings_len = exec->strings_len;
	probe.ran++;
}

SEC("struct_ops/process_exec")
int BPF_PROG(probe_no_sleep, struct krsi_exec *exec)
{
	if (wanted(exec))
		put_all(exec);
	return 0;
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(probe_sleep, struct krsi_exec *exec)
{
	if (wanted(exec))
		put_all(exec);
	return 0;
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(probe_rcu, struct krsi_exec *exec)
{
	if (!wanted(exec))
		return 0;
	bpf_rcu_read_lock();
	put_all(exec);
	bpf_rcu_read_unlock();
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops no_sleep = {
	.name = "no_sleep",
	.abi = KRSI_ABI,
	.process_exec = (void *)probe_no_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops sleep = {
	.name = "sleep",
	.abi = KRSI_ABI,
	.process_exec = (void *)probe_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops sleep_rcu = {
	.name = "sleep_rcu",
	.abi = KRSI_ABI,
	.process_exec = (void *)probe_rcu,
};
