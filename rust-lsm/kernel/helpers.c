// SPDX-License-Identifier: GPL-2.0
/*
 * C helpers of KRSI's boundary: what bindgen can't reach (macros, static
 * inlines) and what only a macro can define (static keys, an SRCU domain).
 * One line of work each and no policy; callers are the files beside this one.
 */

#include <linux/audit.h>
#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/filter.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/memfd.h>
#include <linux/mnt_namespace.h>
#include <linux/moduleparam.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/usb.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

/*
 * For d_hash_and_lookup(), for mounts and their namespaces, and for which layer an
 * overlay's file lies in.
 */
#include <../../fs/internal.h>
#include <../../fs/mount.h>
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

/* inode.rs */

bool krsi_inode_leased(const struct inode *inode)
{
	const struct file_lock_context *locks = locks_inode_context(inode);

	return locks && !list_empty_careful(&locks->flc_lease);
}

s64 krsi_inode_size(const struct inode *inode)
{
	return i_size_read(inode);
}

struct timespec64 krsi_inode_mtime(const struct inode *inode)
{
	return inode_get_mtime(inode);
}

/* Pinned pages can be written to by who has the file neither open nor mapped. */
bool krsi_inode_pinned(struct inode *inode)
{
	XA_STATE(xas, &inode->i_mapping->i_pages, 0);
	struct folio *folio;

	guard(rcu)();
	xas_for_each(&xas, folio, ULONG_MAX) {
		if (xas_retry(&xas, folio) || xa_is_value(folio))
			continue;
		if (folio_maybe_dma_pinned(folio))
			return true;
		if (need_resched()) {
			xas_pause(&xas);
			cond_resched_rcu();
		}
	}
	return false;
}

u64 krsi_user_dev(dev_t dev)
{
	return huge_encode_dev(dev);
}

/* place.rs, name.rs */

struct dentry *krsi_dget(struct dentry *dentry)
{
	return dget(dentry);
}

struct dentry *krsi_dcache_lookup(struct dentry *dir, const unsigned char *name, u32 len)
{
	struct dentry *found = d_hash_and_lookup(dir, &(struct qstr)QSTR_INIT(name, len));

	/* A filesystem's own hash may refuse the name. */
	return IS_ERR(found) ? NULL : found;
}

/* May sleep, as long as the filesystem likes. */
struct dentry *krsi_lookup(struct dentry *dir, const unsigned char *name, u32 len)
{
	if (!d_can_lookup(dir))
		return ERR_PTR(-ENOENT);
	return lookup_noperm_unlocked(&QSTR_LEN(name, len), dir);
}

/* Whoever removes the name by which the file is known has done so, or has not begun. */
void krsi_wait_for_removal(struct dentry *dentry)
{
	struct dentry *dir = dget_parent(dentry);

	inode_lock_shared(d_inode(dir));
	inode_unlock_shared(d_inode(dir));
	dput(dir);
}

/* What was opened by a handle has a dentry of its own, without a name. */
bool krsi_is_nameless(const struct dentry *dentry)
{
	return IS_ROOT(dentry) && dentry != dentry->d_sb->s_root;
}

bool krsi_leads_here(const struct dentry *dentry)
{
	return !d_unhashed(dentry) && !krsi_is_nameless(dentry);
}

bool krsi_dentry_is(struct dentry *dentry, const unsigned char *name, u32 len)
{
	guard(spinlock)(&dentry->d_lock);
	return !d_unhashed(dentry) && dentry->d_name.len == len &&
	       !memcmp(dentry->d_name.name, name, len);
}

/* The directory that the name is in, until krsi_unlock_name(). */
struct dentry *krsi_lock_name(struct dentry *dentry) __acquires(&dentry->d_lock)
{
	spin_lock(&dentry->d_lock);
	return dentry->d_parent;
}

void krsi_unlock_name(struct dentry *dentry) __releases(&dentry->d_lock)
{
	spin_unlock(&dentry->d_lock);
}

/*
 * Whether a path from the root of the filesystem leads to a dentry, by the names and the
 * directories that these have now. Under RCU, which keeps them all.
 */
bool krsi_path_is(const struct dentry *dentry, const unsigned char *path, u32 len)
{
	const struct dentry *at = dentry, *parent;
	const unsigned char *name;
	unsigned int seq;
	u32 size;

	for (; len; at = parent, len -= size + 1) {
		seq = raw_seqcount_begin(&at->d_seq);
		size = READ_ONCE(at->d_name.len);
		name = READ_ONCE(at->d_name.name);
		parent = READ_ONCE(at->d_parent);
		if (d_unhashed(at) || read_seqcount_retry(&at->d_seq, seq))
			return false;
		/* Again, for a name may be changed in place. */
		if (size >= len || path[len - size - 1] != '/' ||
		    memcmp(path + len - size, name, size) || read_seqcount_retry(&at->d_seq, seq))
			return false;
	}
	return at != dentry && at == at->d_sb->s_root;
}

/* Not that of the data: to find it may sleep and fail. */
struct dentry *krsi_real_dentry(struct dentry *dentry)
{
	return d_real(dentry, D_REAL_METADATA);
}

u32 krsi_renames_begin(void)
{
	return read_seqbegin(&rename_lock);
}

bool krsi_renames_retry(u32 seq)
{
	return read_seqretry(&rename_lock, seq);
}

bool krsi_in_upper_layer(struct inode *inode)
{
	return ovl_upperdentry_dereference(OVL_I(inode));
}

/* mounts.rs */

/* False without one, as in a task that ends. */
static bool krsi_root(struct path *root)
{
	struct fs_struct *fs = current->fs;
	unsigned int seq;

	if (!fs)
		return false;
	do {
		seq = read_seqbegin(&fs->seq);
		*root = fs->root;
	} while (read_seqretry(&fs->seq, seq));
	return true;
}

/* An error pointer for a mount of the kernel's own. Under RCU. */
struct mnt_namespace *krsi_mount_ns(struct vfsmount *mnt)
{
	struct mnt_namespace *ns = READ_ONCE(real_mount(mnt)->mnt_ns);

	return !IS_ERR_OR_NULL(ns) && is_anon_ns(ns) ? NULL : ns;
}

/* NULL for a task that ends. To compare: it may be gone. */
struct mnt_namespace *krsi_task_mnt_ns(struct task_struct *task)
{
	guard(task_lock)(task);
	return task->nsproxy ? task->nsproxy->mnt_ns : NULL;
}

bool krsi_mnt_ns_is_a_users(const struct mnt_namespace *ns)
{
	return ns->user_ns != &init_user_ns;
}

struct mnt_namespace *krsi_init_mnt_ns(void)
{
	return &init_mnt_ns;
}

/* @buf is scratch. What is on a mount of the kernel's own is nowhere else. */
static bool krsi_reachable(const struct path *path, char *buf, int size)
{
	struct path root;

	guard(rcu)();
	return IS_ERR(READ_ONCE(real_mount(path->mnt)->mnt_ns)) ||
	       (krsi_root(&root) && __d_path(path, &root, buf, size));
}

/*
 * As d_path(), with whether the task's root led to it then. While somebody mounts or
 * renames without end, or changes the root, that is not known, so not told.
 */
char *krsi_d_path(const struct path *path, char *buf, int size, bool *reachable)
{
	struct fs_struct *fs = current->fs;
	unsigned int mounts, renames, roots = 0;
	int left = 8;
	char *found;

	do {
		mounts = read_seqbegin(&mount_lock);
		/* By a rename a directory leaves what is mounted, or a root. */
		renames = read_seqbegin(&rename_lock);
		if (fs)
			roots = read_seqbegin(&fs->seq);
		*reachable = left && krsi_reachable(path, buf, size);
		found = d_path(path, buf, size);
	} while (left-- && (read_seqretry(&mount_lock, mounts) ||
			    read_seqretry(&rename_lock, renames) ||
			    (fs && read_seqretry(&fs->seq, roots))));
	return found;
}

u64 krsi_mnt_ns(void)
{
	return current->nsproxy ? from_mnt_ns(current->nsproxy->mnt_ns)->inum : 0;
}

bool krsi_mnt_ns_is_initial(void)
{
	return current->nsproxy && current->nsproxy->mnt_ns == &init_mnt_ns;
}

/*
 * What is mounted on the root of its namespace, and on that, is its root: so
 * switch_root does it. Of more than 64 it is not known.
 */
bool krsi_root_is_of_mnt_ns(void)
{
	struct path root, top;
	struct mount *mount;
	unsigned int seq;
	int left;

	guard(rcu)();
	if (!current->nsproxy || !krsi_root(&root))
		return false;
	do {
		seq = read_seqbegin(&mount_lock);
		left = 64;
		mount = current->nsproxy->mnt_ns->root;
		do {
			top.mnt = &mount->mnt;
			top.dentry = mount->mnt.mnt_root;
			mount = __lookup_mnt(top.mnt, top.dentry);
		} while (mount && left--);
	} while (read_seqretry(&mount_lock, seq));
	return !mount && path_equal(&top, &root);
}

/* file.rs */

bool krsi_caller_owns(const struct file *file)
{
	return vfsuid_eq_kuid(i_uid_into_vfsuid(file_mnt_idmap(file), file_inode(file)),
			      current_fsuid());
}

bool krsi_caller_in_group(const struct file *file)
{
	return vfsgid_in_group_p(i_gid_into_vfsgid(file_mnt_idmap(file), file_inode(file)));
}

struct mnt_idmap *krsi_file_idmap(const struct file *file)
{
	return file_mnt_idmap(file);
}

/* What the user of a stacked filesystem has opened, whatever the kernel maps for it. */
const struct path *krsi_user_path(const struct file *file)
{
	return file_user_path(file);
}

/* An overlay has looked for the data when the file was opened. */
struct inode *krsi_data_inode(const struct file *file)
{
	return file->f_mode & FMODE_BACKING ? file_inode(file) : d_real_inode(file->f_path.dentry);
}

struct inode *krsi_file_inode(const struct file *file)
{
	return file_inode(file);
}

bool krsi_file_writable(const struct file *file)
{
	return file->f_mode & FMODE_WRITE;
}

bool krsi_file_readable(const struct file *file)
{
	return !(~file->f_mode & (FMODE_READ | FMODE_CAN_READ));
}

int krsi_file_seals(struct file *file)
{
	return memfd_get_seals(file);
}

/* verity.rs */

int krsi_verity_digest(struct inode *inode, u8 *digest, u8 *algo)
{
	return fsverity_get_digest(inode, digest, algo, NULL);
}

/* sha256.rs */

void krsi_sha256_update(struct sha256_ctx *ctx, const u8 *data, size_t len)
{
	sha256_update(ctx, data, len);
}

/* arg_pages.rs, module.rs */

void *krsi_page_address(struct page *page)
{
	return page_address(page);
}

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

/* struct_ops.rs */

void krsi_run_begin(struct bpf_tramp_run_ctx *run_ctx)
{
	rcu_read_lock_dont_migrate();
	run_ctx->bpf_cookie = 0;
	run_ctx->saved_run_ctx = bpf_set_run_ctx(&run_ctx->run_ctx);
}

void krsi_run_end(struct bpf_tramp_run_ctx *run_ctx)
{
	bpf_reset_run_ctx(run_ctx->saved_run_ctx);
	rcu_read_unlock_migrate();
}

int krsi_run(const struct bpf_prog *prog, const u64 *args)
{
	return bpf_prog_run(prog, args);
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
