/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What the policies about USB share: what is on USB, which sticks are allowed, the report. */
#ifndef _KRSI_USB_BPF_H
#define _KRSI_USB_BPF_H

#include <stdbool.h>

#include "report.bpf.h"

/* Sticks that are allowed; the key's flags are 0. krsi run --allow-usb fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct krsi_usb_id);
	__type(value, __u32);
} allowed_usb SEC(".maps");

/* Where not all was looked at, USB may be below. */
static __always_inline bool is_on_usb(const struct krsi_mount *mount)
{
	return mount->transports &
	       (KRSI_TRANSPORT_USB | KRSI_TRANSPORT_USB_FIXED | KRSI_TRANSPORT_MORE);
}

static __always_inline bool is_allowed(struct krsi_mount *mount, struct krsi_usb_id *id)
{
	/* Of a serial number that does not fit, and of several sticks, nobody knows which. */
	if (krsi_get_usb_id(mount, id, sizeof(*id)) || id->flags & KRSI_USB_SERIAL_LONG ||
	    mount->transports & KRSI_TRANSPORT_MORE)
		return false;
	id->flags = 0;
	return bpf_map_lookup_elem(&allowed_usb, id) != NULL;
}

static __always_inline void hex(char *to, __u16 number)
{
	for (int i = 0; i < 4; i++)
		to[i] = hex_digit(number >> (12 - 4 * i));
}

/*
 * As path the device's name, as value VENDOR:PRODUCT SERIAL, which is the audit record's reason
 * as well; or nothing if not one stick is it.
 */
static __always_inline void usb_report(void *ctx, struct krsi_mount *mount,
				       const struct krsi_usb_id *id)
{
	struct krsi_report *report = report_empty(KRSI_MOUNT, -EPERM);

	krsi_reason(&mount->event, "usb");
	if (!report)
		return;
	krsi_get_task_id(&mount->event, &report->task, sizeof(report->task));
	krsi_copy(report->path, mount->device);
	if (mount->stage == KRSI_MOUNT_SWAP)
		__builtin_memcpy(report->signal, "usb_swap", sizeof("usb_swap"));
	else if (mount->stage == KRSI_MOUNT_REMOUNT)
		__builtin_memcpy(report->signal, "usb_remount", sizeof("usb_remount"));
	else
		__builtin_memcpy(report->signal, "usb_mount", sizeof("usb_mount"));
	if (id->vendor) {
		hex(report->value, id->vendor);
		report->value[4] = ':';
		hex(report->value + 5, id->product);
		report->value[9] = ' ';
		__builtin_memcpy(report->value + 10, id->serial, sizeof(id->serial));
		krsi_set_reason(&mount->event, report->value, sizeof(report->value));
	}
	for (int i = 0; i < sizeof(report->value) && report->value[i]; i++)
		report->value_len++;
	report_submit(ctx, report);
}

#endif /* _KRSI_USB_BPF_H */
