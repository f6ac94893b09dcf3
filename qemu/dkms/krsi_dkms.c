// SPDX-License-Identifier: GPL-2.0
/* A module that does nothing; DKMS builds it for the guest, as on an administrator's machine. */

#include <linux/module.h>

static int __init krsi_dkms_init(void)
{
	return 0;
}
module_init(krsi_dkms_init);

static void __exit krsi_dkms_exit(void)
{
}
module_exit(krsi_dkms_exit);

MODULE_DESCRIPTION("KRSI: a module that DKMS builds");
MODULE_LICENSE("GPL");
