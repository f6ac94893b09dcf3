/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* How a shipped policy reports: reserve, fill, submit; nothing is lost in silence. */
#ifndef _KRSI_REPORT_BPF_H
#define _KRSI_REPORT_BPF_H

#include "krsi.bpf.h"
#include "report.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} reports SEC(".maps");

/* Signals so far, and how many of them found no room in `reports`. */
__u64 signals;
__u64 lost;

/* A report that says only when it was made; NULL if there is no room. */
static __always_inline struct krsi_report *report_empty(void)
{
	__u64 sequence = __sync_fetch_and_add(&signals, 1);
	struct krsi_report *report = bpf_ringbuf_reserve(&reports, sizeof(*report), 0);

	if (!report) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	__builtin_memset(report, 0, sizeof(*report));
	report->sequence = sequence;
	report->time = bpf_ktime_get_boot_ns();
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
