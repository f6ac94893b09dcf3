// SPDX-License-Identifier: GPL-2.0
/*
 * Removes the file path=PATH when it is loaded, as nfsd and ksmbd do: by the
 * filesystem's own function, without the mount that a system call names.
 */

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>

static char *path = "";

module_param(path, charp, 0);

static int remove_child(const struct path *victim, struct dentry *parent)
{
	struct dentry *child = start_removing_dentry(parent, victim->dentry);
	int ret;

	if (IS_ERR(child))
		return PTR_ERR(child);
	ret = vfs_unlink(mnt_idmap(victim->mnt), d_inode(parent), child, NULL);
	end_removing(child);
	return ret;
}

static int __init remover_init(void)
{
	struct dentry *parent;
	struct path victim;
	int ret = kern_path(path, 0, &victim);

	if (ret)
		return ret;
	ret = mnt_want_write(victim.mnt);
	if (!ret) {
		parent = dget_parent(victim.dentry);
		ret = remove_child(&victim, parent);
		dput(parent);
		mnt_drop_write(victim.mnt);
	}
	path_put(&victim);
	return ret;
}

static void __exit remover_exit(void)
{
}

module_init(remover_init);
module_exit(remover_exit);
MODULE_DESCRIPTION("Removes a file, for the tests of KRSI");
MODULE_LICENSE("GPL");
