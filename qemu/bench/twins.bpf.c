// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF LSM twins: programs that do without KRSI what a policy of measured.bpf.c does,
 * each as cheaply as is known. A twin of several programs has them as NAME__PART.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/mman.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "event.h"

char _license[] SEC("license") = "GPL";

/* Of the kernel's, what is read; where it lies is found when the object is loaded. */
#define KERNEL_TYPE __attribute__((preserve_access_index))

struct inode {
} KERNEL_TYPE;

struct file {
	struct inode *f_inode;
} KERNEL_TYPE;

struct dentry {
	struct inode *d_inode;
} KERNEL_TYPE;

struct vm_area_struct {
} KERNEL_TYPE;

struct linux_binprm {
	unsigned long p;
	struct file *file;
	int argc, envc;
	unsigned long exec;
} KERNEL_TYPE;

extern int bpf_copy_from_user_str(void *dst, __u32 dst__sz, const void *unsafe_ptr__ign,
				  __u64 flags) __ksym;

#define EMPTY(name, hook)		\
SEC("lsm/" #hook)			\
int BPF_PROG(name)			\
{					\
	return 0;			\
}

EMPTY(lsm_exec, bprm_check_security)
EMPTY(lsm_unlink, inode_unlink)
EMPTY(lsm_map, mmap_file)
EMPTY(lsm_protect, file_mprotect)
EMPTY(lsm_mount, sb_kern_mount)
EMPTY(lsm_load, kernel_post_read_file)
EMPTY(lsm_request, kernel_module_request)

#define CHUNK 4096

struct chunk {
	union {
		char bytes[CHUNK];
		__u64 words[CHUNK / 8];
	};
};

/* Too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chunk);
} chunks SEC(".maps");

/*
 * True until a loop has gone on for too long, which the verifier asks of one without a
 * bound: the instruction may_goto. It is cheaper than bpf_loop() or an iterator.
 */
#define can_loop						\
({								\
	__label__ done, go_on;					\
	bool more = true;					\
								\
	asm volatile goto("1: .byte 0xe5; .byte 0;"		\
			  ".long ((%l[done] - 1b - 8) / 8) & 0xffff; .short 0" :::: done); \
	goto go_on;						\
done:								\
	more = false;						\
go_on:								\
	more;							\
})

static __always_inline struct chunk *get_chunk(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&chunks, &key);
}

/* The strings of an exec stand on its new stack: the arguments, then the environment. */
SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(lsm_args, struct linux_binprm *bprm)
{
	struct chunk *chunk = get_chunk();
	unsigned long at = bprm->p;
	long left = bprm->argc;

	while (chunk && left-- > 0 && can_loop) {
		int size = bpf_copy_from_user_str(chunk, CHUNK, (void *)at, 0);

		if (size <= 0)
			break;
		at += size;
	}
	return 0;
}

static __u64 found;

/*
 * A string that is longer than the chunk comes in pieces, and the end of one is taken for
 * a string of its own: what is asked for is not set, and costs no less.
 */
SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(lsm_env_one, struct linux_binprm *bprm)
{
	const char name[16] = "LD_PRELOAD=";
	unsigned long at = bprm->p, end = bprm->exec;
	struct chunk *chunk = get_chunk();

	while (chunk && at < end && can_loop) {
		int size = bpf_copy_from_user_str(chunk, CHUNK, (void *)at, 0);

		if (size <= 0)
			break;
		at += size;
		if (chunk->words[0] == *(__u64 *)name && !__builtin_memcmp(chunk->bytes + 8, name + 8, 3))
			found++;
	}
	return 0;
}

/* The arguments, too: where the environment begins only a walk of them would tell. */
SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(lsm_env_all, struct linux_binprm *bprm)
{
	unsigned long at = bprm->p, end = bprm->exec;
	struct chunk *chunk = get_chunk();

	while (chunk && at < end && can_loop) {
		__u64 size = end - at;

		if (size > CHUNK)
			size = CHUNK;
		if (bpf_copy_from_user(chunk, size, (void *)at))
			break;
		at += size;
	}
	return 0;
}

/* Which files were executed, as far as BPF's own storage can remember it. */
struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} executed SEC(".maps");

SEC("lsm/bprm_committed_creds")
int BPF_PROG(lsm_record__exec, struct linux_binprm *bprm)
{
	__u64 *times = bpf_inode_storage_get(&executed, bprm->file->f_inode, 0,
					     BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (times)
		(*times)++;
	return 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(lsm_record__unlink, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	if (inode)
		bpf_inode_storage_get(&executed, inode, 0, 0);
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(lsm_event_ring, struct vm_area_struct *area, unsigned long asked, unsigned long given)
{
	if (given & PROT_EXEC)
		send_by_ring();
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(lsm_event_perf, struct vm_area_struct *area, unsigned long asked, unsigned long given)
{
	if (given & PROT_EXEC)
		send_by_perf(ctx);
	return 0;
}
