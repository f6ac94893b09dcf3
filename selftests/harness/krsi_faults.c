// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the kernel report one fault, named by the module parameter `fault`, so
 * that the test harness can show that it notices each kind (qemu/harness.py).
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault;
module_param(fault, charp, 0);

static int __rcu *protected;
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

/* What the compiler must not know at build time. */
static volatile int shift = 64;

static void fault_warn(void)
{
	WARN(1, "krsi_faults: a warning\n");
}

static void fault_panic(void)
{
	panic("krsi_faults: a panic\n");
}

static void fault_kasan(void)
{
	char *memory = kmalloc(64, GFP_KERNEL);
	volatile char *freed = memory;

	kfree(memory);
	pr_info("read %d after the free\n", freed[3]);
}

static void fault_ubsan(void)
{
	pr_info("shifted to %d\n", 1 << shift);
}

static void fault_rcu(void)
{
	int *value = rcu_dereference(protected);

	pr_info("no reader sees %p\n", value);
}

static void fault_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

/*
 * Many, for the allocator's per-CPU lists keep pointers to what they gave out
 * last, in which kmemleak sees references.
 */
static void fault_leak(void)
{
	int number;

	for (number = 0; number < 300; number++)
		memset(kmalloc(100, GFP_KERNEL), 0, 100);
}

static void fault_lockdep(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline int takes_long(long number)
{
	return number > 0;
}

static void fault_cfi(void)
{
	int (*volatile takes_pointer)(void *) = (int (*)(void *))(unsigned long)takes_long;

	pr_info("called through the wrong type: %d\n", takes_pointer(NULL));
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "warn", fault_warn },
	{ "panic", fault_panic },
	{ "kasan", fault_kasan },
	{ "ubsan", fault_ubsan },
	{ "rcu", fault_rcu },
	{ "atomic", fault_atomic },
	{ "leak", fault_leak },
	{ "lockdep", fault_lockdep },
	{ "cfi", fault_cfi },
};

static int __init krsi_faults_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (fault && !strcmp(fault, faults[i].name)) {
			faults[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit krsi_faults_exit(void)
{
}

module_init(krsi_faults_init);
module_exit(krsi_faults_exit);
MODULE_DESCRIPTION("Faults on demand for the test harness's self-test");
MODULE_LICENSE("GPL");
