// SPDX-License-Identifier: GPL-2.0
/* Keeps the last events of modules, by programs that may sleep or that may not. */
#include <stdbool.h>
#include "krsi.bpf.h"
#include "modules.h"

struct modules modules;

/* One worker tells all of them, one after the other. */
static __always_inline struct module_event *next(__u32 kind)
{
	struct module_event *event = &modules.events[modules.count % MODULE_EVENTS];

	event->kind = kind;
	return event;
}

#define COMMON(event, from) ({							\
	(event)->text = (from)->text;						\
	(event)->text_size = (from)->text_size;					\
	(event)->data = (from)->data;						\
	(event)->data_size = (from)->data_size;					\
	(event)->loader.start_time = (from)->loader.start_time;			\
	(event)->loader.pid = (from)->loader.pid;				\
	(event)->loader.uid = (from)->loader.uid;				\
	krsi_copy((event)->loader.comm, (from)->loader.comm);			\
	krsi_copy((event)->name, (from)->name);					\
})

static __always_inline bool is_watched(const struct module_event *event)
{
	for (int i = 0; i < sizeof(event->name); i++) {
		if (event->name[i] != modules.watched[i])
			return false;
	}
	return true;
}

static __always_inline void tell_live(struct krsi_module *module)
{
	struct module_event *event = next(EVENT_LIVE);

	COMMON(event, module);
	modules.lives++;
	if (is_watched(event))
		modules.watched_lives++;
	modules.count++;
}

static __always_inline void tell_gone(struct krsi_module *module)
{
	struct module_event *event = next(EVENT_GONE);

	COMMON(event, module);
	modules.gones++;
	modules.count++;
}

static __always_inline void tell_hidden(struct krsi_module_hidden *module)
{
	struct module_event *event = next(EVENT_HIDDEN);

	COMMON(event, module);
	event->expected = module->expected;
	event->missing = module->missing;
	event->altered = module->altered;
	event->age = module->age;
	event->hidden_for = module->hidden_for;
	event->unseen_for = module->unseen_for;
	modules.hides++;
	modules.count++;
}

#define PROGRAMS(suffix, section)						\
	SEC(section "/module_live")						\
	void BPF_PROG(live_##suffix, struct krsi_module *module)		\
	{									\
		tell_live(module);						\
	}									\
										\
	SEC(section "/module_gone")						\
	void BPF_PROG(gone_##suffix, struct krsi_module *module)		\
	{									\
		tell_gone(module);						\
	}									\
										\
	SEC(section "/module_hidden")						\
	void BPF_PROG(hidden_##suffix, struct krsi_module_hidden *module)	\
	{									\
		tell_hidden(module);						\
	}

PROGRAMS(sleep, "struct_ops.s")
PROGRAMS(no_sleep, "struct_ops")

SEC(".struct_ops.link")
struct krsi_ops modules_all = {
	.name = "modules",
	.abi = KRSI_ABI,
	.module_live = (void *)live_sleep,
	.module_gone = (void *)gone_sleep,
	.module_hidden = (void *)hidden_sleep,
};

SEC(".struct_ops.link")
struct krsi_ops modules_no_sleep = {
	.name = "modules",
	.abi = KRSI_ABI,
	.module_live = (void *)live_no_sleep,
	.module_gone = (void *)gone_no_sleep,
	.module_hidden = (void *)hidden_no_sleep,
};
