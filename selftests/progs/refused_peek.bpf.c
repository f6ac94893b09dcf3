// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to kernel memory that look harmless. Most need no helper and no kfunc:
 * the verifier turns loads through pointers that it does not trust into loads
 * that may fault, and lets them go anywhere. No such program may become a
 * policy.
 */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "peek.h"

#ifndef __arg_untrusted
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#endif

struct peek peek;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} hash SEC(".maps");

struct bpf_map_ops {
	void *map_alloc;
} __attribute__((preserve_access_index));

struct bpf_map {
	const struct bpf_map_ops *ops;
} __attribute__((preserve_access_index));

#define FOUND(value) do {						\
	peek.word = (__u64)(value);					\
	peek.done = 1;							\
} while (0)

#define POLICY(prog, section, ...)					\
SEC(section)								\
int BPF_PROG(prog, struct krsi_exec *exec)				\
{									\
	__VA_ARGS__							\
	return 0;							\
}									\
SEC(".struct_ops.link")							\
struct krsi_ops map_##prog = {						\
	.name = "peek",							\
	.abi = KRSI_ABI,						\
	.process_exec = (void *)prog,					\
}

#define NO_SLEEP "struct_ops/process_exec"
#define SLEEP "struct_ops.s/process_exec"

/* The header's pointer is NULL, but what is so far from it is anywhere. */
POLICY(by_opaque, NO_SLEEP, {
	FOUND(*(volatile __u64 *)(exec->event.opaque + peek.address));
});
POLICY(by_opaque_sleep, SLEEP, {
	FOUND(*(volatile __u64 *)(exec->event.opaque + peek.address));
});

/* An argument that is declared as not to be trusted takes any number. */
__noinline int load(void *address __arg_untrusted)
{
	FOUND(*(volatile __u64 *)address);
	return 0;
}

POLICY(by_untrusted_argument, NO_SLEEP, {
	load((void *)peek.address);
});

/* %s follows any address. */
POLICY(by_snprintf, NO_SLEEP, {
	static const char format[] = "%s";
	__u64 args[1] = { peek.address };

	if (bpf_snprintf((char *)&peek.word, sizeof(peek.word), format, args, sizeof(args)) > 0)
		peek.done = 1;
});

/* A map is an object of the kernel, from which pointers lead on. */
POLICY(by_map, NO_SLEEP, {
	const struct bpf_map *map = (const void *)&hash;

	FOUND(map->ops->map_alloc);
});

SEC("struct_ops/process_executed")
void BPF_PROG(by_opaque_executed, struct krsi_executed *executed)
{
	FOUND(*(volatile __u64 *)(executed->event.opaque + peek.address));
}

SEC(".struct_ops.link")
struct krsi_ops map_by_opaque_executed = {
	.name = "peek",
	.abi = KRSI_ABI,
	.process_executed = (void *)by_opaque_executed,
};
