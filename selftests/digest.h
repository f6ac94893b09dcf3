/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For tests of what is said about contents: digests as user space computes
 * them, and a policy that notes what KRSI says (progs/digests.bpf.c).
 *
 *	seeing_start(&seeing);
 *	EXPECT_TRUE(is_digest_of(seeing_exec(&seeing, (struct run){ .path = path }), path));
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common.h"
#include "digests.h"
#include "hits.h"
#include "run.h"

/* All return 0 or -errno. */
int sha256_file(const char *path, unsigned char digest[32]);
/* Adds text at the end of a file. */
int file_append(const char *path, const char *text);
/* 2 * size characters and a NUL. */
void hex_of(char *hex, const unsigned char *value, size_t size);

/* What is executed is followed by this much that no program looks at. */
#define TAIL (256 << 10)

/* A copy of exit0 with a tail of this byte, which begins at *tail. */
int make_program(const char *path, char byte, off_t *tail);

/* A memfd with these seals and the program in it, which an exec inherits; or -errno. */
int memfd_of(const char *program, unsigned int seals);
/* The build id in a file's notes: its length or -errno. */
int build_id_of(const char *path, unsigned char id[20]);
/* Makes it a file with fs-verity; the length of its digest or -errno. */
int verity_enable(const char *path, int alg, unsigned char value[64]);

struct seeing {
	struct policy policy;
	struct digests *seen;
	struct bpf_object *counter;
	struct hits *hits; /* how often it hashed */
	int result; /* of the last exec */
};

int seeing_start(struct seeing *seeing);
void seeing_end(struct seeing *seeing);
/* Executes it so, and returns the first event; its digest_ret is -ENOMSG if there was none. */
const struct digest_event *seeing_exec(struct seeing *seeing, struct run how);
/* The same of what is only asked about (AT_EXECVE_CHECK), by this process: nothing is executed. */
const struct digest_event *seeing_ask(struct seeing *seeing, const char *path);
/* How often it hashed meanwhile. */
int seeing_hashed(const struct seeing *seeing);

/* Is it that of the file's contents now? Says what it is if not. */
bool is_digest_of(const struct digest_event *event, const char *path);

#endif /* DIGEST_H */
