/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* How a shipped policy reports: reserve, fill, submit; what finds no room is counted. */
#ifndef _KRSI_REPORT_BPF_H
#define _KRSI_REPORT_BPF_H

#include "krsi.bpf.h"
#include "report.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} reports SEC(".maps");

/* How many reports found no room in `reports`; krsi-watch says when it has grown. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void report_lost(void)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&lost, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* The number of the last report, of those too that found no room. */
static __u64 last_seq;

/* A report that says only which and when; NULL if there is no room. */
static __always_inline struct krsi_report *report_empty(void)
{
	__u64 seq = __sync_fetch_and_add(&last_seq, 1) + 1;
	struct krsi_report *report = bpf_ringbuf_reserve(&reports, sizeof(*report), 0);

	if (!report) {
		report_lost();
		return NULL;
	}
	__builtin_memset(report, 0, sizeof(*report));
	report->time = bpf_ktime_get_boot_ns();
	report->seq = seq;
	return report;
}

/* The same with the task and the file of an event that has them. */
static __always_inline struct krsi_report *report_begin(struct krsi_event *event)
{
	struct krsi_report *report = report_empty();

	if (report) {
		krsi_get_task_id(event, &report->task, sizeof(report->task));
		krsi_get_file_path(event, report->path, sizeof(report->path));
	}
	return report;
}

#endif /* _KRSI_REPORT_BPF_H */
