/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What env_audit and who fills its maps agree on. */
#ifndef _KRSI_PRELOAD_H
#define _KRSI_PRELOAD_H

#include <linux/types.h>

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

/* How many variables can be looked for. */
#define KRSI_VARIABLES 8

/* Size of the name of one, with its NUL: that of struct krsi_report.signal. */
#define KRSI_VARIABLE_SIZE 32

/*
 * struct krsi_variable.flags. With neither of the separators its value is one word. Nothing
 * is told of a value that is empty, or a list without names
 */
#define KRSI_VARIABLE_DENIES	(1U << 0) /* refused in enforce mode; without it only told */
#define KRSI_VARIABLE_COLONS	(1U << 1) /* it is a list, which colons separate */
#define KRSI_VARIABLE_SPACES	(1U << 2) /* it is a list, which spaces separate */
#define KRSI_VARIABLE_ALLOWED	(1U << 3) /* of the list, what `allowed_preload` has is silent */

/**
 * struct krsi_variable - an environment variable that is looked for
 * @name: with a NUL, 0 behind it; a name that is empty ends them
 * @flags: KRSI_VARIABLE_*
 */
struct krsi_variable {
	char name[KRSI_VARIABLE_SIZE];
	__u32 flags;
};

/* struct krsi_variables.told: what of a value is in a report, beside how long it is */
#define KRSI_VALUE_WHOLE	0 /* as much as fits */
#define KRSI_VALUE_PREFIX	1 /* KRSI_VALUE_PREFIX_LEN bytes */
#define KRSI_VALUE_LENGTH	2 /* nothing */
#define KRSI_VALUE_HASH		3 /* "fnv1a:" and FNV-1a of all of it, 64 bits in hexadecimal */

#define KRSI_VALUE_PREFIX_LEN	16

/**
 * struct krsi_variables - value of the one element of the map `.data.variables`
 * @variable: what is looked for
 * @told: KRSI_VALUE_*
 *
 * It has its defaults in the object, and can be changed before that is loaded and while the
 * policy is attached. Then what stays must keep its place: the policy may read while it is
 * written to. To take one out, first copy the last over it, which is told twice then, and
 * then empty the last.
 */
struct krsi_variables {
	struct krsi_variable variable[KRSI_VARIABLES];
	__u32 told;
};

#endif /* _KRSI_PRELOAD_H */
