/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ABI of KRSI: what the kernel, a policy and user space agree on.
 *
 * Append-only: a field keeps its place and its meaning for ever, new fields
 * and new ops come at the end. Structs that a kfunc fills are passed with
 * their size; the shorter of both sides' sizes is copied and the rest of the
 * caller's is zeroed.
 */
#ifndef _KRSI_H
#define _KRSI_H

#include <linux/types.h>

/* The version of this header; struct krsi_ops.abi says which one was used. */
#define KRSI_ABI 3

/* Size of a policy's name with its NUL. */
#define KRSI_NAME_SIZE 64

/* Longest name of an environment variable that can be asked for, with its NUL. */
#define KRSI_ENV_NAME_SIZE 256

/* Size of the digest of a module: SHA-256. */
#define KRSI_DIGEST_SIZE 32

/* struct krsi_ops.flags */
#define KRSI_AUDIT	 (1U << 0) /* count denials, deny nothing: audit mode at most */
#define KRSI_FAIL_CLOSED (1U << 1) /* deny where the policy could not decide */
#define KRSI_NO_RECORD	 (1U << 2) /* no audit records of denials; since KRSI_ABI 3 */

/* Longest reason that krsi_set_reason() keeps, with its NUL. */
#define KRSI_REASON_SIZE 64

/*
 * An empty struct, so that there is nothing to read behind a pointer to it. Through
 * a pointer to void a program could read any address.
 */
struct krsi_opaque {
};

/**
 * struct krsi_event - what every context begins with
 * @opaque: always NULL. A pointer member is what keeps a program from passing
 *	memory of its own off as a context: the verifier takes such memory for
 *	structs of scalars alone.
 * @reserved: 0
 */
struct krsi_event {
	struct krsi_opaque *opaque;
	__u64 reserved[3];
};

/*
 * struct krsi_exec.flags. Those with an [a] take a lookup: they are asked for by
 * krsi_get_exec_facts(), or krsi_is_privileged(), and only policies of KRSI_ABI 1 and 2
 * have them in their context
 */
#define KRSI_EXEC_UNLINKED	(1U << 0) /* the file has no name left, or never had one */
#define KRSI_EXEC_MEMFD		(1U << 1) /* the file is a memfd */
#define KRSI_EXEC_WRITABLE	(1U << 2) /* [a] by its mode the caller may write to it */
#define KRSI_EXEC_OVERLAY_UPPER	(1U << 3) /* [a] it lies in an overlay's upper layer */
#define KRSI_EXEC_CHECK		(1U << 4) /* AT_EXECVE_CHECK: asked, not run */
#define KRSI_EXEC_PRIVILEGED	(1U << 5) /* [a] set-user-id, set-group-id (with g+x) or caps */
#define KRSI_EXEC_SCRIPT	(1U << 6) /* the file starts with "#!" */
/*
 * The strings are not argc + envc strings: somebody wrote to them while execve copied
 * them. Only looked for while a policy's program of process_exec reads strings; since
 * KRSI_ABI 3.
 */
#define KRSI_EXEC_TORN		(1U << 7)

/* [a] Its mount is in no mount namespace: nobody else can see the file; since KRSI_ABI 3. */
#define KRSI_EXEC_DETACHED	(1U << 8)

/*
 * [a] Its mount is in a mount namespace that is neither the task's, nor one of a parent's,
 * nor the machine's first: perhaps nobody is in it; since KRSI_ABI 3.
 */
#define KRSI_EXEC_ELSEWHERE	(1U << 9)

/* [a] The file itself is mounted: its mount shows it and nothing else; since KRSI_ABI 3. */
#define KRSI_EXEC_MOUNT_ROOT	(1U << 10)

/*
 * [a] Its mount is in a mount namespace that belongs to another user namespace than the
 * first: an ordinary user may have made it; since KRSI_ABI 3.
 */
#define KRSI_EXEC_USER_MOUNT	(1U << 11)

/*
 * What krsi_get_name_now() answers: where the name leads by which the file was opened.
 * The name_now of struct krsi_exec_unlink: where the name leads by which it was started, when the
 * removal is done
 */
#define KRSI_NAME_UNKNOWN	0 /* not known: it can't be asked for, or is too long */
#define KRSI_NAME_SAME		1 /* it leads to this file still */
#define KRSI_NAME_OTHER		2 /* it leads to another file: the file was replaced */
#define KRSI_NAME_GONE		3 /* it leads nowhere */

/**
 * struct krsi_exec - context of process_exec
 * @event: the header
 * @depth: 0 for the file that was asked for, 1 for its interpreter, and so on
 * @flags: KRSI_EXEC_*
 * @argc: number of arguments of this round, never 0
 * @envc: number of environment strings
 * @strings_len: bytes of arguments and environment, with their NULs
 * @links: how many names the file has; in an overlay the smaller of its own count and the
 *	layer's; since KRSI_ABI 3
 * @reserved: 0
 */
struct krsi_exec {
	struct krsi_event event;
	__u32 depth;
	__u32 flags;
	__u32 argc;
	__u32 envc;
	__u64 strings_len;
	__u32 links;
	__u32 reserved;
};

/**
 * struct krsi_executed - context of process_executed
 * @event: the header
 * @uid: real user id after the exec, in the initial user namespace, as all ids
 * @gid: real group id
 * @euid: effective user id
 * @egid: effective group id
 * @suid: saved user id
 * @sgid: saved group id
 * @secure: 1 if the exec gained privileges (AT_SECURE), else 0
 * @reserved: 0
 */
struct krsi_executed {
	struct krsi_event event;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 suid;
	__u32 sgid;
	__u32 secure;
	__u32 reserved;
};

/* struct krsi_unlink.how */
#define KRSI_UNLINK_UNLINK	1 /* the name is removed */
#define KRSI_UNLINK_RENAME_OVER	2 /* another file gets the name */

/* struct krsi_unlink.flags */
#define KRSI_UNLINK_RETRY	(1U << 0) /* the task tried before, and a lease was in the way */
#define KRSI_WRITTEN_SINCE	(1U << 1) /* its size or modification time changed since its exec */
#define KRSI_SEEDED		(1U << 2) /* it ran already when KRSI began to record what runs */

/**
 * struct krsi_unlink - context of file_unlink
 * @event: the header
 * @how: KRSI_UNLINK_UNLINK or KRSI_UNLINK_RENAME_OVER
 * @flags: KRSI_UNLINK_RETRY
 * @links_left: how many names the file will have
 * @reserved: 0
 *
 * A *removal* is an attempt to take a name away from a file: to unlink the name, or to
 * rename another file over it.
 */
struct krsi_unlink {
	struct krsi_event event;
	__u32 how;
	__u32 flags;
	__u32 links_left;
	__u32 reserved;
};

/* struct krsi_exec_unlink.whose: which processes run the file now; 0: none */
#define KRSI_WHOSE_OWN		(1U << 0) /* the process that removes it */
#define KRSI_WHOSE_ANCESTOR	(1U << 1) /* that process's parent, grandparent and so on */
#define KRSI_WHOSE_DESCENDANT	(1U << 2) /* that process's child, grandchild and so on */
#define KRSI_WHOSE_OTHER	(1U << 3) /* any other process */
#define KRSI_WHOSE_UNKNOWN	(1U << 4) /* there were too many processes to look at all */

/**
 * struct krsi_exec_unlink - context of executable_unlink
 * @event: the header
 * @how: KRSI_UNLINK_UNLINK or KRSI_UNLINK_RENAME_OVER
 * @flags: KRSI_UNLINK_RETRY, KRSI_WRITTEN_SINCE, KRSI_SEEDED
 * @links_left: how many names the file will have
 * @whose: KRSI_WHOSE_*, a mask
 * @name_now: KRSI_NAME_*: where the name leads when this removal is done by which the
 *	process was started that @whose names; if there is none, the file's last
 * @reserved: 0
 * @exec_age: nanoseconds since it was last executed; if KRSI_SEEDED, since KRSI
 *	began to record what runs
 */
struct krsi_exec_unlink {
	struct krsi_event event;
	__u32 how;
	__u32 flags;
	__u32 links_left;
	__u32 whose;
	__u32 name_now;
	__u32 reserved;
	__u64 exec_age;
};

/**
 * struct krsi_file_id - which file this is, filled by krsi_get_file_id()
 * @dev: device number of the superblock of the real file, encoded as st_dev, and
 *	equal to it except where the filesystem makes st_dev up (btrfs subvolumes,
 *	overlayfs); below an overlay that of the layer
 * @ino: inode number of the real file
 * @overlay_dev: device number of the overlay's superblock, 0 when there is none
 * @overlay_ino: inode number in the overlay
 * @generation: tells files with one inode number apart; 0 where the
 *	filesystem has none (vfat, which makes one up whenever it reads an inode)
 * @overlay_generation: the same of the overlay inode
 */
struct krsi_file_id {
	__u64 dev;
	__u64 ino;
	__u64 overlay_dev;
	__u64 overlay_ino;
	__u32 generation;
	__u32 overlay_generation;
};

/**
 * struct krsi_task_id - who does it, filled by krsi_get_task_id()
 * @cgroup_id: id of the cgroup (v2)
 * @start_time: when the task, a thread, started: nanoseconds since boot
 *	(CLOCK_BOOTTIME, so with the time of suspend)
 * @exe: the executable of its memory, all 0 if it has none (kernel threads,
 *	usermode helpers before their exec)
 * @pid: thread id, in the initial pid namespace as all three
 * @tgid: process id
 * @ppid: process id of the real parent
 * @uid: real user id, in the initial user namespace as all four
 * @gid: real group id
 * @euid: effective user id
 * @egid: effective group id
 * @reserved: 0
 * @comm: the task's name with a NUL, chosen by itself: never a base for a verdict
 * @parent_exe: the executable of the real parent, as @exe; since KRSI_ABI 2
 * @mnt_ns: number of its mount namespace, as in /proc/PID/ns/mnt; since KRSI_ABI 3
 * @view: KRSI_TASK_*: what a path is worth that it shows; since KRSI_ABI 3
 * @reserved2: 0
 */
struct krsi_task_id {
	__u64 cgroup_id;
	__u64 start_time;
	struct krsi_file_id exe;
	__u32 pid;
	__u32 tgid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 reserved;
	char comm[16];
	struct krsi_file_id parent_exe;
	__u64 mnt_ns;
	__u32 view;
	__u32 reserved2;
};

/* struct krsi_task_id.view; a path is the machine's where both are set */
#define KRSI_TASK_INITIAL_NS	(1U << 0) /* its mount namespace is the machine's first */
#define KRSI_TASK_NS_ROOT	(1U << 1) /* its root is known to be its mount namespace's */

/*
 * struct krsi_module_hidden.expected and .missing: the views, which are the kernel's
 * structures in which a module can be found
 */
#define KRSI_VIEW_LIST		(1U << 0) /* the list of modules, /proc/modules */
#define KRSI_VIEW_SYSFS		(1U << 1) /* the kset, /sys/module */
#define KRSI_VIEW_TREE		(1U << 2) /* the tree of addresses, for each of its ranges */
#define KRSI_VIEW_BUGS		(1U << 3) /* the list of bug tables */
#define KRSI_VIEW_BTF		(1U << 4) /* the list of BTF, /sys/kernel/btf */
#define KRSI_VIEW_FTRACE	(1U << 5) /* the records of its functions */

/* struct krsi_module_hidden.altered: what is not as it must be in its struct module */
#define KRSI_ALTERED_STATE	(1U << 0) /* a state that it can't be in */
#define KRSI_ALTERED_NAME	(1U << 1) /* another name than it was loaded with */
#define KRSI_ALTERED_MEMORY	(1U << 2) /* other memory ranges, or no struct module */
#define KRSI_ALTERED_SYMBOLS	(1U << 3) /* other symbol tables */
#define KRSI_ALTERED_LINKS	(1U << 4) /* list pointers that lead to no neighbour */
#define KRSI_ALTERED_SYSFS	(1U << 5) /* its directory in sysfs is not there or another */
#define KRSI_ALTERED_CHAIN	(1U << 6) /* notifiers were told it comes or goes; it doesn't */
#define KRSI_ALTERED_OTHER	(1U << 7) /* another's memory ranges: the tree may miss it for that */

/**
 * struct krsi_module_loader - who loaded a module
 * @start_time: when that process started: nanoseconds since boot
 *	(CLOCK_BOOTTIME, so with the time of suspend)
 * @pid: process id, in the initial pid namespace
 * @uid: real user id, in the initial user namespace
 * @comm: the task's name with a NUL, chosen by itself: never a base for a verdict
 */
struct krsi_module_loader {
	__u64 start_time;
	__u32 pid;
	__u32 uid;
	char comm[16];
};

/**
 * struct krsi_module - context of module_live and module_gone
 * @event: the header
 * @name: the module's name as it was loaded, with a NUL: chosen by its author, any
 *	bytes
 * @text: kernel address at which its code begins. Policies see it whatever
 *	kernel.kptr_restrict says
 * @text_size: bytes of code
 * @data: kernel address at which its data begins, shown as @text is
 * @data_size: bytes of data that can be written to
 * @loader: who loaded it
 */
struct krsi_module {
	struct krsi_event event;
	char name[64];
	__u64 text;
	__u64 text_size;
	__u64 data;
	__u64 data_size;
	struct krsi_module_loader loader;
};

/**
 * struct krsi_module_hidden - context of module_hidden
 * @event: the header
 * @name: as in struct krsi_module; so are the next five
 * @text: kernel address at which its code begins
 * @text_size: bytes of code
 * @data: kernel address at which its data begins
 * @data_size: bytes of data that can be written to
 * @loader: who loaded it
 * @expected: KRSI_VIEW_* that must have it
 * @missing: those of them that have it not
 * @altered: KRSI_ALTERED_*; if this and @missing are 0 it is back
 * @reserved: 0
 * @age: nanoseconds since it became live; before that, since it began to be loaded
 * @hidden_for: nanoseconds since KRSI first found something wrong; if it is back,
 *	since the same moment, so about how long it was hidden
 * @unseen_for: nanoseconds since KRSI last found all in order before that, which is
 *	the longest that it can have been hidden
 */
struct krsi_module_hidden {
	struct krsi_event event;
	char name[64];
	__u64 text;
	__u64 text_size;
	__u64 data;
	__u64 data_size;
	struct krsi_module_loader loader;
	__u32 expected;
	__u32 missing;
	__u32 altered;
	__u32 reserved;
	__u64 age;
	__u64 hidden_for;
	__u64 unseen_for;
};

/* struct krsi_mount.stage */
#define KRSI_MOUNT_DEVICE	1 /* a filesystem opened a device and has not read from it */
#define KRSI_MOUNT_MOUNT	2 /* a mount is about to be made, the first or another one */
#define KRSI_MOUNT_REMOUNT	3 /* what is mounted is about to be changed */
#define KRSI_MOUNT_SWAP		4 /* swapon: nothing has been read */

/* struct krsi_mount.flags */
#define KRSI_MOUNT_READ_ONLY	(1U << 0) /* may only be read; at REMOUNT: after it */
#define KRSI_MOUNT_SCAN		(1U << 1) /* the filesystem only looks what is there (btrfs) */

/* struct krsi_mount.transports: what is found on the way down to the data */
#define KRSI_TRANSPORT_USB	 (1U << 0) /* USB, unless it is known to be built in */
#define KRSI_TRANSPORT_USB_FIXED (1U << 1) /* USB, each port up to the controller's built in */
#define KRSI_TRANSPORT_LOCAL	 (1U << 2) /* a disk of the machine's own: PCI, virtio, ... */
#define KRSI_TRANSPORT_MEMORY	 (1U << 3) /* tmpfs, a RAM disk */
#define KRSI_TRANSPORT_UNKNOWN	 (1U << 4) /* what can't be known: nbd, ublk, FUSE, flash, ... */
#define KRSI_TRANSPORT_MORE	 (1U << 5) /* there was more below than is looked at */

/**
 * struct krsi_mount - context of mount
 * @event: the header
 * @stage: KRSI_MOUNT_DEVICE and so on
 * @flags: KRSI_MOUNT_READ_ONLY, KRSI_MOUNT_SCAN
 * @transports: KRSI_TRANSPORT_*, a mask: at DEVICE and SWAP of this device or file, at
 *	MOUNT and REMOUNT of all devices that the filesystem was seen to open, and of an
 *	overlay's layers; 0 if there is no device at all
 * @reserved: 0
 * @dev: device number: of the device, encoded as st_rdev; at MOUNT and REMOUNT and for a
 *	swap file of the superblock, as st_dev
 * @fs_type: name of the filesystem's type with a NUL, such as "ext4"; "" for a swap
 *	device and with KRSI_MOUNT_SCAN
 * @device: name of the device in the kernel with a NUL, such as "sdb1"; at MOUNT and
 *	REMOUNT and for a swap file what the filesystem calls itself by, which is a
 *	device's name if it is on one
 */
struct krsi_mount {
	struct krsi_event event;
	__u32 stage;
	__u32 flags;
	__u32 transports;
	__u32 reserved;
	__u64 dev;
	char fs_type[32];
	char device[32];
};

/* struct krsi_usb_id.flags */
#define KRSI_USB_FIXED		(1U << 0) /* as KRSI_TRANSPORT_USB_FIXED */
#define KRSI_USB_SERIAL_LONG	(1U << 1) /* the serial number does not fit: it is "" here */

/**
 * struct krsi_usb_id - which USB device this is, filled by krsi_get_usb_id()
 * @vendor: idVendor
 * @product: idProduct
 * @flags: KRSI_USB_*
 * @serial: serial number with a NUL; "" if it has none
 *
 * All of it is what the device says of itself: a device can be made that says the same.
 */
struct krsi_usb_id {
	__u16 vendor;
	__u16 product;
	__u32 flags;
	char serial[128];
};

/* struct krsi_module_load.source */
#define KRSI_MODULE_FILE	1 /* finit_module(): from a file */
#define KRSI_MODULE_MEMORY	2 /* init_module(): from the memory of the process */

/* struct krsi_module_load.flags */
#define KRSI_MODULE_NAME_DIFFERS (1U << 0) /* .modinfo has another name */
#define KRSI_MODULE_MALFORMED	 (1U << 1) /* no name and no .modinfo could be read of it */

/**
 * struct krsi_module_load - context of module_load; since KRSI_ABI 3
 * @event: the header. Its file is the one that was given to finit_module()
 * @name: its name, with a NUL and at most 55 bytes: that of the struct module in it, by
 *	which it is known once it is loaded. The name in .modinfo may be another, and is what
 *	module_blacklist= and the kernel's own audit record go by. Chosen by whoever made
 *	the module: never a base for a verdict
 * @size: bytes of what will be loaded, uncompressed, with its signature
 * @source: KRSI_MODULE_FILE or KRSI_MODULE_MEMORY
 * @flags: KRSI_MODULE_NAME_DIFFERS, KRSI_MODULE_MALFORMED
 */
struct krsi_module_load {
	struct krsi_event event;
	char name[64];
	__u64 size;
	__u32 source;
	__u32 flags;
};

/**
 * struct krsi_module_request - context of module_request; since KRSI_ABI 3
 * @event: the header. It has no file
 * @alias: what the kernel asks for, a module's name or an alias, with a NUL and at most 55
 *	bytes
 */
struct krsi_module_request {
	struct krsi_event event;
	char alias[64];
};

/* struct krsi_map_exec.how */
#define KRSI_MAP_MMAP		1 /* it is mapped: mmap, shmat, remap_file_pages, an exec */
#define KRSI_MAP_MPROTECT	2 /* it is mapped already, and becomes executable */

/* struct krsi_map_exec.flags */
#define KRSI_MAP_WRITABLE	(1U << 0) /* what is mapped can be written to, too */
#define KRSI_MAP_SHARED		(1U << 1) /* and is the file's, not a copy */
#define KRSI_MAP_UNLINKED	(1U << 2) /* the file has no name left, by its link count */
#define KRSI_MAP_MEMFD		(1U << 3) /* the file is a memfd or System V shared memory */
#define KRSI_MAP_BY_EXEC	(1U << 4) /* execve maps it: the program or its ELF interpreter */
#define KRSI_MAP_PROGRAM	(1U << 5) /* and it is the program, of which process_exec told */

/**
 * struct krsi_map_exec - context of file_map_exec
 * @event: the header
 * @how: KRSI_MAP_MMAP or KRSI_MAP_MPROTECT
 * @flags: KRSI_MAP_*
 */
struct krsi_map_exec {
	struct krsi_event event;
	__u32 how;
	__u32 flags;
};

/* struct krsi_digest.algo */
#define KRSI_DIGEST_SHA256		1 /* SHA-256 of the contents */
#define KRSI_DIGEST_VERITY_SHA256	2 /* fs-verity's, which is of a tree of SHA-256 */
#define KRSI_DIGEST_VERITY_SHA512	3 /* fs-verity's, of a tree of SHA-512 */

/* struct krsi_digest.flags; with neither it is of this moment */
#define KRSI_DIGEST_LASTS	(1U << 0) /* nobody can change the contents: fs-verity, seals */
#define KRSI_DIGEST_DENIED	(1U << 1) /* nobody can while the file is held for this exec */

/**
 * struct krsi_digest - what krsi_get_file_digest() and its like fill
 * @algo: KRSI_DIGEST_*
 * @flags: how long it is that of the contents: KRSI_DIGEST_LASTS, KRSI_DIGEST_DENIED
 * @size: bytes of @value
 * @reserved: 0
 * @value: the digest; 0 behind it
 */
struct krsi_digest {
	__u32 algo;
	__u32 flags;
	__u32 size;
	__u32 reserved;
	__u8 value[64];
};

/* Longest build id, bytes. */
#define KRSI_BUILD_ID_SIZE	20

/**
 * struct krsi_ops - a policy: a BPF struct_ops type, attached by a BPF link
 * @name: what the policy is called, with a NUL; required, need not be unique
 * @abi: the KRSI_ABI of the header that it was built with
 * @flags: KRSI_AUDIT, KRSI_FAIL_CLOSED, KRSI_NO_RECORD
 * @reserved: 0
 * @process_exec: a file is about to be executed; called once for the file
 *	itself and once for each interpreter that a script or binfmt_misc
 *	names. Returns 0, -EPERM or -EACCES. Runs in the task that calls
 *	execve(), with its cred_guard_mutex held. May sleep.
 * @process_executed: the new program's credentials are in force. Runs in that
 *	task, with its cred_guard_mutex and exec_update_lock held. May sleep.
 * @file_unlink: a name of a file goes away: it is unlinked, or another file is
 *	renamed over it. Once for each attempt that permissions allow. Returns
 *	0, -EPERM or -EACCES. Runs in the task that removes it, with the inodes
 *	of the directory locked, at an unlink that of the file, too. May not sleep.
 * @executable_unlink: the same, for a file that is being executed or has been.
 * @module_live: a module's init has succeeded. This and the next two run in a
 *	worker with no lock held, a moment later and not in the task that did it,
 *	so the kfuncs for every event, which tell of a task or a file, are not
 *	for them. May sleep.
 * @module_gone: a module that was live is unloaded. May sleep.
 * @module_hidden: a module is missing where it must be, or its struct module was
 *	altered; called once for each change of that. May sleep.
 * @mount: a filesystem opens a device, a mount is made or changed, or something is
 *	swapped to: see KRSI_MOUNT_*. Returns 0, -EPERM or -EACCES. Runs in the task that
 *	does it, with locks of the filesystem held. May not sleep.
 * @module_load: a module is about to be loaded: all its bytes are in the kernel, and none
 *	of them has been used. Once a load, whatever way it comes: finit_module(), also of
 *	a compressed file, or init_module(). Returns 0, -EPERM or -EACCES. Runs in the task
 *	that loads it, before its signature is checked. May sleep.
 * @module_request: the kernel asks for a module that it would like to have, before it
 *	starts modprobe. Returns 0, -EPERM or -EACCES. Runs in the task for which the
 *	kernel asks. May sleep.
 * @file_map_exec: a file is about to be mapped executable, or what is mapped of it to
 *	become so. Returns 0, -EPERM or -EACCES. Runs in the task that maps it, for
 *	KRSI_MAP_MPROTECT with its mmap_lock held for writing. May not sleep.
 *
 * The members after @reserved are the *ops*: each is called when its behaviour
 * happens. Any may be left out. A program may be written as sleepable
 * ("struct_ops.s/...") where "may sleep" stands.
 */
struct krsi_ops {
	char name[KRSI_NAME_SIZE];
	__u32 abi;
	__u32 flags;
	__u64 reserved[4];
	int (*process_exec)(struct krsi_exec *exec);
	void (*process_executed)(struct krsi_executed *executed);
	int (*file_unlink)(struct krsi_unlink *removal);
	int (*executable_unlink)(struct krsi_exec_unlink *removal);
	void (*module_live)(struct krsi_module *module);
	void (*module_gone)(struct krsi_module *module);
	void (*module_hidden)(struct krsi_module_hidden *hidden);
	int (*mount)(struct krsi_mount *mount);
	int (*module_load)(struct krsi_module_load *load);
	int (*module_request)(struct krsi_module_request *request);
	int (*file_map_exec)(struct krsi_map_exec *map);
};

#endif /* _KRSI_H */
