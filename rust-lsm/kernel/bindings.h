/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for KRSI: the kernel headers that the boundary wraps, the
 * ABI, the C helpers beside it and the BTF surface of bpf-helpers/krsi_btf.c.
 *
 * Each edit of this file, or of one that it includes, rebuilds all Rust code
 * of the tree. Included by rust/bindings/bindings_helper.h.
 */
#ifndef _KRSI_BINDINGS_H
#define _KRSI_BINDINGS_H

#include <crypto/sha2.h>
#include <linux/audit.h>
#include <linux/binfmts.h>
#include <linux/blkdev.h>
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/buildid.h>
#include <linux/fs_context.h>
#include <linux/fsverity.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kernfs.h>
#include <linux/lsm_hooks.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/srcu.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/usb.h>
#include <linux/workqueue.h>
#include <uapi/linux/auxvec.h>
#include <uapi/linux/lsm.h>
#include <uapi/linux/magic.h>
#include <uapi/linux/major.h>
#include <uapi/linux/mount.h>

#include "../../bpf-helpers/krsi.h"

/* Whether the framework can switch a hook (patch "lsm: let an LSM switch..."). */
#if defined(LSM_HOOK_INIT_OFF) && !defined(CONFIG_SECURITY_KRSI_OWN_SWITCH)
#define KRSI_FRAMEWORK_SWITCHES 1
#else
#define KRSI_FRAMEWORK_SWITCHES 0
#endif

/* Where the tree's header has them not (patch "audit: add the record types of KRSI"). */
#ifndef AUDIT_KRSI_ACCESS
#define AUDIT_KRSI_ACCESS	1490
#define AUDIT_KRSI_POLICY	1491
#endif

/* KRSI's own static key of a hook, for a framework that can't. */
struct krsi_hook_key {
	struct static_key_false key;
};

extern struct krsi_hook_key krsi_key_bprm_creds_for_exec;
extern struct krsi_hook_key krsi_key_bprm_check_security;
extern struct krsi_hook_key krsi_key_bprm_committed_creds;
extern struct krsi_hook_key krsi_key_task_alloc;
extern struct krsi_hook_key krsi_key_task_free;
extern struct krsi_hook_key krsi_key_mmap_file;
extern struct krsi_hook_key krsi_key_inode_free_security;
extern struct krsi_hook_key krsi_key_path_unlink;
extern struct krsi_hook_key krsi_key_path_rename;
extern struct krsi_hook_key krsi_key_inode_unlink;
extern struct krsi_hook_key krsi_key_inode_rename;
extern struct krsi_hook_key krsi_key_kernel_post_load_data;
extern struct krsi_hook_key krsi_key_kernel_post_read_file;
extern struct krsi_hook_key krsi_key_kernel_module_request;
extern struct krsi_hook_key krsi_key_sb_reconfigure;
extern struct krsi_hook_key krsi_key_swapon;
extern struct krsi_hook_key krsi_key_file_mprotect;
extern struct krsi_hook_key krsi_key_file_open;
extern struct krsi_hook_key krsi_key_inode_setattr;

/* What bindgen can't evaluate. */
enum krsi_fmode {
	KRSI_FMODE_BACKING = (__force unsigned int)FMODE_BACKING
};

extern struct srcu_struct krsi_srcu;

struct srcu_ctr __percpu *krsi_list_lock(void);
void krsi_list_unlock(struct srcu_ctr __percpu *scp);
u64 __percpu *krsi_counter_alloc(void);
void krsi_counter_increase(u64 __percpu *counts);
u64 krsi_counter_sum(u64 __percpu *counts);
void krsi_counter_free(u64 __percpu *counts);
struct srcu_ctr __percpu *krsi_run_begin(void);
void krsi_run_end(struct srcu_ctr __percpu *scp);
void krsi_run_pause(void);
void krsi_run_resume(void);
int krsi_run(const struct bpf_prog *prog, const u64 *args, u64 __percpu *runs);

void krsi_hook_init(struct security_hook_list *hl, bool starts_off);
void krsi_hook_switch(struct security_hook_list *hl, struct krsi_hook_key *key, bool on);

bool krsi_inode_leased(const struct inode *inode);
s64 krsi_inode_size(const struct inode *inode);
struct timespec64 krsi_inode_mtime(const struct inode *inode);
u64 krsi_user_dev(dev_t dev);
struct dentry *krsi_dget(struct dentry *dentry);
struct dentry *krsi_dcache_lookup(struct dentry *dir, const unsigned char *name, u32 len);
struct dentry *krsi_lookup(struct dentry *dir, const unsigned char *name, u32 len);
void krsi_wait_for_removal(struct dentry *dentry);
bool krsi_is_nameless(const struct dentry *dentry);
bool krsi_leads_here(const struct dentry *dentry);
bool krsi_dentry_is(struct dentry *dentry, const unsigned char *name, u32 len);
struct dentry *krsi_lock_name(struct dentry *dentry);
void krsi_unlock_name(struct dentry *dentry);
bool krsi_path_is(const struct dentry *dentry, const unsigned char *path, u32 len);
struct dentry *krsi_real_dentry(struct dentry *dentry);
u32 krsi_renames_begin(void);
bool krsi_renames_retry(u32 seq);
bool krsi_in_upper_layer(struct inode *inode);
struct mnt_namespace *krsi_mount_ns(struct vfsmount *mnt);
struct mnt_namespace *krsi_task_mnt_ns(struct task_struct *task);
bool krsi_mnt_ns_is_a_users(const struct mnt_namespace *ns);
struct mnt_namespace *krsi_init_mnt_ns(void);
char *krsi_d_path(const struct path *path, char *buf, int size, bool *reachable);
u64 krsi_mnt_ns(void);
bool krsi_mnt_ns_is_initial(void);
bool krsi_root_is_of_mnt_ns(void);
bool krsi_caller_owns(const struct file *file);
bool krsi_caller_in_group(const struct file *file);
struct mnt_idmap *krsi_file_idmap(const struct file *file);
const struct path *krsi_user_path(const struct file *file);
struct inode *krsi_data_inode(const struct file *file);
struct inode *krsi_file_inode(const struct file *file);
bool krsi_file_readable(const struct file *file);
bool krsi_file_writable(const struct file *file);
int krsi_file_seals(struct file *file);
bool krsi_inode_pinned(struct inode *inode);
int krsi_verity_digest(struct inode *inode, u8 *digest, u8 *algo);
void krsi_sha256_update(struct sha256_ctx *ctx, const u8 *data, size_t len);
bool krsi_fatal_signal(void);
void krsi_cond_resched(void);
void krsi_put_page(struct page *page);
unsigned long krsi_hold_pages(struct mm_struct *mm, unsigned long addr, unsigned long count,
			      void **pages);
long krsi_fault_in_pages(struct mm_struct *mm, unsigned long addr, unsigned long count,
			 void **pages);
void krsi_put_pages(void **pages, unsigned long count);

struct block_device *krsi_disk_of_device(struct device *dev);
struct device *krsi_device_of_disk(struct block_device *bdev);
struct usb_device *krsi_usb_device(struct device *dev);
u16 krsi_usb_vendor(const struct usb_device *udev);
u16 krsi_usb_product(const struct usb_device *udev);
void krsi_bdev_name(struct block_device *bdev, char *buf, int size);
unsigned int krsi_slaves(struct block_device *bdev, struct block_device **slaves, unsigned int max);
struct file *krsi_backing_file(struct block_device *bdev);
struct block_device *krsi_file_bdev(const struct file *file);
bool krsi_sb_filled(const struct super_block *sb);
bool krsi_sb_on_mtd(const struct super_block *sb);
u32 krsi_overlay_layers(const struct super_block *sb);
struct super_block *krsi_overlay_layer(const struct super_block *sb, u32 n);

u64 krsi_cgroup_id(struct task_struct *task);
u32 krsi_uid(kuid_t uid);
u32 krsi_gid(kgid_t gid);
const struct cred *krsi_current_cred(void);
struct task_struct *krsi_real_parent(struct task_struct *task);
bool krsi_in_execve(struct task_struct *task);

extern char *krsi_boot_mode;
extern char *krsi_boot_module_scan_ms;

u64 krsi_boot_ns(void);
bool krsi_kset_has(const struct kobject *kobj);
struct page *krsi_hold_page_at(const void *addr);
bool krsi_module_dir_is(const char *name, const void *dir);
void krsi_work_within(struct delayed_work *work, unsigned long ms);
void krsi_work_now(struct delayed_work *work);
extern struct delayed_work krsi_work;

u32 krsi_member_offset(const struct btf_type *t, const struct btf_member *member);
bool krsi_log_allowed(void);
struct audit_buffer *krsi_audit_start(int type, bool may_wait);
void krsi_audit_text(struct audit_buffer *ab, const char *text, u32 len);
u32 krsi_loginuid(void);
u32 krsi_sessionid(void);

/* The BTF surface: the kfuncs, in groups that are prepared and admitted together. */
enum krsi_kfunc_group {
	KRSI_KFUNCS_EXEC,	/* readers of an exec's memory, on krsi_exec */
	KRSI_KFUNCS_FACTS,	/* facts of an exec that take a look */
	KRSI_KFUNCS_PRIVILEGED,	/* and an extended attribute */
	KRSI_KFUNCS_NAME,	/* and a lookup of its name */
	KRSI_KFUNCS_EVENT,	/* every event */
	KRSI_KFUNCS_PATH,	/* the same, what is prepared for removals */
	KRSI_KFUNCS_REASON,	/* every event that can be denied */
	KRSI_KFUNCS_MOUNT,	/* what a mount stands on, on krsi_mount */
	KRSI_KFUNCS_DIGEST,	/* the digest of a file, which is read for it */
	KRSI_KFUNCS_MEMFD,	/* the same of a memfd alone */
	KRSI_KFUNCS_MARKS,	/* what a file is marked with: fs-verity, a build id */
	KRSI_KFUNCS_MODULE_DIGEST, /* of the module that is being loaded */
	KRSI_KFUNCS_MODULE_INFO, /* what stands in it */
	KRSI_KFUNCS_BPRM,	/* readers for BPF LSM programs, on linux_binprm */
	KRSI_KFUNCS_COMMON,	/* the kernel's own that a policy may call */
	KRSI_KFUNCS_FOREIGN	/* all others */
};

extern const struct btf_kfunc_id_set krsi_policy_kfuncs;
extern const struct btf_kfunc_id_set krsi_bprm_kfuncs;
extern struct krsi_ops krsi_cfi_stubs;
extern const struct bpf_verifier_ops krsi_verifier_ops;

int krsi_register_struct_ops(struct bpf_struct_ops *ops);
int krsi_kfunc_group(u32 id);
bool krsi_is_bprm_hook(u32 id);

/* Implemented in Rust (worker.rs), called by helpers.c alone. */
void krsi_rs_work(struct work_struct *work);

/* Implemented in Rust (verifier.rs, thunks.rs), called by krsi_btf.c alone. */
const struct bpf_func_proto *krsi_rs_helper_proto(u32 id, const struct bpf_prog *prog);
int krsi_rs_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id);
#define KRSI_READER(name, params, args)						\
	int krsi_rs_##name(struct krsi_exec *exec, KRSI_UNWRAP params);		\
	int krsi_rs_bprm_##name(struct linux_binprm *bprm, KRSI_UNWRAP params);
#define KRSI_KFUNC(group, context, name, params, args)			\
	int krsi_rs_##name(struct context *event, KRSI_UNWRAP params);
#define KRSI_FACT(group, context, name) int krsi_rs_##name(struct context *event);
#include "../../bpf-helpers/kfuncs.h"

#endif /* _KRSI_BINDINGS_H */
