// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU: counts the guest's instructions by where they are, from the entry of
 * some functions to their return, run by run. For one processor; see where.py.
 *
 * Options: begin=, end= the addresses at which a run of hook-cost begins and ends; in= one of
 * a function that counts, as often as there are; out= the file for lines of
 * `RUN ADDRESS INSTRUCTIONS`, the last of each run with address 0.
 *
 * Debian has no header of the interface, so what is used of it is declared here, as
 * QEMU's include/qemu/qemu-plugin.h, version 4, has it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int, void *),
					  int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define EXPORTED __attribute__((visibility("default")))
#define MOST_FUNCTIONS 32
#define BUCKETS 65536

EXPORTED int qemu_plugin_version = 4;

/* Instructions that are translated together, and run so but for faults. */
struct block {
	uint64_t at, behind;
	uint64_t insns, runs;
	bool counts; /* a function that counts begins with it */
	bool listed;
	struct block *same_bucket, *next_listed;
};

static struct block *blocks[BUCKETS], *listed;
static uint64_t begin, end, functions[MOST_FUNCTIONS];
static int function_count, run;
static FILE *out;

/* Between begin and end; the last block; where the function returns to that is under way. */
static bool running;
static const struct block *last;
static uint64_t returns_to;

static void write_run(void)
{
	for (struct block *block = listed; block; block = block->next_listed) {
		fprintf(out, "%d %lx %lu\n", run, block->at, block->insns * block->runs);
		block->runs = 0;
		block->listed = false;
	}
	listed = NULL;
	/* A run may have none. */
	fprintf(out, "%d 0 0\n", run++);
	fflush(out);
}

static void executed(unsigned int cpu, void *data)
{
	struct block *block = data;

	if (block->at == begin) {
		running = true;
	} else if (block->at == end && running) {
		running = false;
		write_run();
	} else if (running) {
		if (block->at == returns_to)
			returns_to = 0;
		else if (!returns_to && block->counts && last)
			returns_to = last->behind;
		if (returns_to) {
			block->runs++;
			if (!block->listed) {
				block->listed = true;
				block->next_listed = listed;
				listed = block;
			}
		}
	}
	last = block;
}

static struct block *find_block(const struct qemu_plugin_tb *tb)
{
	size_t insns = qemu_plugin_tb_n_insns(tb);
	const struct qemu_plugin_insn *final = qemu_plugin_tb_get_insn(tb, insns - 1);
	uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	struct block **bucket = &blocks[at % BUCKETS], *block;

	for (block = *bucket; block; block = block->same_bucket)
		if (block->at == at && block->insns == insns)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->at = at;
	block->behind = qemu_plugin_insn_vaddr(final) + qemu_plugin_insn_size(final);
	block->insns = insns;
	for (int i = 0; i < function_count; i++)
		block->counts |= functions[i] == at;
	block->same_bucket = *bucket;
	*bucket = block;
	return block;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0, find_block(tb));
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return 1;
		*value++ = '\0';
		if (!strcmp(argv[i], "out"))
			out = fopen(value, "w");
		else if (!strcmp(argv[i], "begin"))
			begin = strtoull(value, NULL, 16);
		else if (!strcmp(argv[i], "end"))
			end = strtoull(value, NULL, 16);
		else if (!strcmp(argv[i], "in") && function_count < MOST_FUNCTIONS)
			functions[function_count++] = strtoull(value, NULL, 16);
		else
			return 1;
	}
	if (!out || !begin || !end || !function_count)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
