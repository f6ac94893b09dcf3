// SPDX-License-Identifier: GPL-2.0
/*
 * module_allow: reports, and in enforce mode refuses, a kernel module whose
 * contents are on no list, by their SHA-256: whatever its name and path are, and
 * whichever way it is loaded. The lists are the one that slot 0 of `lists` holds,
 * at first `allowed`, and what was learned. Putting another map into the slot
 * changes lists at once: no load is judged by half of each.
 *
 * While it learns, what is on no list is allowed and recorded in `learned`, and
 * what the kernel asks for by itself is reported. `krsi run --allow-modules` fills
 * the list, --learn learns.
 *
 * Where there is no digest it refuses, for an allow list that lets the unknown
 * pass is none. It does not see what is built in, nor what was loaded before;
 * a module that is allowed can do anything, load code by itself included.
 */
#define POLICY "module_allow"

#include "report.bpf.h"
#include "module_allow.h"

struct list {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16); /* krsi makes it as large as its list */
	__type(key, struct krsi_module_digest);
	__type(value, __u32);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct list);
} lists SEC(".maps") = {
	.values = { &allowed },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 12);
	__type(key, struct krsi_module_digest);
	__type(value, struct krsi_module_learned);
} learned SEC(".maps");

/* KRSI_MODULES_* */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} learning SEC(".maps");

static __always_inline int is_learning(void)
{
	__u32 key = 0, *mode = bpf_map_lookup_elem(&learning, &key);

	return mode && *mode == KRSI_MODULES_LEARNED;
}

static __always_inline int is_listed(const struct krsi_module_digest *digest)
{
	__u32 key = 0;
	void *list = bpf_map_lookup_elem(&lists, &key);

	return (list && bpf_map_lookup_elem(list, digest)) ||
	       bpf_map_lookup_elem(&learned, digest);
}

enum outcome { LISTED, UNREADABLE, UNKNOWN, LEARNED, NOT_LEARNED };

static const char signals[][sizeof(((struct krsi_report *)0)->signal)] = {
	[UNREADABLE] = "module_unreadable",
	[UNKNOWN] = "module_unknown",
	[LEARNED] = "module_learned",
	[NOT_LEARNED] = "module_not_learned",
};

/* As its value the digest in hexadecimal, a colon and the name. */
static __always_inline void tell(void *ctx, struct krsi_module_load *load, enum outcome outcome,
				 const struct krsi_module_digest *digest)
{
	int verdict = outcome == UNREADABLE || outcome == UNKNOWN ? -EPERM : 0;
	struct krsi_report *report = report_begin(&load->event, KRSI_MODULE_LOAD, verdict);
	char *name;

	if (!report)
		return;
	__builtin_memcpy(report->signal, signals[outcome], sizeof(report->signal));
	for (int i = 0; i < KRSI_DIGEST_SIZE; i++) {
		report->value[2 * i] = hex_digit(digest->sha256[i] >> 4);
		report->value[2 * i + 1] = hex_digit(digest->sha256[i]);
	}
	name = &report->value[2 * KRSI_DIGEST_SIZE];
	*name++ = ':';
	krsi_copy(name, load->name);
	report->value_len = 2 * KRSI_DIGEST_SIZE + 1;
	for (int i = 0; i < sizeof(load->name) && name[i]; i++)
		report->value_len++;
	report_submit(ctx, report);
}

static __always_inline enum outcome judge(struct krsi_module_load *load,
					  struct krsi_module_digest *digest)
{
	struct krsi_module_learned module;

	if (krsi_get_module_digest(load, digest, sizeof(*digest)))
		return UNREADABLE;
	if (is_listed(digest))
		return LISTED;
	if (!is_learning())
		return UNKNOWN;
	krsi_copy(module.name, load->name);
	return bpf_map_update_elem(&learned, digest, &module, BPF_ANY) ? NOT_LEARNED : LEARNED;
}

SEC("struct_ops/module_load")
int BPF_PROG(module_allow_load, struct krsi_module_load *load)
{
	struct krsi_module_digest digest = {};
	enum outcome outcome = judge(load, &digest);

	if (outcome != LISTED)
		tell(ctx, load, outcome, &digest);
	if (outcome != UNREADABLE && outcome != UNKNOWN)
		return 0;
	krsi_reason(&load->event, "module_unknown");
	return -EPERM;
}

SEC("struct_ops/module_request")
int BPF_PROG(module_allow_request, struct krsi_module_request *request)
{
	struct krsi_report *report;

	if (!is_learning())
		return 0;
	report = report_begin(&request->event, KRSI_MODULE_REQUEST, 0);
	if (report) {
		__builtin_memcpy(report->signal, "module_requested", sizeof("module_requested"));
		krsi_copy(report->value, request->alias);
		for (int i = 0; i < sizeof(request->alias) && report->value[i]; i++)
			report->value_len++;
		report_submit(ctx, report);
	}
	return 0;
}

KRSI_POLICY(module_allow, .flags = KRSI_FAIL_CLOSED, .module_load = (void *)module_allow_load,
	    .module_request = (void *)module_allow_request);
