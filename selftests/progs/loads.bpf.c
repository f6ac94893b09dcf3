// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps the last load and the last request of a module, and answers as it is told:
 * as a policy that may not sleep, as one that may, and as one that asks for no
 * digest.
 */
#include "krsi.bpf.h"
#include "loads.h"

struct loads loads;

static __always_inline int take_load(struct krsi_module_load *load, int asks)
{
	__u32 key_size = loads.key_size, info_size = loads.info_size;
	struct krsi_event *event = &load->event;
	struct load *to = &loads.load;
	struct krsi_task_id task;

	/* Or the compiler checks one register and uses another. */
	barrier_var(key_size);
	barrier_var(info_size);
	if (key_size > sizeof(loads.key) || info_size > sizeof(to->info))
		return 0;
	krsi_copy(to->name, load->name);
	to->size = load->size;
	to->source = load->source;
	to->flags = load->flags;
	krsi_get_task_id(event, &task, sizeof(task));
	to->tgid = task.tgid;
	to->path_ret = krsi_get_file_path(event, to->path, sizeof(to->path));
	to->id_ret = krsi_get_file_id(event, &to->id, sizeof(to->id));
	to->below_ret = krsi_is_below(event, &to->id, sizeof(to->id));
	if (asks) {
		to->short_digest_ret = krsi_get_module_digest(load, to->digest,
							      sizeof(to->digest) - 1);
		to->digest_ret = krsi_get_module_digest(load, to->digest, sizeof(to->digest));
	}
	to->info_ret = krsi_get_module_info(load, loads.key, key_size, to->info, info_size);
	loads.loads++;
	return loads.load_verdict;
}

SEC("struct_ops/module_load")
int BPF_PROG(loads_load, struct krsi_module_load *load)
{
	return take_load(load, 1);
}

SEC("struct_ops.s/module_load")
int BPF_PROG(loads_load_sleepable, struct krsi_module_load *load)
{
	return take_load(load, 1);
}

SEC("struct_ops/module_load")
int BPF_PROG(loads_load_blind, struct krsi_module_load *load)
{
	return take_load(load, 0);
}

static __always_inline int take_request(struct krsi_module_request *request)
{
	struct krsi_event *event = &request->event;
	struct request *to = &loads.request;
	struct krsi_file_id id;
	struct krsi_task_id task;
	char path[16];

	krsi_copy(to->alias, request->alias);
	krsi_get_task_id(event, &task, sizeof(task));
	to->tgid = task.tgid;
	to->path_ret = krsi_get_file_path(event, path, sizeof(path));
	to->id_ret = krsi_get_file_id(event, &id, sizeof(id));
	loads.requests++;
	return loads.request_verdict;
}

SEC("struct_ops/module_request")
int BPF_PROG(loads_request, struct krsi_module_request *request)
{
	return take_request(request);
}

SEC("struct_ops.s/module_request")
int BPF_PROG(loads_request_sleepable, struct krsi_module_request *request)
{
	return take_request(request);
}

KRSI_POLICY(loads_atomic, .module_load = (void *)loads_load,
	    .module_request = (void *)loads_request);
KRSI_POLICY(loads_sleepable, .module_load = (void *)loads_load_sleepable,
	    .module_request = (void *)loads_request_sleepable);
KRSI_POLICY(loads_blind, .module_load = (void *)loads_load_blind);
