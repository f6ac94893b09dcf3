// SPDX-License-Identifier: GPL-2.0
/* Events of modules: see module_events.h. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "module_events.h"

static const char *const views[] = { "list", "sysfs", "tree", "bugs", "btf", "ftrace", NULL };
static const char *const alterations[] = {
	"state", "name", "memory", "symbols", "links", "sysfs", "chain",
	"other", NULL
};

/* The first or the last. */
static const struct module_event *find(const struct modules *modules, __u64 from, __u32 kind,
				       const char *name, bool last)
{
	__u64 count = *(volatile const __u64 *)&modules->count;
	const struct module_event *found = NULL;

	for (; from < count && (last || !found); from++) {
		const struct module_event *event = &modules->events[from % MODULE_EVENTS];

		if (event->kind == kind && !strcmp(event->name, name))
			found = event;
	}
	return found;
}

const struct module_event *event_since(const struct modules *modules, __u64 from, __u32 kind,
				       const char *name)
{
	return find(modules, from, kind, name, false);
}

const struct module_event *event_last(const struct modules *modules, __u64 from, __u32 kind,
				      const char *name)
{
	return find(modules, from, kind, name, true);
}

const struct module_event *event_within(const struct modules *modules, __u64 from, __u32 kind,
					const char *name, int ms)
{
	unsigned long long end = now_ms() + ms;
	const struct module_event *event;

	do {
		event = event_since(modules, from, kind, name);
		if (!event)
			usleep(10000);
	} while (!event && now_ms() < end);
	return event;
}

static const char *words(__u32 mask, const char *const *names)
{
	static char texts[4][128];
	static int next;
	char *text = texts[next++ % 4];
	size_t len = 0;
	int i;

	for (i = 0; names[i]; i++) {
		if (mask & (1U << i))
			len += snprintf(text + len, sizeof(texts[0]) - len, "%s%s",
					len ? "," : "", names[i]);
	}
	return len ? text : "-";
}

const char *view_words(__u32 mask)
{
	return words(mask, views);
}

const char *altered_words(__u32 mask)
{
	return words(mask, alterations);
}

__u32 views_of(const char *text)
{
	__u32 mask = 0;
	int i;

	for (i = 0; views[i]; i++) {
		const char *at = strstr(text, views[i]);

		if (at)
			mask |= 1U << i;
	}
	return mask;
}
