/* SPDX-License-Identifier: GPL-2.0 */
/* What progs/digests.bpf.c and the tests share: what is said about contents, event by event. */
#ifndef DIGESTS_H
#define DIGESTS_H

#include "krsi.h"

#define DIGESTS_MAX 64

enum {
	DIGESTS_EXEC = 1 << 0,
	DIGESTS_MAP = 1 << 1,
};

struct digest_event {
	__u32 op; /* DIGESTS_* */
	__u32 how; /* of a mapping; of an exec its depth */
	__u32 flags;
	__s32 digest_ret;
	__s32 verity_ret;
	__s32 build_id_ret;
	__u64 ino;
	struct krsi_digest digest;
	struct krsi_digest verity;
	__u8 build_id[KRSI_BUILD_ID_SIZE];
	char path[128];
};

struct digests {
	__u32 tgid; /* whose events */
	__u32 ops; /* DIGESTS_* */
	__u64 ino; /* of which file, if not 0 */
	__u32 deny; /* the answer is -EPERM */
	__u32 n;
	struct digest_event event[DIGESTS_MAX];
};

#endif /* DIGESTS_H */
