/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How a shipped policy reports: begin, fill, submit; what finds no room is counted. Who
 * includes this defines POLICY, the policy's name, before.
 *
 * What is refused has a buffer of its own, so that no flood of other reports can keep it
 * out. `krsi apply` gives all policies the same buffers and counts.
 */
#ifndef _KRSI_REPORT_BPF_H
#define _KRSI_REPORT_BPF_H

#include "krsi.bpf.h"
#include "report.h"

/* What is not refused. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} reports SEC(".maps");

/* What is, or would be in enforce mode. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} denials SEC(".maps");

/* How many reports found no room, by behaviour. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_BEHAVIOURS);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void report_lost(__u32 behaviour)
{
	__u64 *count = bpf_map_lookup_elem(&lost, &behaviour);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* The number of the last report, of those too that found no room. */
static __u64 last_seq;

/* A report that says only which, when and of what; NULL if there is no room. */
static __always_inline struct krsi_report *report_empty(__u32 behaviour, int verdict)
{
	__u64 seq = __sync_fetch_and_add(&last_seq, 1) + 1;
	struct krsi_report *report;

	if (verdict)
		report = bpf_ringbuf_reserve(&denials, sizeof(*report), 0);
	else
		report = bpf_ringbuf_reserve(&reports, sizeof(*report), 0);
	if (!report) {
		report_lost(behaviour);
		return NULL;
	}
	__builtin_memset(report, 0, sizeof(*report));
	report->time = bpf_ktime_get_boot_ns();
	report->seq = seq;
	__builtin_memcpy(report->policy, POLICY, sizeof(POLICY));
	report->behaviour = behaviour;
	report->verdict = verdict;
	return report;
}

/* The same with the task and the file of an event that has them. */
static __always_inline struct krsi_report *report_begin(struct krsi_event *event, __u32 behaviour,
							int verdict)
{
	struct krsi_report *report = report_empty(behaviour, verdict);

	if (report) {
		krsi_get_task_id(event, &report->task, sizeof(report->task));
		krsi_get_file_path(event, report->path, sizeof(report->path));
	}
	return report;
}

#endif /* _KRSI_REPORT_BPF_H */
