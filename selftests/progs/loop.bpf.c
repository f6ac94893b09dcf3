// SPDX-License-Identifier: GPL-2.0
/* Reads each argument, and finds each definition of a variable, by its number. */
#include "krsi.bpf.h"
#include "loop.h"

struct loop loop;

static long read_arg(__u64 i, struct krsi_exec **exec)
{
	char buf[8];

	if (krsi_get_arg(*exec, i, buf, sizeof(buf)) < 0)
		return 1;
	loop.args++;
	return 0;
}

static long find_definition(__u64 i, struct krsi_exec **exec)
{
	char name[] = LOOP_ENV;

	if (krsi_find_env_var(*exec, name, sizeof(name), i) < 0)
		return 1;
	loop.definitions++;
	return 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(loop_exec, struct krsi_exec *exec)
{
	struct krsi_exec *e = exec;

	if (bpf_get_current_pid_tgid() >> 32 != loop.tgid)
		return 0;
	bpf_loop(LOOP_MAX, read_arg, &e, 0);
	bpf_loop(LOOP_MAX, find_definition, &e, 0);
	return 0;
}

KRSI_POLICY(loop_policy, .process_exec = (void *)loop_exec);
