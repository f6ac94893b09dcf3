/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/modules.bpf.c and the tests share. */
#ifndef MODULES_H
#define MODULES_H

#include <linux/types.h>

#include "krsi.h"

#define MODULE_EVENTS 256

enum module_event_kind {
	EVENT_LIVE = 1,
	EVENT_GONE,
	EVENT_HIDDEN,
};

struct module_event {
	__u32 kind;
	__u32 expected, missing, altered;
	__u64 text, text_size, data, data_size;
	__u64 age, hidden_for, unseen_for;
	struct krsi_module_loader loader;
	char name[64];
};

/* The last ones, each at its number modulo MODULE_EVENTS. */
struct modules {
	__u64 count;
	__u64 lives, gones, hides;
	char watched[64]; /* a module, and how often it became live */
	__u64 watched_lives;
	struct module_event events[MODULE_EVENTS];
};

#endif /* MODULES_H */
