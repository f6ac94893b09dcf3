// SPDX-License-Identifier: GPL-2.0
/*
 * C helpers of KRSI's boundary, as helpers.c: those about files, their names and their
 * mounts. Callers are the files beside this one.
 */

#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/memfd.h>
#include <linux/mnt_namespace.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/pagemap.h>
#include <linux/rcupdate_wait.h>
#include <linux/sched.h>
#include <linux/unaligned.h>
#include <linux/user_namespace.h>

/*
 * For d_hash_and_lookup(), for mounts and their namespaces, and for which layer an
 * overlay's file lies in.
 */
#include <../../fs/internal.h>
#include <../../fs/mount.h>
#include <../../fs/overlayfs/ovl_entry.h>

#include "bindings.h"

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

/* As memcmp() says it, which is a call: names are short, and there are a few of them in a path. */
static bool same_bytes(const unsigned char *a, const unsigned char *b, u32 len)
{
	for (; len >= sizeof(u64); a += sizeof(u64), b += sizeof(u64), len -= sizeof(u64)) {
		if (get_unaligned((const u64 *)a) != get_unaligned((const u64 *)b))
			return false;
	}
	for (; len; a++, b++, len--) {
		if (*a != *b)
			return false;
	}
	return true;
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
		    !same_bytes(path + len - size, name, size) ||
		    read_seqcount_retry(&at->d_seq, seq))
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
