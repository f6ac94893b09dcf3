// SPDX-License-Identifier: GPL-2.0
/* What is measured: KRSI policies. What does the same without KRSI: twins.bpf.c. */
#include "krsi.bpf.h"

#include "event.h"

SEC("struct_ops/process_exec")
int BPF_PROG(empty_exec, struct krsi_exec *exec)
{
	return 0;
}

KRSI_POLICY(krsi_empty, .process_exec = (void *)empty_exec);

SEC("struct_ops/process_exec")
int BPF_PROG(env_exec, struct krsi_exec *exec)
{
	char value[64];

	return krsi_env(exec, "LD_PRELOAD", value, sizeof(value)) == -ENOENT ? 0 : -EPERM;
}

KRSI_POLICY(krsi_env_read, .process_exec = (void *)env_exec);

#define CHUNK 4096

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, char[CHUNK]);
} chunks SEC(".maps");

struct all {
	struct krsi_exec *exec;
	char *chunk;
};

static long read_chunk(__u32 n, struct all *all)
{
	return krsi_get_env_vars(all->exec, n * CHUNK, all->chunk, CHUNK) <= CHUNK;
}

/* The whole environment, as it lies there. */
SEC("struct_ops/process_exec")
int BPF_PROG(env_all_exec, struct krsi_exec *exec)
{
	struct all all = { exec };
	__u32 key = 0;

	all.chunk = bpf_map_lookup_elem(&chunks, &key);
	if (all.chunk)
		bpf_loop(1 << 20, read_chunk, &all, 0);
	return 0;
}

KRSI_POLICY(krsi_env_all, .process_exec = (void *)env_all_exec);

static long read_arg(__u32 n, struct krsi_exec **exec)
{
	char arg[16];

	return krsi_get_arg(*exec, n, arg, sizeof(arg)) < 0;
}

SEC("struct_ops/process_exec")
int BPF_PROG(args_exec, struct krsi_exec *exec)
{
	bpf_loop(exec->argc, read_arg, &exec, 0);
	return 0;
}

KRSI_POLICY(krsi_args_read, .process_exec = (void *)args_exec);

SEC("struct_ops/process_exec")
int BPF_PROG(denied_exec, struct krsi_exec *exec)
{
	return -EPERM;
}

KRSI_POLICY(krsi_denies, .process_exec = (void *)denied_exec,
	    .flags = KRSI_AUDIT | KRSI_NO_RECORD);
KRSI_POLICY(krsi_records, .process_exec = (void *)denied_exec, .flags = KRSI_AUDIT);

SEC("struct_ops/process_exec")
int BPF_PROG(digest_exec, struct krsi_exec *exec)
{
	struct krsi_digest digest;

	krsi_get_file_digest(&exec->event, &digest, sizeof(digest));
	return 0;
}

KRSI_POLICY(krsi_digest, .process_exec = (void *)digest_exec);

SEC("struct_ops/process_exec")
int BPF_PROG(build_id_exec, struct krsi_exec *exec)
{
	__u8 id[KRSI_BUILD_ID_SIZE];

	krsi_get_file_build_id(&exec->event, id, sizeof(id));
	return 0;
}

KRSI_POLICY(krsi_build_id, .process_exec = (void *)build_id_exec);

SEC("struct_ops/file_map_exec")
int BPF_PROG(empty_map, struct krsi_map_exec *map)
{
	return 0;
}

KRSI_POLICY(krsi_map, .file_map_exec = (void *)empty_map);

SEC("struct_ops/file_map_exec")
int BPF_PROG(digest_map, struct krsi_map_exec *map)
{
	struct krsi_digest digest;

	krsi_get_file_digest(&map->event, &digest, sizeof(digest));
	return 0;
}

KRSI_POLICY(krsi_map_digest, .file_map_exec = (void *)digest_map);

SEC("struct_ops/mount")
int BPF_PROG(empty_mount, struct krsi_mount *mount)
{
	return 0;
}

KRSI_POLICY(krsi_mount, .mount = (void *)empty_mount);

SEC("struct_ops/mount")
int BPF_PROG(usb_mount, struct krsi_mount *mount)
{
	struct krsi_usb_id id;

	krsi_get_usb_id(mount, &id, sizeof(id));
	return 0;
}

KRSI_POLICY(krsi_usb_id, .mount = (void *)usb_mount);

SEC("struct_ops/module_load")
int BPF_PROG(empty_load, struct krsi_module_load *load)
{
	return 0;
}

KRSI_POLICY(krsi_load, .module_load = (void *)empty_load);

SEC("struct_ops/module_load")
int BPF_PROG(digest_load, struct krsi_module_load *load)
{
	__u8 digest[32];

	krsi_get_module_digest(load, digest, sizeof(digest));
	return 0;
}

KRSI_POLICY(krsi_mod_digest, .module_load = (void *)digest_load);

SEC("struct_ops/module_request")
int BPF_PROG(empty_request, struct krsi_module_request *request)
{
	return 0;
}

KRSI_POLICY(krsi_request, .module_request = (void *)empty_request);

SEC("struct_ops/file_unlink")
int BPF_PROG(empty_unlink, struct krsi_unlink *removal)
{
	return 0;
}

KRSI_POLICY(krsi_unlink, .file_unlink = (void *)empty_unlink);

SEC("struct_ops/executable_unlink")
int BPF_PROG(empty_exec_unlink, struct krsi_exec_unlink *removal)
{
	return 0;
}

KRSI_POLICY(krsi_exe_unlink, .executable_unlink = (void *)empty_exec_unlink);

SEC("struct_ops/file_map_exec")
int BPF_PROG(ring_map, struct krsi_map_exec *map)
{
	send_by_ring();
	return 0;
}

KRSI_POLICY(krsi_event_ring, .file_map_exec = (void *)ring_map);

SEC("struct_ops/file_map_exec")
int BPF_PROG(perf_map, struct krsi_map_exec *map)
{
	send_by_perf(ctx);
	return 0;
}

KRSI_POLICY(krsi_event_perf, .file_map_exec = (void *)perf_map);

/* What KRSI gives BPF LSM programs. */
SEC("lsm/bprm_check_security")
int BPF_PROG(bprm_env_read, struct linux_binprm *bprm)
{
	char name[] = "LD_PRELOAD", value[64];

	if (krsi_bprm_get_env_var(bprm, name, sizeof(name), value, sizeof(value)) == -ENOENT)
		return 0;
	/* Keeps the compiler from arithmetic whose range the verifier can't see. */
	asm volatile("");
	return -EPERM;
}
