// SPDX-License-Identifier: GPL-2.0
/* Notes what a process's mounts stand on. */
#include "krsi.bpf.h"
#include "mounts.h"

struct mounts seen;

SEC("struct_ops/mount")
int BPF_PROG(mounts_mount, struct krsi_mount *mount)
{
	struct mounts_event *event;

	if (bpf_get_current_pid_tgid() >> 32 != seen.tgid)
		return 0;
	event = &seen.event[seen.n++ % MOUNTS_MAX];
	event->stage = mount->stage;
	event->flags = mount->flags;
	event->transports = mount->transports;
	event->dev = mount->dev;
	event->answer = krsi_get_usb_id(mount, &event->id, sizeof(event->id));
	krsi_copy(event->fs_type, mount->fs_type);
	krsi_copy(event->device, mount->device);
	return 0;
}

KRSI_POLICY(mounts, .mount = (void *)mounts_mount);
