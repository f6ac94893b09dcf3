/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What module_allow and who fills its maps agree on. */
#ifndef _KRSI_MODULE_ALLOW_H
#define _KRSI_MODULE_ALLOW_H

#include "krsi.h"

/* The one value of the map `learning`. */
#define KRSI_MODULES_LOCKED	0 /* what is on no list is refused */
#define KRSI_MODULES_LEARNED	1 /* it is allowed and recorded */

/**
 * struct krsi_module_digest - key of the lists of modules
 * @sha256: of the file, uncompressed
 */
struct krsi_module_digest {
	__u8 sha256[KRSI_DIGEST_SIZE];
};

/**
 * struct krsi_module_learned - value of the map `learned`
 * @name: the name that the module had when it was learned, with a NUL
 */
struct krsi_module_learned {
	char name[64];
};

#endif /* _KRSI_MODULE_ALLOW_H */
