// SPDX-License-Identifier: GPL-2.0
/*
 * Tells user space of each exec of one process: through a ring buffer, and
 * through the perf event array. The record is numbered, so that a loss shows.
 */
#include "krsi.bpf.h"
#include "events.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_RING);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, int);
	__type(value, int);
} perf SEC(".maps");

struct events events;

static __always_inline void fill(struct krsi_exec *exec, struct event *event)
{
	struct krsi_task_id task = {};

	krsi_get_task_id(&exec->event, &task, sizeof(task));
	event->tgid = task.tgid;
	event->number = events.sent++;
	event->value_len = krsi_env(exec, "EVENT", event->value, sizeof(event->value));
}

SEC("struct_ops.s/process_exec")
int BPF_PROG(to_ring, struct krsi_exec *exec)
{
	struct event *event;

	if (bpf_get_current_pid_tgid() >> 32 != events.tgid)
		return 0;
	event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
	if (!event) {
		events.sent++;
		events.dropped++;
		return 0;
	}
	fill(exec, event);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(to_perf, struct krsi_exec *exec)
{
	struct event event = {};

	if (bpf_get_current_pid_tgid() >> 32 != events.tgid)
		return 0;
	fill(exec, &event);
	if (bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &event, sizeof(event)))
		events.dropped++;
	return 0;
}

SEC(".struct_ops.link")
struct krsi_ops events_ring = {
	.name = "events",
	.abi = KRSI_ABI,
	.process_exec = (void *)to_ring,
};

SEC(".struct_ops.link")
struct krsi_ops events_perf = {
	.name = "events",
	.abi = KRSI_ABI,
	.process_exec = (void *)to_perf,
};
