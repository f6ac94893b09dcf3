/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the shipped policies put into their ring buffer `reports`, one struct a
 * report, and what krsi-watch prints.
 */
#ifndef _KRSI_REPORT_H
#define _KRSI_REPORT_H

#include "krsi.h"

/**
 * struct krsi_report - one report
 * @time: when it was made: nanoseconds since boot (CLOCK_BOOTTIME)
 * @seq: its number, from 1 since the policy was loaded. What found no room has a
 *	number too, so a gap tells where reports were lost
 * @task: who did it. All 0 where the policy does not know; for a module the
 *	process that loaded it, of which only start_time, tgid, uid and comm are set
 * @value_len: length of the whole value, of which @value holds what fits
 * @times: how often the thing was there; 0 where that makes no sense
 * @signal: what was seen: a constant of the policy, with a NUL
 * @path: path of the event's file with a NUL; "" if it does not fit or there is none;
 *	of a mount the name of its device
 * @value: what was found, such as a variable's value, with a NUL
 */
struct krsi_report {
	__u64 time;
	__u64 seq;
	struct krsi_task_id task;
	__u32 value_len;
	__u32 times;
	char signal[32];
	char path[256];
	char value[256];
};

/* Any user may act by an exempt program. */
#define KRSI_EXEMPT_ANYONE	(~0U)

/* How many directories can be exempt. */
#define KRSI_EXEMPT_DIRS	8

/**
 * struct krsi_exempt_exe - key of the maps `exempt_exe` and `exempt_parent`: the
 *	executable of who does it, and of its parent
 * @dev: its struct krsi_file_id.dev
 * @ino: its struct krsi_file_id.ino
 * @generation: its struct krsi_file_id.generation: a file that gets a freed number is
 *	another one
 * @uid: the user that may act by it (struct krsi_task_id.uid), or KRSI_EXEMPT_ANYONE:
 *	whoever may run a program can have it do what he likes, by a library that it loads
 */
struct krsi_exempt_exe {
	__u64 dev;
	__u64 ino;
	__u32 generation;
	__u32 uid;
};

/**
 * struct krsi_allowed_memfd - key of the map `allowed_memfd`
 * @digest: SHA-256 of a program of which a sealed memfd may be a copy
 */
struct krsi_allowed_memfd {
	__u8 digest[KRSI_DIGEST_SIZE];
};

#endif /* _KRSI_REPORT_H */
