/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy was told of modules, and the words for it. */
#ifndef MODULE_EVENTS_H
#define MODULE_EVENTS_H

#include <stddef.h>

#include "modules.h"

/* The first event of that kind and name since @from; NULL if there is none. */
const struct module_event *event_since(const struct modules *modules, __u64 from, __u32 kind,
				       const char *name);
/* The last one. */
const struct module_event *event_last(const struct modules *modules, __u64 from, __u32 kind,
				      const char *name);
/* Waits for the first: NULL after @ms. */
const struct module_event *event_within(const struct modules *modules, __u64 from, __u32 kind,
					const char *name, int ms);

/* Masks of KRSI_VIEW_* and KRSI_ALTERED_* as KRSI writes them, and back. */
const char *view_words(__u32 views);
const char *altered_words(__u32 altered);
__u32 views_of(const char *words);

#endif /* MODULE_EVENTS_H */
