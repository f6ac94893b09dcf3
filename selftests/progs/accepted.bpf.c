// SPDX-License-Identifier: GPL-2.0
/*
 * What a policy may use: each struct_ops map is a policy that uses one thing
 * and counts, in done, that it served.
 */
#include <stdbool.h>
#include "krsi.bpf.h"

#define CLOCK_MONOTONIC 1

__u32 done;

#define MAP(name, kind, entries, ...)			\
struct {						\
	__uint(type, BPF_MAP_TYPE_##kind);		\
	__uint(max_entries, entries);			\
	__VA_ARGS__					\
} name SEC(".maps")

struct locked {
	struct bpf_spin_lock lock;
	__u32 n;
};

struct timed {
	struct bpf_timer timer;
};

MAP(hash, HASH, 8, __type(key, __u32); __type(value, __u64););
MAP(lru, LRU_HASH, 8, __type(key, __u32); __type(value, __u64););
MAP(percpu, PERCPU_ARRAY, 1, __type(key, __u32); __type(value, __u64););
MAP(queue, QUEUE, 8, __type(value, __u64););
MAP(ring, RINGBUF, 4096);
MAP(perf, PERF_EVENT_ARRAY, 0, __type(key, int); __type(value, int););
MAP(locks, ARRAY, 1, __type(key, __u32); __type(value, struct locked););
MAP(timers, ARRAY, 1, __type(key, __u32); __type(value, struct timed););

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* Braces have a program of their own: what it says must hold, or nothing is counted. */
#define POLICY(prog, section, ...)			\
SEC(section)						\
int BPF_PROG(prog, struct krsi_exec *exec)		\
{							\
	__u32 zero = 0;					\
	__u64 value = exec->argc;			\
	bool served = false;				\
							\
	barrier_var(zero);				\
	barrier_var(value);				\
	__VA_ARGS__					\
	if (served)					\
		__sync_fetch_and_add(&done, 1);		\
	return 0;					\
}							\
SEC(".struct_ops.link")					\
struct krsi_ops map_##prog = {				\
	.name = "accepted",				\
	.abi = KRSI_ABI,				\
	.process_exec = (void *)prog,			\
}

#define NO_SLEEP "struct_ops/process_exec"
#define SLEEP "struct_ops.s/process_exec"

POLICY(hash_map, NO_SLEEP, {
	bpf_map_update_elem(&hash, &zero, &value, BPF_ANY);
	served = bpf_map_lookup_elem(&hash, &zero) && !bpf_map_delete_elem(&hash, &zero);
});
POLICY(hash_map_sleep, SLEEP, {
	bpf_map_update_elem(&hash, &zero, &value, BPF_ANY);
	served = bpf_map_lookup_elem(&hash, &zero) && !bpf_map_delete_elem(&hash, &zero);
});
POLICY(lru_map, NO_SLEEP, {
	served = !bpf_map_update_elem(&lru, &zero, &value, BPF_ANY);
});
POLICY(percpu_map, NO_SLEEP, {
	served = bpf_map_lookup_elem(&percpu, &zero) &&
		 bpf_map_lookup_percpu_elem(&percpu, &zero, 0);
});
POLICY(queue_map, NO_SLEEP, {
	__u64 out = 0;

	served = !bpf_map_push_elem(&queue, &value, BPF_EXIST) &&
		 !bpf_map_peek_elem(&queue, &out) && !bpf_map_pop_elem(&queue, &out);
});

POLICY(ringbuf_output, NO_SLEEP, {
	served = !bpf_ringbuf_output(&ring, &value, sizeof(value), 0);
});
POLICY(ringbuf_reserve, SLEEP, {
	__u64 *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (record) {
		*record = value;
		bpf_ringbuf_submit(record, 0);
		served = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) == 4096;
	}
});
POLICY(ringbuf_dynptr, NO_SLEEP, {
	struct bpf_dynptr dynptr;

	served = !bpf_ringbuf_reserve_dynptr(&ring, 64, 0, &dynptr) &&
		 !bpf_dynptr_write(&dynptr, 8, &value, sizeof(value), 0) &&
		 bpf_dynptr_data(&dynptr, 0, 8);
	bpf_ringbuf_submit_dynptr(&dynptr, 0);
});
/* -ENOENT: nobody has opened the perf event that it would go to. */
POLICY(perf_event_output, NO_SLEEP, {
	served = bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &value,
				       sizeof(value)) == -ENOENT;
});

static int on_time(void *map, __u32 *key, struct timed *timed)
{
	__sync_fetch_and_add(&done, 1);
	return 0;
}

POLICY(timer, NO_SLEEP, {
	struct timed *timed = bpf_map_lookup_elem(&timers, &zero);

	/* Served when it has fired. */
	if (timed) {
		bpf_timer_init(&timed->timer, &timers, CLOCK_MONOTONIC);
		bpf_timer_set_callback(&timed->timer, on_time);
		bpf_timer_start(&timed->timer, 1000000, 0);
	}
});

static long count(__u64 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

POLICY(loop, NO_SLEEP, {
	__u64 sum = 0;

	bpf_loop(100, count, &sum, 0);
	served = sum == 4950;
});
POLICY(loop_sleep, SLEEP, {
	__u64 sum = 0;

	bpf_loop(100, count, &sum, 0);
	served = sum == 4950;
});

static long count_elem(void *map, __u32 *key, __u64 *elem, __u64 *n)
{
	*n = 1;
	return 0;
}

POLICY(for_each, NO_SLEEP, {
	__u64 n = 0;

	bpf_map_update_elem(&hash, &zero, &value, BPF_ANY);
	bpf_for_each_map_elem(&hash, count_elem, &n, 0);
	served = n == 1;
});
POLICY(spin_lock, NO_SLEEP, {
	struct locked *locked = bpf_map_lookup_elem(&locks, &zero);

	if (locked) {
		bpf_spin_lock(&locked->lock);
		served = ++locked->n;
		bpf_spin_unlock(&locked->lock);
	}
});
POLICY(strings, NO_SLEEP, {
	char text[8] = "123 abc";
	long number = 0;

	served = !bpf_strncmp(text, sizeof(text), "123 abc") &&
		 bpf_strtol(text, 3, 10, &number) == 3 && number == 123;
});
POLICY(who_and_when, SLEEP, {
	char comm[16];

	served = bpf_get_current_pid_tgid() && bpf_ktime_get_ns() &&
		 bpf_ktime_get_boot_ns() && !bpf_get_current_comm(comm, sizeof(comm)) &&
		 bpf_get_current_cgroup_id() && bpf_get_current_ancestor_cgroup_id(0) &&
		 bpf_get_current_uid_gid() + 1 &&
		 bpf_get_prandom_u32() + 1ULL && bpf_get_smp_processor_id() < 4096;
});
POLICY(rcu_section, SLEEP, {
	bpf_rcu_read_lock();
	served = bpf_map_lookup_elem(&percpu, &zero);
	bpf_rcu_read_unlock();
});

/* A subprogram that the verifier looks at by itself. */
__noinline int subprogram(int value)
{
	barrier_var(value);
	return value + 1;
}

POLICY(global_subprogram, NO_SLEEP, {
	served = subprogram(value) == value + 1;
});
