/* SPDX-License-Identifier: GPL-2.0 */
/* Loads modules, under any name, and reads KRSI's ledger of them. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MODULES KRSI_FS "modules"

/*
 * Loads modules/@file.ko, with the name in its struct module changed to @name
 * if that is not NULL. 0 or -errno, as for the next.
 */
int module_load(const char *file, const char *name, const char *args);
int module_unload(const char *name);

/* A line of the ledger; the name is as it is written there. */
struct module_row {
	char name[256], state[16], in[64], missing[64], altered[64], text[64], comm[80];
	char source[16], digest[80];
	unsigned long long uid, pid, age, looks;
};

/* 0, or -ENOENT. */
int module_row(const char *name, struct module_row *row);
/* Waits until there is no such row: false after ten seconds. */
bool module_row_gone(const char *name);

struct module_total {
	unsigned long long rows, lost, looks;
};

int module_total(struct module_total *total);
/* Has all of them looked at, and what was found told; 0 or -errno. */
int module_look(void);

/* The same module in /proc/modules: "Loading", "Live" or "Unloading". */
struct module_shown {
	char state[16];
	unsigned long long text, size;
};

/* 0, or -ENOENT. */
int module_shown(const char *name, struct module_shown *shown);

/* The value of key= in a line, up to the next space; "" if it isn't there. */
void word_of(const char *line, const char *key, char *value, size_t size);

#endif /* MODULE_H */
