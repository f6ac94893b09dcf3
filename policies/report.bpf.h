/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How a shipped policy reports: begin, fill, submit; what finds no room is counted. Who
 * includes this defines POLICY, the policy's name, before.
 *
 * What is refused has a buffer of its own, so that no flood of other reports can keep it
 * out. `krsi apply` gives all policies the same buffers and counts.
 *
 * A reader that has perf event arrays gets reports by `reports_perf` and `denials_perf`: who
 * loads the policy sets `report_by_perf` to 1 and BPF_F_RB_OVERWRITE in the flags of
 * `reports` and `denials`, in which the reports are then only made. What perf's buffers
 * have no room for, or nobody has opened them for, is counted as well.
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

/* The one value of the map `.rodata.report`. */
const volatile __u32 report_by_perf SEC(".rodata.report");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} reports_perf SEC(".maps"), denials_perf SEC(".maps");

/* How many reports found no room, by behaviour. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_BEHAVIOURS);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/*
 * The last digit of a number in hexadecimal. The digits have no name, for with one clang 14
 * tells of them in the BTF of another section than that it puts them into.
 */
static __always_inline char hex_digit(__u64 number)
{
	return "0123456789abcdef"[number & 15];
}

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

/* Has it read; @ctx is that of the program. */
static __always_inline void report_submit(void *ctx, struct krsi_report *report)
{
	void *perf = &reports_perf;

	if (!report_by_perf) {
		bpf_ringbuf_submit(report, 0);
		return;
	}
	if (report->verdict)
		perf = &denials_perf;
	if (bpf_perf_event_output(ctx, perf, BPF_F_CURRENT_CPU, report, sizeof(*report)))
		report_lost(report->behaviour);
	bpf_ringbuf_discard(report, BPF_RB_NO_WAKEUP);
}

#endif /* _KRSI_REPORT_BPF_H */
