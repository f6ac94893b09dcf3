// SPDX-License-Identifier: GPL-2.0
/*
 * module_hide: reports a module that hides, with where it is missing and what
 * it has altered; with the process that loaded it, which may have ended. One
 * that comes back is reported, too.
 *
 * KRSI itself looks for hidden modules, every 5 seconds unless
 * krsi.module_scan_ms= says otherwise, and can't prevent them here. A module runs
 * in ring 0: what it does to KRSI's own memory nobody reports.
 */
#define POLICY "module_hide"

#include "report.bpf.h"

static const char views[][8] = { "list", "sysfs", "tree", "bugs", "btf", "ftrace" };
static const char alterations[][8] = {
	"state", "name", "memory", "symbols", "links", "sysfs", "chain", "other"
};

/*
 * Where the next byte goes. In memory, so that the verifier does not follow each
 * value that it can have; the one worker that tells of modules runs this.
 */
static volatile __u32 at;

static __always_inline void append(struct krsi_report *report, const char *text, int size)
{
	for (int i = 0; i < size && text[i]; i++) {
		report->value[at & (sizeof(report->value) - 1)] = text[i];
		at++;
	}
}

/* The words of a mask, with a comma after each. */
static __always_inline void append_words(struct krsi_report *report, __u32 mask,
					 const char (*words)[8], int count)
{
	for (int i = 0; i < count; i++) {
		if (mask & (1U << i)) {
			append(report, words[i], 8);
			append(report, ",", 1);
		}
	}
}

SEC("struct_ops/module_hidden")
void BPF_PROG(module_hide_found, struct krsi_module_hidden *hidden)
{
	struct krsi_report *report = report_empty(KRSI_MODULE_HIDDEN, 0);
	char name[sizeof(hidden->name)];

	if (!report)
		return;
	__builtin_memcpy(report->signal, "module_hidden", sizeof("module_hidden"));
	if (!hidden->missing && !hidden->altered)
		__builtin_memcpy(report->signal, "module_back", sizeof("module_back"));
	report->task.tgid = hidden->loader.pid;
	report->task.uid = hidden->loader.uid;
	report->task.start_time = hidden->loader.start_time;
	krsi_copy(report->task.comm, hidden->loader.comm);

	krsi_copy(name, hidden->name);
	at = 0;
	append(report, name, sizeof(name));
	append(report, ":missing=", 16);
	append_words(report, hidden->missing, views, 6);
	append(report, ":altered=", 16);
	append_words(report, hidden->altered, alterations, 8);
	report->value_len = at;
	report_submit(ctx, report);
}

KRSI_POLICY(module_hide, .module_hidden = (void *)module_hide_found);
