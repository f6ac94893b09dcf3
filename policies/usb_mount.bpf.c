// SPDX-License-Identifier: GPL-2.0
/*
 * usb_mount: reports, and in enforce mode refuses, the mount of whatever stands on a
 * USB disk, and swapping to it; before the kernel has read anything from it. A
 * stick is allowed by vendor, product and serial number:
 * krsi run usb_mount --allow-usb 0951:1666:SERIAL.
 *
 * The way to the stick makes no difference: partitions, loop devices on it or on a
 * file that lies there, dm, md, an overlay's layer, the second device of btrfs, an
 * external journal. What was mounted before the policy was attached stays; it can be
 * bound, moved and made read-only, not mounted anew. The kernel log lists it.
 *
 * It does not see raw reads of the device, what is done below a filesystem that is
 * mounted already (dm reload, LOOP_CHANGE_FD), and jfs's external log; and the
 * kernel reads the partition table when a stick is plugged in. What is behind nbd, ublk or
 * FUSE nobody knows: it is allowed. Look-alikes: a machine that boots from a stick
 * inside mounts it before; a disk that is known to be built in is refused too, unless
 * KRSI_TRANSPORT_USB_FIXED is taken out of usb.bpf.h.
 */
#define POLICY "usb_mount"

#include "usb.bpf.h"

SEC("struct_ops/mount")
int BPF_PROG(usb_mount_mount, struct krsi_mount *mount)
{
	struct krsi_usb_id id = {};

	if (!is_on_usb(mount))
		return 0;
	/* Nothing worse than before. */
	if (mount->stage == KRSI_MOUNT_REMOUNT && mount->flags & KRSI_MOUNT_READ_ONLY)
		return 0;
	if (is_allowed(mount, &id))
		return 0;
	usb_report(ctx, mount, &id);
	return -EPERM;
}

KRSI_POLICY(usb_mount, .mount = (void *)usb_mount_mount);
