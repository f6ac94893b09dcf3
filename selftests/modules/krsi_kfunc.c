// SPDX-License-Identifier: GPL-2.0
/* A module that brings a kfunc for every struct_ops: see refused_kfunc_test.c. */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

__bpf_kfunc_start_defs();

__bpf_kfunc int krsi_foreign_kfunc(void)
{
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(foreign_kfuncs)
BTF_ID_FLAGS(func, krsi_foreign_kfunc)
BTF_KFUNCS_END(foreign_kfuncs)

static const struct btf_kfunc_id_set foreign_set = {
	.owner = THIS_MODULE,
	.set = &foreign_kfuncs,
};

static int __init kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &foreign_set);
}

static void __exit kfunc_exit(void)
{
}

module_init(kfunc_init);
module_exit(kfunc_exit);
MODULE_DESCRIPTION("Brings a kfunc, for the tests of KRSI");
MODULE_LICENSE("GPL");
