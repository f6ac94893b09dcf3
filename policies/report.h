/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the shipped policies put into their ring buffers `reports` and `denials`, one
 * struct a report, and what `krsi` tells of it.
 */
#ifndef _KRSI_REPORT_H
#define _KRSI_REPORT_H

#include "krsi.h"

/*
 * struct krsi_report.behaviour: what happened, by the op that was told of it; they are
 * the keys of the map `lost`, too
 */
enum krsi_behaviour {
	KRSI_PROCESS_EXEC,
	KRSI_PROCESS_EXECUTED,
	KRSI_FILE_UNLINK,
	KRSI_EXECUTABLE_UNLINK,
	KRSI_MODULE_LIVE,
	KRSI_MODULE_GONE,
	KRSI_MODULE_HIDDEN,
	KRSI_MOUNT,
	KRSI_MODULE_LOAD,
	KRSI_MODULE_REQUEST,
	KRSI_FILE_MAP_EXEC,
	KRSI_BEHAVIOURS,
};

/**
 * struct krsi_report - one report
 * @time: when it was made: nanoseconds since boot (CLOCK_BOOTTIME)
 * @seq: its number among those of its policy, from 1 since that was loaded. What found
 *	no room has a number too, so a gap tells where reports were lost
 * @task: who did it. All 0 where the policy does not know; for a module the
 *	process that loaded it, of which only start_time, tgid, uid and comm are set
 * @value_len: length of the whole value, of which @value holds what fits
 * @times: how often the thing was there; 0 where that makes no sense
 * @signal: what was seen: a constant of the policy, with a NUL
 * @path: path of the event's file with a NUL; "" if it does not fit or there is none;
 *	of a mount the name of its device
 * @value: what was found, such as a variable's value, with a NUL
 * @policy: name of the policy, with a NUL
 * @behaviour: KRSI_PROCESS_EXEC and so on
 * @verdict: what the policy answered: 0, or -EPERM, which is a denial where it runs in
 *	enforce mode
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
	char policy[KRSI_NAME_SIZE];
	__u32 behaviour;
	__s32 verdict;
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

/* How deep a cgroup may lie that is exempt: 1 is below the root, which can't be. */
#define KRSI_EXEMPT_CGROUP_DEPTH	16

/**
 * struct krsi_exempt_cgroup - key of the map `exempt_cgroup`
 * @id: the cgroup (v2), as struct krsi_task_id.cgroup_id has it: the inode number of its
 *	directory. What is done in it and below it is exempt
 */
struct krsi_exempt_cgroup {
	__u64 id;
};

/**
 * struct krsi_allowed_memfd - key of the map `allowed_memfd`
 * @digest: SHA-256 of a program of which a sealed memfd may be a copy
 */
struct krsi_allowed_memfd {
	__u8 digest[KRSI_DIGEST_SIZE];
};

#endif /* _KRSI_REPORT_H */
