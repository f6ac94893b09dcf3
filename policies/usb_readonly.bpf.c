// SPDX-License-Identifier: GPL-2.0
/*
 * usb_readonly: as usb_mount, but what may only be read may be mounted: nothing can be
 * carried away on a stick by files. A remount that would make it writable, and
 * swapping to it, are refused.
 *
 * The kernel parses what is on the stick: this policy is about what leaves the
 * machine, not about hostile filesystems. A read-only mount of ext4 with a journal
 * that was not finished still writes to the stick (noload prevents it), and raw
 * writes to the device are not seen.
 */
#define POLICY "usb_readonly"

#include "usb.bpf.h"

SEC("struct_ops/mount")
int BPF_PROG(usb_readonly_mount, struct krsi_mount *mount)
{
	struct krsi_usb_id id = {};

	if (!is_on_usb(mount))
		return 0;
	/* btrfs scans before it mounts, and writes nothing then. */
	if (mount->flags & (KRSI_MOUNT_READ_ONLY | KRSI_MOUNT_SCAN))
		return 0;
	if (is_allowed(mount, &id))
		return 0;
	usb_report(ctx, mount, &id);
	return -EPERM;
}

KRSI_POLICY(usb_readonly, .mount = (void *)usb_readonly_mount);
