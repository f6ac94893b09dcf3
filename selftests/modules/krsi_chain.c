// SPDX-License-Identifier: GPL-2.0
/*
 * A module with a notifier for modules:
 *
 *   priority=N  its place in the chain
 *   stop=1      answers NOTIFY_STOP to each COMING: the chain is taken back, and
 *               the module is loaded all the same
 *   bad=1       answers NOTIFY_BAD: the module can't be loaded
 */

#include <linux/module.h>
#include <linux/notifier.h>

static int priority;
static bool stop, bad;

module_param(priority, int, 0);
module_param(stop, bool, 0);
module_param(bad, bool, 0);

static int told(struct notifier_block *block, unsigned long what, void *module)
{
	if (what != MODULE_STATE_COMING)
		return NOTIFY_OK;
	if (bad)
		return NOTIFY_BAD;
	return stop ? NOTIFY_STOP : NOTIFY_OK;
}

static struct notifier_block block = { .notifier_call = told };

static int __init chain_init(void)
{
	block.priority = priority;
	return register_module_notifier(&block);
}

static void __exit chain_exit(void)
{
	unregister_module_notifier(&block);
}

module_init(chain_init);
module_exit(chain_exit);
MODULE_DESCRIPTION("Has a notifier for modules, for the tests of KRSI");
MODULE_LICENSE("GPL");
