// SPDX-License-Identifier: GPL-2.0

//! The hooks of Linux Security Modules: the trait that an LSM implements, and the table of them.
//!
//! What an LSM doesn't implement isn't registered. A new hook is a function of the trait, a line
//! of the table and a callback in `lsm_callbacks.rs`; with a static key of its own in `helpers.c` it can be switched.
//!
//! C header: [`include/linux/lsm_hook_defs.h`](srctree/include/linux/lsm_hook_defs.h).

use super::{
    block::BlockDev,
    bprm::Bprm,
    inode::Inode,
    lsm_callbacks::*,
    place::Place,
    prog::Prog,
    superblock::SuperBlock, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::VTABLE_DEFAULT_ERROR,
    fs::File,
    mm::virt::VmaRef,
    prelude::*,
    task::Task,
    ModuleMetadata, //
};

/// What `#[vtable]` takes for the module that owns callbacks: an LSM is part of the kernel.
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"krsi";

    const THIS_MODULE: ThisModule = {
        // SAFETY: A null module is what code that is built in has.
        unsafe { ThisModule::from_ptr(core::ptr::null_mut()) }
    };
}

/// How a mapping can be accessed.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    /// It can be executed.
    pub(crate) executable: bool,
    /// It can be written to.
    pub(crate) writable: bool,
    /// What is written to it is written to the file.
    pub(crate) shared: bool,
}

impl Access {
    pub(super) fn new(prot: c_ulong, shared: bool) -> Self {
        Self {
            executable: prot & bindings::PROT_EXEC as c_ulong != 0,
            writable: prot & bindings::PROT_WRITE as c_ulong != 0,
            shared,
        }
    }
}

/// The hooks of an LSM. All are called in process context and may sleep unless they say otherwise.
#[vtable]
pub(crate) trait Hooks: 'static {
    /// An exec begins: once, for the file that was asked for.
    fn bprm_creds_for_exec(_bprm: &Bprm) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A file is about to be executed: for the file itself and each interpreter.
    fn bprm_check_security(_bprm: &Bprm) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The new credentials are in force; `bprm` has no memory any more.
    fn bprm_committed_creds(_bprm: &Bprm) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A task is being made by the current one: a thread of its process, or a process. It has no
    /// id yet.
    fn task_alloc(_task: &Task, _is_thread: bool) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A task's memory is about to be freed, or its making has failed. May be called in any
    /// context: must not sleep.
    fn task_free(_task: &Task) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A file is about to be mapped by the current process, or by its exec.
    fn mmap_file(_file: &File, _access: Access) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// What is mapped is about to become accessible so. `mmap_lock` is held for writing.
    fn file_mprotect(_area: &VmaRef, _access: Access) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A file is being opened. Who opens it for writing counts as a writer of its inode already.
    fn file_open(_inode: &Inode, _for_writing: bool) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The size of a file is about to be changed, if `changes_size`, or other attributes. Who changes
    /// the size counts as a writer of the inode already. The inode is locked.
    fn inode_setattr(_inode: &Inode, _changes_size: bool) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// An inode leaves memory; nobody else has it any more. Must not sleep.
    fn inode_free(_inode: &Inode) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A name is about to be removed, if permissions allow it. The directory's inode is locked.
    fn path_unlink(_victim: Place<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A name is about to be given to `old`, if permissions allow it: in the place of `new`, if
    /// there is one, which gets that of `old` in an exchange. The directories' inodes are locked.
    fn path_rename(_old: Place<'_>, _new: Option<Place<'_>>, _exchange: bool) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A name is about to be removed from a directory; permissions allow it. The place has no mount.
    /// The inodes of directory and victim are locked.
    fn inode_unlink(_dir: &Inode, _victim: Place<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// As `path_rename`, when permissions allow it; an exchange calls it twice, for each half. The
    /// places have no mount. The directories' inodes are locked.
    fn inode_rename(
        _old_dir: &Inode,
        _old: Place<'_>,
        _new_dir: &Inode,
        _new: Option<Place<'_>>,
    ) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A module was read from a file for the current task: all of what will be loaded,
    /// uncompressed. Nothing of it was looked at yet.
    fn module_read(_file: &File, _contents: &[u8]) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The same, copied from the memory of the current process.
    fn module_copied(_contents: &[u8]) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The kernel asks for a module by this name or alias, for the current task.
    fn module_requested(_alias: &CStr) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A filesystem has opened a block device and has not read from it; without a superblock it
    /// only looks what is there. The superblock's `s_umount` is held.
    fn sb_open_bdev(_sb: Option<&SuperBlock>, _bdev: &BlockDev) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A mount of this superblock is about to be made, the first or another one. Its `s_umount` may
    /// be held.
    fn sb_kern_mount(_sb: &SuperBlock) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A superblock is about to be changed; whether it may only be read then. Its `s_umount` is
    /// held.
    fn sb_reconfigure(_sb: &SuperBlock, _read_only: bool) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A superblock is about to be freed.
    fn sb_free(_sb: &SuperBlock) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A file or device is about to be swapped to; nothing has been read from it.
    fn swapon(_file: &File) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A BPF program is being loaded; it is not verified yet.
    fn bpf_prog_load(_prog: &Prog) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A BPF program is being freed. May be called in an RCU callback: must not sleep.
    fn bpf_prog_free(_prog: &Prog) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

macro_rules! hooks {
    ($( $name:ident = $index:literal: $hook:ident, $has:ident, $key:expr; )*) => {
        /// Names a hook at run time.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Hook { $( #[doc = stringify!($hook)] $name = $index, )* }

        impl Hook {
            /// How many there are.
            pub(crate) const COUNT: usize = [$($index),*].len();

            /// All of them.
            pub(crate) const ALL: [Hook; Self::COUNT] = [$(Hook::$name),*];

            /// The static key of its own, if it can be switched.
            pub(super) fn key(self) -> Option<*mut bindings::krsi_hook_key> {
                match self { $( Hook::$name => $key, )* }
            }
        }

        /// The framework's entries for all hooks, with the callbacks that lead to `T`.
        pub(super) const fn entries<T: Hooks>(
        ) -> [UnsafeCell<bindings::security_hook_list>; Hook::COUNT] {
            [$(
                UnsafeCell::new(bindings::security_hook_list {
                    // SAFETY: Only the address of the framework's table is taken.
                    scalls: unsafe { &raw mut bindings::static_calls_table.$hook }.cast(),
                    hook: bindings::security_list_options { $hook: Some($hook::<T>) },
                    ..pin_init::zeroed()
                }),
            )*]
        }

        /// Which of them `T` implements.
        pub(super) const fn implemented<T: Hooks>() -> [bool; Hook::COUNT] {
            [$( T::$has, )*]
        }
    };
}

hooks! {
    BprmCredsForExec = 0: bprm_creds_for_exec, HAS_BPRM_CREDS_FOR_EXEC,
        Some(&raw mut bindings::krsi_key_bprm_creds_for_exec);
    BprmCheckSecurity = 1: bprm_check_security, HAS_BPRM_CHECK_SECURITY,
        Some(&raw mut bindings::krsi_key_bprm_check_security);
    BprmCommittedCreds = 2: bprm_committed_creds, HAS_BPRM_COMMITTED_CREDS,
        Some(&raw mut bindings::krsi_key_bprm_committed_creds);
    TaskAlloc = 3: task_alloc, HAS_TASK_ALLOC, Some(&raw mut bindings::krsi_key_task_alloc);
    MmapFile = 4: mmap_file, HAS_MMAP_FILE, Some(&raw mut bindings::krsi_key_mmap_file);
    InodeFree = 5: inode_free_security, HAS_INODE_FREE,
        Some(&raw mut bindings::krsi_key_inode_free_security);
    PathUnlink = 6: path_unlink, HAS_PATH_UNLINK, Some(&raw mut bindings::krsi_key_path_unlink);
    PathRename = 7: path_rename, HAS_PATH_RENAME, Some(&raw mut bindings::krsi_key_path_rename);
    InodeUnlink = 8: inode_unlink, HAS_INODE_UNLINK, Some(&raw mut bindings::krsi_key_inode_unlink);
    InodeRename = 9: inode_rename, HAS_INODE_RENAME, Some(&raw mut bindings::krsi_key_inode_rename);
    TaskFree = 10: task_free, HAS_TASK_FREE, Some(&raw mut bindings::krsi_key_task_free);
    FileMprotect = 11: file_mprotect, HAS_FILE_MPROTECT,
        Some(&raw mut bindings::krsi_key_file_mprotect);
    FileOpen = 12: file_open, HAS_FILE_OPEN, Some(&raw mut bindings::krsi_key_file_open);
    InodeSetattr = 13: inode_setattr, HAS_INODE_SETATTR,
        Some(&raw mut bindings::krsi_key_inode_setattr);
    KernelPostReadFile = 14: kernel_post_read_file, HAS_MODULE_READ,
        Some(&raw mut bindings::krsi_key_kernel_post_read_file);
    KernelPostLoadData = 15: kernel_post_load_data, HAS_MODULE_COPIED,
        Some(&raw mut bindings::krsi_key_kernel_post_load_data);
    KernelModuleRequest = 16: kernel_module_request, HAS_MODULE_REQUESTED,
        Some(&raw mut bindings::krsi_key_kernel_module_request);
    BpfProgLoad = 17: bpf_prog_load, HAS_BPF_PROG_LOAD, None;
    BpfProgFree = 18: bpf_prog_free, HAS_BPF_PROG_FREE, None;
    SbOpenBdev = 19: sb_open_bdev, HAS_SB_OPEN_BDEV, None;
    SbKernMount = 20: sb_kern_mount, HAS_SB_KERN_MOUNT, None;
    SbFree = 21: sb_free_security, HAS_SB_FREE, None;
    SbReconfigure = 22: sb_reconfigure, HAS_SB_RECONFIGURE,
        Some(&raw mut bindings::krsi_key_sb_reconfigure);
    Swapon = 23: swapon, HAS_SWAPON, Some(&raw mut bindings::krsi_key_swapon);
}

impl Hook {
    /// Its index in tables of `COUNT` entries.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
