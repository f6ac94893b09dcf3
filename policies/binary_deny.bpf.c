// SPDX-License-Identifier: GPL-2.0
/*
 * binary_deny: refuses to run listed files: programs, scripts, interpreters and
 * libraries, by the SHA-256 of their contents, by their fs-verity digest or by their
 * build id, whatever they are called and wherever they lie. Three hash maps
 * hold the list; the value is the user's own.
 *
 * A file whose contents don't hold still has no digest. It is reported, and
 * refused as `deny_unhashable` says: of what is executed, memfds that are not
 * sealed and files with a writer; nothing of what is mapped.
 *
 * It is no defence against who can change a byte of the file, or load code
 * without mapping it. What was running or mapped before it was listed goes on.
 */
#include <stdbool.h>

#define POLICY "binary_deny"

#include "binary.h"
#include "report.bpf.h"

#define LIST(name, key_type)						\
	struct {							\
		__uint(type, BPF_MAP_TYPE_HASH);			\
		/* krsi makes it as large as its list. */		\
		__uint(max_entries, 1 << 16);				\
		__uint(map_flags, BPF_F_NO_PREALLOC);			\
		__type(key, key_type);					\
		__type(value, __u32);					\
	} name SEC(".maps")

LIST(denied_digest, struct krsi_binary_digest);
LIST(denied_verity, struct krsi_binary_verity);
LIST(denied_build_id, struct krsi_binary_build_id);

/* KRSI_BINARY_*; user space changes it in the map of the section .data. */
volatile __u32 deny_unhashable = KRSI_BINARY_MEMFD | KRSI_BINARY_BUSY;

/* What is told, and of what. */
struct found {
	void *ctx;
	struct krsi_event *event;
	__u32 behaviour;
	int verdict;
};

/*
 * What was found is told in hexadecimal: @size bytes of @digest. All that is told has room
 * for as many, or the verifier would lose count where the compiler shares a loop.
 */
static __always_inline void tell(const struct found *found, char *signal, __u32 signal_size,
				 const struct krsi_digest *digest, __u32 size)
{
	struct krsi_report *report = report_begin(found->event, found->behaviour, found->verdict);
	__u32 i;

	krsi_set_reason(found->event, signal, signal_size);
	if (!report)
		return;
	__builtin_memcpy(report->signal, signal, signal_size);
	for (i = 0; i < sizeof(digest->value) && i < size; i++) {
		report->value[2 * i] = hex_digit(digest->value[i] >> 4);
		report->value[2 * i + 1] = hex_digit(digest->value[i]);
	}
	report->value_len = 2 * i;
	report_submit(found->ctx, report);
}

#define TELL(about, of, signal, digest, size)				\
({									\
	struct found ___found = {					\
		.ctx = ctx, .event = about, .behaviour = of,			\
		.verdict = -EPERM,						\
	};								\
	char ___signal[] = signal;					\
	tell(&___found, ___signal, sizeof(___signal), digest, size);	\
})

/* Only that it has no digest; the answer to that. */
#define TELL_UNHASHABLE(about, of, signal, why)				\
({									\
	struct found ___found = {					\
		.ctx = ctx, .event = about, .behaviour = of,			\
		.verdict = deny_unhashable & (why) ? -EPERM : 0,	\
	};								\
	char ___signal[] = signal;					\
	tell(&___found, ___signal, sizeof(___signal), NULL, 0);		\
	___found.verdict;						\
})

/* By its marks, which are cheap, and last if the file has fs-verity. */
static __always_inline bool is_marked(void *ctx, struct krsi_event *event, __u32 behaviour)
{
	struct krsi_binary_build_id id = {};
	struct krsi_binary_verity verity;
	struct krsi_digest digest = {};
	int size = krsi_get_file_build_id(event, id.value, sizeof(id.value));

	if (size > 0) {
		id.size = size;
		if (bpf_map_lookup_elem(&denied_build_id, &id)) {
			__builtin_memcpy(digest.value, id.value, sizeof(id.value));
			TELL(event, behaviour, "denied_build_id", &digest, size);
			return true;
		}
	}
	size = krsi_get_file_verity(event, &digest, sizeof(digest));
	if (size > 0) {
		verity.algo = digest.algo;
		__builtin_memcpy(verity.value, digest.value, sizeof(verity.value));
		if (bpf_map_lookup_elem(&denied_verity, &verity)) {
			TELL(event, behaviour, "denied_verity", &digest, size);
			return true;
		}
	}
	return false;
}

/* 1: listed; 0: not; or why it has no digest. */
static __always_inline int is_listed(void *ctx, struct krsi_event *event, __u32 behaviour)
{
	struct krsi_digest digest;
	int size;

	if (is_marked(ctx, event, behaviour))
		return 1;
	size = krsi_get_file_digest(event, &digest, sizeof(digest));
	if (size < 0)
		return size;
	if (!bpf_map_lookup_elem(&denied_digest, digest.value))
		return 0;
	TELL(event, behaviour, "denied_digest", &digest, 32);
	return 1;
}

SEC("struct_ops/process_exec")
int BPF_PROG(binary_deny_exec, struct krsi_exec *exec)
{
	struct krsi_event *event = &exec->event;

	switch (is_listed(ctx, event, KRSI_PROCESS_EXEC)) {
	case 1:
		return -EPERM;
	case -EOPNOTSUPP:
		if (exec->flags & KRSI_EXEC_MEMFD)
			return TELL_UNHASHABLE(event, KRSI_PROCESS_EXEC, "unhashable_memfd",
					       KRSI_BINARY_MEMFD);
		return TELL_UNHASHABLE(event, KRSI_PROCESS_EXEC, "unhashable_remote",
				       KRSI_BINARY_REMOTE);
	case -EBUSY:
	case -EAGAIN:
		return TELL_UNHASHABLE(event, KRSI_PROCESS_EXEC, "unhashable_busy",
				       KRSI_BINARY_BUSY);
	default:
		return 0;
	}
}

SEC("struct_ops/file_map_exec")
int BPF_PROG(binary_deny_map, struct krsi_map_exec *map)
{
	struct krsi_event *event = &map->event;

	/* process_exec was asked about it. */
	if (map->flags & KRSI_MAP_PROGRAM)
		return 0;
	switch (is_listed(ctx, event, KRSI_FILE_MAP_EXEC)) {
	case 1:
		return -EPERM;
	case -EOPNOTSUPP:
		/* Memory that holds code is no file: just-in-time compilers have such. */
		if (map->flags & KRSI_MAP_MEMFD)
			return 0;
		break;
	case -EBUSY:
	case -EAGAIN:
		break;
	default:
		return 0;
	}
	return TELL_UNHASHABLE(event, KRSI_FILE_MAP_EXEC, "unhashable_mapping", KRSI_BINARY_MAPPED);
}

KRSI_POLICY(binary_deny, .process_exec = (void *)binary_deny_exec,
	    .file_map_exec = (void *)binary_deny_map);
