/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs that report send, KRSI's and BPF LSM's: the same 64 bytes. */
#ifndef _BENCH_EVENT_H
#define _BENCH_EVENT_H

#define RING_SIZE (1 << 18)

struct bench_event {
	__u64 number;
	char bytes[56];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, int);
} perf SEC(".maps");

static __u64 sent;

static __always_inline void send_by_ring(void)
{
	struct bench_event *event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);

	sent++;
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->number = sent;
	bpf_ringbuf_submit(event, 0);
}

static __always_inline void send_by_perf(void *ctx)
{
	struct bench_event event = {};

	event.number = ++sent;
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event));
}

#endif /* _BENCH_EVENT_H */
