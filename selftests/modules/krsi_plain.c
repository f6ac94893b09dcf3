// SPDX-License-Identifier: GPL-2.0
/*
 * A module that does nothing, as slowly as it is told to, and may fail:
 *
 *   init_ms=MS, exit_ms=MS  how long its init and exit take
 *   read_ms=MS              how long its init is in one RCU read section
 *   fail=1                  its init fails
 *   hold=1                  it is in use for ever
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rcupdate.h>

static unsigned int init_ms, exit_ms, read_ms;
static bool fail, hold;

module_param(init_ms, uint, 0);
module_param(exit_ms, uint, 0);
module_param(read_ms, uint, 0);
module_param(fail, bool, 0);
module_param(hold, bool, 0);

/* It may be preempted meanwhile, but not sleep. */
static void __init read_for(unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	rcu_read_lock();
	while (time_before(jiffies, end))
		cpu_relax();
	rcu_read_unlock();
}

static int __init plain_init(void)
{
	if (read_ms)
		read_for(read_ms);
	msleep(init_ms);
	if (hold)
		__module_get(THIS_MODULE);
	return fail ? -EIO : 0;
}

static void __exit plain_exit(void)
{
	msleep(exit_ms);
}

module_init(plain_init);
module_exit(plain_exit);
MODULE_DESCRIPTION("Does nothing, for the tests of KRSI");
MODULE_LICENSE("GPL");
