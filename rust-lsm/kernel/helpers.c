// SPDX-License-Identifier: GPL-2.0
/*
 * C helpers of KRSI's boundary: what bindgen can't reach (macros, static
 * inlines) and what only a macro can define (static keys, an SRCU domain).
 * One line of work each and no policy; callers are the files beside this one. What is
 * about files and mounts stands in fs.c.
 */

#include <linux/audit.h>
#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/filter.h>
#include <linux/kdev_t.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/usb.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

/* For the layers of an overlay. */
#include <../../fs/overlayfs/ovl_entry.h>

#include "bindings.h"

struct krsi_hook_key krsi_key_bprm_creds_for_exec = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_bprm_check_security = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_bprm_committed_creds = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_task_alloc = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_task_free = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_mmap_file = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_inode_free_security = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_path_unlink = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_path_rename = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_inode_unlink = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_inode_rename = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_kernel_post_load_data = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_kernel_post_read_file = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_kernel_module_request = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_sb_reconfigure = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_swapon = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_file_mprotect = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_file_open = { STATIC_KEY_FALSE_INIT };
struct krsi_hook_key krsi_key_inode_setattr = { STATIC_KEY_FALSE_INIT };

DEFINE_SRCU_FAST(krsi_srcu);

/* A hundred lines in five seconds: each program that is refused leaves one. */
static DEFINE_RATELIMIT_STATE(krsi_log_limit, DEFAULT_RATELIMIT_INTERVAL, 100);

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "krsi."
char *krsi_boot_mode;
module_param_named(mode, krsi_boot_mode, charp, 0);
char *krsi_boot_module_scan_ms;
module_param_named(module_scan_ms, krsi_boot_module_scan_ms, charp, 0);

DECLARE_DELAYED_WORK(krsi_work, krsi_rs_work);

/* lsm.rs */

void krsi_hook_init(struct security_hook_list *hl, bool starts_off)
{
#if KRSI_FRAMEWORK_SWITCHES
	hl->starts_off = starts_off;
#endif
}

void krsi_hook_switch(struct security_hook_list *hl, struct krsi_hook_key *key, bool on)
{
#if KRSI_FRAMEWORK_SWITCHES
	security_hook_switch(hl, on);
#else
	if (on)
		static_branch_enable(&key->key);
	else
		static_branch_disable(&key->key);
#endif
}

/* sha256.rs */

void krsi_sha256_update(struct sha256_ctx *ctx, const u8 *data, size_t len)
{
	sha256_update(ctx, data, len);
}

/* module.rs */

void krsi_put_page(struct page *page)
{
	put_page(page);
}

/* block.rs, block_class.rs, superblock.rs */

/* NULL for a partition. */
struct block_device *krsi_disk_of_device(struct device *dev)
{
	struct block_device *bdev = dev_to_bdev(dev);

	return bdev_is_partition(bdev) ? NULL : bdev;
}

struct device *krsi_device_of_disk(struct block_device *bdev)
{
	return disk_to_dev(bdev->bd_disk);
}

struct usb_device *krsi_usb_device(struct device *dev)
{
	return to_usb_device(dev);
}

u16 krsi_usb_vendor(const struct usb_device *udev)
{
	return le16_to_cpu(udev->descriptor.idVendor);
}

u16 krsi_usb_product(const struct usb_device *udev)
{
	return le16_to_cpu(udev->descriptor.idProduct);
}

void krsi_bdev_name(struct block_device *bdev, char *buf, int size)
{
	snprintf(buf, size, "%pg", bdev);
}

unsigned int krsi_slaves(struct block_device *bdev, struct block_device **slaves, unsigned int max)
{
	return bd_get_slaves(bdev->bd_disk, slaves, max);
}

struct file *krsi_backing_file(struct block_device *bdev)
{
	const struct block_device_operations *fops = bdev->bd_disk->fops;

	return fops->get_backing_file ? fops->get_backing_file(bdev->bd_disk) : NULL;
}

struct block_device *krsi_file_bdev(const struct file *file)
{
	struct inode *inode = file->f_mapping->host;

	return S_ISBLK(inode->i_mode) ? I_BDEV(inode) : NULL;
}

bool krsi_sb_filled(const struct super_block *sb)
{
	return READ_ONCE(sb->s_flags) & SB_BORN;
}

bool krsi_sb_on_mtd(const struct super_block *sb)
{
	return sb->s_mtd;
}

u32 krsi_overlay_layers(const struct super_block *sb)
{
	return ((struct ovl_fs *)sb->s_fs_info)->numlayer;
}

/* NULL if there is no upper layer, which is the first. */
struct super_block *krsi_overlay_layer(const struct super_block *sb, u32 n)
{
	const struct ovl_layer *layer = &((struct ovl_fs *)sb->s_fs_info)->layers[n];

	return layer->mnt ? layer->mnt->mnt_sb : NULL;
}

/* task.rs, cred.rs */

u64 krsi_cgroup_id(struct task_struct *task)
{
#ifdef CONFIG_CGROUPS
	return cgroup_id(task_dfl_cgroup(task));
#else
	return 0;
#endif
}

u32 krsi_uid(kuid_t uid)
{
	return from_kuid(&init_user_ns, uid);
}

u32 krsi_gid(kgid_t gid)
{
	return from_kgid(&init_user_ns, gid);
}

const struct cred *krsi_current_cred(void)
{
	return current_cred();
}

bool krsi_fatal_signal(void)
{
	return fatal_signal_pending(current);
}

void krsi_cond_resched(void)
{
	cond_resched();
}

struct task_struct *krsi_real_parent(struct task_struct *task)
{
	return rcu_dereference(task->real_parent);
}

/* process.rs */

bool krsi_in_execve(struct task_struct *task)
{
	return task->in_execve;
}

u64 krsi_boot_ns(void)
{
	return ktime_get_boottime_ns();
}

/* module.rs */

/* A reference to the page of vmalloc()'s memory, of which a module's is, at @addr; or NULL. */
struct page *krsi_hold_page_at(const void *addr)
{
	struct page *page = is_vmalloc_or_module_addr(addr) ? vmalloc_to_page(addr) : NULL;

	return page && get_page_unless_zero(page) ? page : NULL;
}

bool krsi_kset_has(const struct kobject *kobj)
{
#ifdef CONFIG_SYSFS
	struct kobject *pos;

	guard(spinlock)(&module_kset->list_lock);
	list_for_each_entry(pos, &module_kset->list, entry) {
		if (pos == kobj)
			return true;
	}
#endif
	return false;
}

bool krsi_module_dir_is(const char *name, const void *dir)
{
#ifdef CONFIG_SYSFS
	struct kernfs_node *found = kernfs_find_and_get(module_kset->kobj.sd, name);

	kernfs_put(found);
	return found && found == dir;
#else
	return true;
#endif
}

/* worker.rs */

void krsi_work_within(struct delayed_work *work, unsigned long ms)
{
	queue_delayed_work(system_dfl_wq, work, msecs_to_jiffies(ms));
}

void krsi_work_now(struct delayed_work *work)
{
	mod_delayed_work(system_dfl_wq, work, 0);
}

/* srcu_list.rs */

struct srcu_ctr __percpu *krsi_list_lock(void)
{
	return srcu_read_lock_fast(&krsi_srcu);
}

void krsi_list_unlock(struct srcu_ctr __percpu *scp)
{
	srcu_read_unlock_fast(&krsi_srcu, scp);
}

/* per_cpu.rs */

u64 __percpu *krsi_counter_alloc(void)
{
	return alloc_percpu_gfp(u64, GFP_KERNEL_ACCOUNT);
}

void krsi_counter_increase(u64 __percpu *counts)
{
	this_cpu_inc(*counts);
}

u64 krsi_counter_sum(u64 __percpu *counts)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(counts, cpu));
	return sum;
}

void krsi_counter_free(u64 __percpu *counts)
{
	free_percpu(counts);
}

/* struct_ops.rs. What each event pays for is not traced: that is an instruction, too. */

notrace struct srcu_ctr __percpu *krsi_run_begin(void)
{
	struct srcu_ctr __percpu *scp = srcu_read_lock_fast(&krsi_srcu);

	rcu_read_lock_dont_migrate();
	return scp;
}

notrace void krsi_run_end(struct srcu_ctr __percpu *scp)
{
	rcu_read_unlock_migrate();
	srcu_read_unlock_fast(&krsi_srcu, scp);
}

void krsi_run_pause(void)
{
	rcu_read_unlock_migrate();
}

void krsi_run_resume(void)
{
	rcu_read_lock_dont_migrate();
}

static noinline u32 krsi_run_timed(const struct bpf_prog *prog, const u64 *args)
{
	return bpf_prog_run(prog, args);
}

/* bpf_prog_run(), where only who keeps statistics pays for what they need. Counts the run. */
notrace int krsi_run(const struct bpf_prog *prog, const u64 *args, u64 __percpu *runs)
{
	cant_migrate();
	this_cpu_inc(*runs);
	if (static_branch_unlikely(&bpf_stats_enabled_key))
		return krsi_run_timed(prog, args);
	return bpf_dispatcher_nop_func(args, prog->insnsi, prog->bpf_func);
}

u32 krsi_member_offset(const struct btf_type *t, const struct btf_member *member)
{
	return __btf_member_bit_offset(t, member) / 8;
}

/* log.rs */

bool krsi_log_allowed(void)
{
	return __ratelimit(&krsi_log_limit);
}

/* audit.rs */

/* Who may not wait takes what memory there is, and no record if there are too many already. */
struct audit_buffer *krsi_audit_start(int type, bool may_wait)
{
	return audit_log_start(audit_context(),
			       may_wait ? GFP_KERNEL : GFP_ATOMIC | __GFP_NOWARN, type);
}

void krsi_audit_text(struct audit_buffer *ab, const char *text, u32 len)
{
	audit_log_format(ab, "%.*s", (int)len, text);
}

u32 krsi_loginuid(void)
{
	return from_kuid(&init_user_ns, audit_get_loginuid(current));
}

u32 krsi_sessionid(void)
{
	return audit_get_sessionid(current);
}
