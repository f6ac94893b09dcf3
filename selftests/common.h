/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test of KRSI uses: policies loaded from the object files beside
 * the test program, and KRSI's own account of them in securityfs.
 */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "krsi.h"

#define KRSI_FS "/sys/kernel/security/krsi/"

/*
 * Seconds for a test: an exec takes a tenth of one on a kernel with every
 * checker, more on a busy machine, and many tests have hundreds.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600

/* A policy: one struct_ops map of an object file. */
struct policy {
	struct bpf_object *obj;
	struct bpf_map *map;
	struct bpf_link *link;
	void *data; /* the object's only global variable, once loaded */
	size_t data_size;
	bool kept; /* the object stays when the policy is closed */
};

/*
 * All return 0 or a negative errno. @object is a file beside the test
 * program, @map the struct_ops map in it that is wanted; the object's other
 * ones are left out.
 */
int policy_open(struct policy *p, const char *object, const char *map);
int policy_load(struct policy *p);
int policy_attach(struct policy *p);
/* The first two, unless it was kept; all three. */
int policy_take(struct policy *p, const char *object, const char *map);
int policy_start(struct policy *p, const char *object, const char *map);
void policy_detach(struct policy *p);
void policy_close(struct policy *p);

/*
 * Loads a policy for all tests of a program, which are children of the process
 * that does: the verifier's work is most of what a short test takes.
 * policy_take() gives it with its data zero again.
 */
void policy_keep(const char *object, const char *map);

/* Keeps these from the program's start on. */
#define KEEP_POLICIES(object, ...) \
	__attribute__((constructor)) static void keep_policies(void) \
	{ \
		static const char *const maps[] = { __VA_ARGS__ }; \
		size_t i; \
\
		for (i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) \
			policy_keep(object, maps[i]); \
	}

/* The values of the map, to be changed between policy_open and policy_load. */
struct krsi_ops *policy_ops(struct policy *p);
void policy_name(struct policy *p, const char *name);
int policy_map_fd(struct policy *p);

/* A line of KRSI_FS "policies". */
struct policy_line {
	unsigned long long id, runs, denials, would_denials, errors, memory, uid, pid, attached;
	unsigned long long unrecorded;
	char name[4 * KRSI_NAME_SIZE], wanted[16], mode[16], flags[64], ops[256], maps[256];
	char comm[80];
};

/* The n-th attached policy of that name (all names if NULL); -ENOENT. */
int policy_line_nth(const char *name, int n, struct policy_line *line);
int policy_line(const char *name, struct policy_line *line);
int policy_count(const char *name);
/* Waits until no policy of that name is attached: false after five seconds. */
bool policy_gone(const char *name);

/* Directory of the test program, with a slash at its end. */
const char *test_dir(void);
/* A path in it, in one of four buffers used in turn. */
const char *test_path(const char *file);

/* Whole files; -errno or the number of bytes. A NUL is put after them. */
int file_read(const char *path, char *buf, size_t size);
int file_write(const char *path, const char *text);

/* What KRSI tells of a file or directory; 0 or -errno. */
int file_id(const char *path, struct krsi_file_id *id);

/* Sets the global mode; remembers what it was for mode_restore(). */
int mode_set(const char *mode);
void mode_restore(void);

/* KRSI's lines in the kernel log since log_mark(): is there one with @text? */
void log_mark(void);
bool log_has(const char *text);

/* On a kernel with every checker an exec takes 15 times as long. */
bool debug_kernel(void);
/* A number of rounds: the first on an ordinary kernel, the second on that. */
int rounds(int ordinary, int debug);

unsigned long long now_ms(void);

/* What libbpf complains about is printed, unless a test expects complaints. */
extern bool libbpf_quiet;

#endif /* COMMON_H */
