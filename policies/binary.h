/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What binary_deny and who fills its maps share. */
#ifndef _KRSI_BINARY_H
#define _KRSI_BINARY_H

#include "krsi.h"

/**
 * struct krsi_binary_digest - key of the map `denied_digest`
 * @value: SHA-256 of a file, as sha256sum(1) tells it
 */
struct krsi_binary_digest {
	__u8 value[32];
};

/**
 * struct krsi_binary_verity - key of the map `denied_verity`
 * @algo: KRSI_DIGEST_VERITY_SHA256 or KRSI_DIGEST_VERITY_SHA512
 * @value: a file's fs-verity digest, as fsverity(1) tells it; 0 behind it
 */
struct krsi_binary_verity {
	__u32 algo;
	__u8 value[64];
};

/**
 * struct krsi_binary_build_id - key of the map `denied_build_id`
 * @size: bytes of @value
 * @value: an ELF file's build id, as readelf -n tells it; 0 behind it
 */
struct krsi_binary_build_id {
	__u32 size;
	__u8 value[KRSI_BUILD_ID_SIZE];
};

/*
 * The one value of the map of the section .data, `deny_unhashable`, a __u32: of what has no
 * digest these are denied, too. It can be changed before the object is loaded and while the
 * policy is attached.
 */
#define KRSI_BINARY_MEMFD	(1U << 0) /* what is executed is a memfd without seals */
#define KRSI_BINARY_BUSY	(1U << 1) /* is being written to, or may be */
#define KRSI_BINARY_REMOTE	(1U << 2) /* lies in a filesystem that others change */
#define KRSI_BINARY_MAPPED	(1U << 3) /* what is mapped is one of the last two, or not known */

#endif /* _KRSI_BINARY_H */
