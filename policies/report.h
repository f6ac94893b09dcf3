/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the shipped policies put into their ring buffer `reports`, one struct a
 * signal, and what krsi-watch prints.
 */
#ifndef _KRSI_REPORT_H
#define _KRSI_REPORT_H

#include "krsi.h"

/**
 * struct krsi_report - one signal
 * @sequence: counts a policy's signals from 0, also those that found no room in
 *	the buffer: a gap is what was lost
 * @time: nanoseconds since boot
 * @task: who did it
 * @value_len: length of what @value holds the beginning of
 * @times: how often the thing was there
 * @signal: what was seen, a constant of the policy
 * @path: the event's file, "" if its path doesn't fit
 * @value: what was found, e.g. a variable's value
 */
struct krsi_report {
	__u64 sequence;
	__u64 time;
	struct krsi_task_id task;
	__u32 value_len;
	__u32 times;
	char signal[32];
	char path[256];
	char value[256];
};

/* Key of the map `exempt_exe`: the executable of who does it, as st_dev and st_ino. */
struct krsi_exempt_exe {
	__u64 dev;
	__u64 ino;
};

/* Key of the map `exempt_path`: how a path begins, and how many bits that is. */
struct krsi_exempt_path {
	__u32 bits;
	char path[128];
};

#endif /* _KRSI_REPORT_H */
