/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/mounts.bpf.c and the tests share: the events of mount that one process causes. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include "krsi.h"

#define MOUNTS_MAX 8

struct mounts_event {
	__u32 stage, flags, transports;
	__s32 answer; /* of krsi_get_usb_id() */
	__u64 dev;
	struct krsi_usb_id id;
	char fs_type[32];
	char device[32];
};

struct mounts {
	__u32 tgid; /* whose; 0: nobody's */
	__u32 n;
	struct mounts_event event[MOUNTS_MAX];
};

#endif /* MOUNTS_H */
