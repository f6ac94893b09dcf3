// SPDX-License-Identifier: GPL-2.0
/* Counts the calls of kernel functions by one process, or by all: a program for kprobes, no policy. */
#include "krsi.bpf.h"
#include "hits.h"

struct hits hits;

SEC("kprobe")
int hit(void *ctx)
{
	__u64 nr = bpf_get_attach_cookie(ctx);

	if (nr < HITS_MAX && (hits.anyone & 1ULL << nr ||
			      bpf_get_current_pid_tgid() >> 32 == hits.tgid))
		__sync_fetch_and_add(&hits.n[nr], 1);
	return 0;
}
