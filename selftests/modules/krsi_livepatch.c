// SPDX-License-Identifier: GPL-2.0
/* A live patch: what /proc/cmdline shows. */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int show_cmdline(struct seq_file *m, void *v)
{
	seq_puts(m, "krsi_livepatch\n");
	return 0;
}

static struct klp_func funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = show_cmdline },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_DESCRIPTION("A live patch, for the tests of KRSI");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
