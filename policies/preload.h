/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What env_audit and who fills its map agree on. */
#ifndef _KRSI_PRELOAD_H
#define _KRSI_PRELOAD_H

/* Size of the name of a library that may be preloaded, with its NUL. */
#define KRSI_PRELOAD_SIZE 128

/* How many libraries can be allowed. */
#define KRSI_PRELOAD_MAX 64

/**
 * struct krsi_preload - key of the map `allowed_preload`
 * @name: the library as LD_PRELOAD names it, 0 behind it; no byte of it separates names
 *	for any loader: no white space and no colon
 */
struct krsi_preload {
	char name[KRSI_PRELOAD_SIZE];
};

#endif /* _KRSI_PRELOAD_H */
