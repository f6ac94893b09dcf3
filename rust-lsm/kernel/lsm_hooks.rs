// SPDX-License-Identifier: GPL-2.0

//! The hooks of Linux Security Modules: the trait that an LSM implements, and what the framework
//! calls for each.
//!
//! What an LSM doesn't implement isn't registered. A new hook is a function of the trait, a line
//! of the table and a callback; with a static key of its own in `helpers.c` it can be switched.
//!
//! C header: [`include/linux/lsm_hook_defs.h`](srctree/include/linux/lsm_hook_defs.h).

use super::{
    block::BlockDev,
    bprm::Bprm,
    inode::Inode,
    place::Place,
    prog::Prog,
    superblock::SuperBlock, //
};
use core::{
    cell::UnsafeCell,
    ptr::null_mut, //
};
use kernel::{
    bindings,
    error::{
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
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
    fn new(prot: c_ulong, shared: bool) -> Self {
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

    /// A name is about to be removed; permissions allow it. The place has no mount. The inodes of
    /// directory and victim are locked.
    fn inode_unlink(_victim: Place<'_>) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// As `path_rename`, when permissions allow it; an exchange calls it twice, for each half. The
    /// places have no mount. The directories' inodes are locked.
    fn inode_rename(_old: Place<'_>, _new: Option<Place<'_>>) -> Result {
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

/// Whether a switchable hook is to go on. With a framework that switches hooks it is not called
/// otherwise, and this is no instruction; without, it is the static branch first in the hook.
macro_rules! switched_on {
    ($key:ident) => {{
        if bindings::KRSI_FRAMEWORK_SWITCHES != 0 {
            true
        } else {
            // SAFETY: The key is a static key defined by C.
            unsafe {
                kernel::jump_label::static_branch_unlikely!(
                    bindings::$key,
                    bindings::krsi_hook_key,
                    key
                )
            }
        }
    }};
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_creds_for_exec<T: Hooks>(bprm: *mut bindings::linux_binprm) -> c_int {
    if !switched_on!(krsi_key_bprm_creds_for_exec) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    from_result(|| T::bprm_creds_for_exec(bprm).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_check_security<T: Hooks>(bprm: *mut bindings::linux_binprm) -> c_int {
    if !switched_on!(krsi_key_bprm_check_security) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    from_result(|| T::bprm_check_security(bprm).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_committed_creds<T: Hooks>(bprm: *const bindings::linux_binprm) {
    if !switched_on!(krsi_key_bprm_committed_creds) {
        return;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    T::bprm_committed_creds(unsafe { Bprm::from_ptr(bprm) });
}

/// # Safety
///
/// Called by the LSM framework with a task that the current one is making.
unsafe extern "C" fn task_alloc<T: Hooks>(task: *mut bindings::task_struct, flags: u64) -> c_int {
    if !switched_on!(krsi_key_task_alloc) {
        return 0;
    }
    // SAFETY: The framework passes a task that is valid during the hook; `Task` is transparent.
    let task = unsafe { &*task.cast::<Task>() };
    let is_thread = flags & u64::from(bindings::CLONE_THREAD) != 0;
    from_result(|| T::task_alloc(task, is_thread).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a task that is about to be freed.
unsafe extern "C" fn task_free<T: Hooks>(task: *mut bindings::task_struct) {
    if !switched_on!(krsi_key_task_free) {
        return;
    }
    // SAFETY: The framework passes a task that is valid during the hook; `Task` is transparent.
    T::task_free(unsafe { &*task.cast::<Task>() });
}

/// # Safety
///
/// Called by the LSM framework with the file that is being mapped, or null.
unsafe extern "C" fn mmap_file<T: Hooks>(
    file: *mut bindings::file,
    _wanted: c_ulong,
    prot: c_ulong,
    flags: c_ulong,
) -> c_int {
    if !switched_on!(krsi_key_mmap_file) || file.is_null() {
        return 0;
    }
    // SAFETY: The file is referenced during the hook; a light reference of this task's, if any, is
    // not used meanwhile.
    let file = unsafe { File::from_raw_file(file) };
    let shared = flags & bindings::MAP_SHARED as c_ulong != 0;
    from_result(|| T::mmap_file(file, Access::new(prot, shared)).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with an area whose `mmap_lock` is held for writing.
unsafe extern "C" fn file_mprotect<T: Hooks>(
    area: *mut bindings::vm_area_struct,
    _wanted: c_ulong,
    prot: c_ulong,
) -> c_int {
    if !switched_on!(krsi_key_file_mprotect) {
        return 0;
    }
    // SAFETY: The area is valid and locked during the hook.
    let area = unsafe { VmaRef::from_raw(area) };
    // As the user asked for it: what he can't write to is no more `VM_SHARED`.
    let shared = area.flags() & bindings::VM_MAYSHARE != 0;
    from_result(|| T::file_mprotect(area, Access::new(prot, shared)).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a file that is being opened.
unsafe extern "C" fn file_open<T: Hooks>(file: *mut bindings::file) -> c_int {
    if !switched_on!(krsi_key_file_open) {
        return 0;
    }
    // SAFETY: The file has its inode, and nobody else has the file yet.
    let (inode, for_writing) = unsafe {
        (
            Inode::from_ptr(bindings::krsi_file_inode(file)),
            bindings::krsi_file_writable(file),
        )
    };
    from_result(|| T::file_open(inode, for_writing).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a file's name and the attributes that it is to get.
unsafe extern "C" fn inode_setattr<T: Hooks>(
    _idmap: *mut bindings::mnt_idmap,
    dentry: *mut bindings::dentry,
    attr: *mut bindings::iattr,
) -> c_int {
    if !switched_on!(krsi_key_inode_setattr) {
        return 0;
    }
    // SAFETY: The framework passes a dentry that leads to an inode and valid attributes.
    let (inode, valid) = unsafe { (Inode::from_ptr((*dentry).d_inode), (*attr).ia_valid) };
    from_result(|| T::inode_setattr(inode, valid & bindings::ATTR_SIZE != 0).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with an inode that is about to be freed.
unsafe extern "C" fn inode_free_security<T: Hooks>(inode: *mut bindings::inode) {
    if !switched_on!(krsi_key_inode_free_security) {
        return;
    }
    // SAFETY: The framework passes an inode that is valid during the hook.
    T::inode_free(unsafe { Inode::from_ptr(inode) });
}

/// # Safety
///
/// Called by the LSM framework with a directory and a name in it, locked.
unsafe extern "C" fn path_unlink<T: Hooks>(
    dir: *const bindings::path,
    victim: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_path_unlink) {
        return 0;
    }
    from_result(|| {
        // SAFETY: The caller holds the directory's path and a reference to the name during the
        // hook, and has locked the directory.
        match unsafe { Place::new((*dir).mnt, victim) } {
            Some(victim) => T::path_unlink(victim).map(|()| 0),
            None => Ok(0),
        }
    })
}

/// # Safety
///
/// Called by the LSM framework with two directories and names in them, locked.
unsafe extern "C" fn path_rename<T: Hooks>(
    old_dir: *const bindings::path,
    old: *mut bindings::dentry,
    new_dir: *const bindings::path,
    new: *mut bindings::dentry,
    flags: c_uint,
) -> c_int {
    if !switched_on!(krsi_key_path_rename) {
        return 0;
    }
    let exchange = flags & bindings::RENAME_EXCHANGE != 0;
    from_result(|| {
        // SAFETY: As in `path_unlink`.
        match unsafe {
            (
                Place::new((*old_dir).mnt, old),
                Place::new((*new_dir).mnt, new),
            )
        } {
            (Some(old), new) => T::path_rename(old, new, exchange).map(|()| 0),
            _ => Ok(0),
        }
    })
}

/// # Safety
///
/// Called by the LSM framework with a directory and a name in it, locked.
unsafe extern "C" fn inode_unlink<T: Hooks>(
    _dir: *mut bindings::inode,
    victim: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_inode_unlink) {
        return 0;
    }
    from_result(|| {
        // SAFETY: As in `path_unlink`; no mount is needed.
        match unsafe { Place::new(null_mut(), victim) } {
            Some(victim) => T::inode_unlink(victim).map(|()| 0),
            None => Ok(0),
        }
    })
}

/// # Safety
///
/// Called by the LSM framework with two directories and names in them, locked.
unsafe extern "C" fn inode_rename<T: Hooks>(
    _old_dir: *mut bindings::inode,
    old: *mut bindings::dentry,
    _new_dir: *mut bindings::inode,
    new: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_inode_rename) {
        return 0;
    }
    from_result(|| {
        // SAFETY: As in `inode_unlink`.
        match unsafe { (Place::new(null_mut(), old), Place::new(null_mut(), new)) } {
            (Some(old), new) => T::inode_rename(old, new).map(|()| 0),
            _ => Ok(0),
        }
    })
}

/// What the kernel has read or copied.
///
/// # Safety
///
/// `buf` is null, or memory of `size` bytes that nobody changes for `'a`.
unsafe fn contents<'a>(buf: *mut c_char, size: bindings::loff_t) -> Option<&'a [u8]> {
    let size = usize::try_from(size).ok()?;
    // SAFETY: By the caller's guarantee; an allocation has at most `isize::MAX` bytes.
    (!buf.is_null()).then(|| unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), size) })
}

/// # Safety
///
/// Called by the LSM framework with a file and what was read of it.
unsafe extern "C" fn kernel_post_read_file<T: Hooks>(
    file: *mut bindings::file,
    buf: *mut c_char,
    size: bindings::loff_t,
    id: bindings::kernel_read_file_id,
) -> c_int {
    if !switched_on!(krsi_key_kernel_post_read_file)
        || id != bindings::kernel_read_file_id_READING_MODULE
        || file.is_null()
    {
        return 0;
    }
    // SAFETY: The file is referenced during the hook, as in `mmap_file`. What was read is in
    // memory of the kernel's, and goes on being that of this load alone.
    let (file, contents) = unsafe { (File::from_raw_file(file), contents(buf, size)) };
    from_result(|| match contents {
        Some(contents) => T::module_read(file, contents).map(|()| 0),
        None => Ok(0),
    })
}

/// # Safety
///
/// Called by the LSM framework with what was copied from user memory.
unsafe extern "C" fn kernel_post_load_data<T: Hooks>(
    buf: *mut c_char,
    size: bindings::loff_t,
    id: bindings::kernel_load_data_id,
    _description: *mut c_char,
) -> c_int {
    if !switched_on!(krsi_key_kernel_post_load_data)
        || id != bindings::kernel_load_data_id_LOADING_MODULE
    {
        return 0;
    }
    // SAFETY: As in `kernel_post_read_file`.
    let contents = unsafe { contents(buf, size) };
    from_result(|| match contents {
        Some(contents) => T::module_copied(contents).map(|()| 0),
        None => Ok(0),
    })
}

/// # Safety
///
/// Called by the LSM framework with the name of a module.
unsafe extern "C" fn kernel_module_request<T: Hooks>(alias: *mut c_char) -> c_int {
    if !switched_on!(krsi_key_kernel_module_request) || alias.is_null() {
        return 0;
    }
    // SAFETY: The framework passes a string with a NUL, which its caller keeps during the hook.
    let alias = unsafe { CStr::from_char_ptr(alias) };
    from_result(|| T::module_requested(alias).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a program that is being loaded.
unsafe extern "C" fn bpf_prog_load<T: Hooks>(
    prog: *mut bindings::bpf_prog,
    _attr: *mut bindings::bpf_attr,
    _token: *mut bindings::bpf_token,
    _kernel: bool,
) -> c_int {
    // SAFETY: The framework passes a program that is valid during the hook.
    let prog = unsafe { Prog::from_ptr(prog) };
    from_result(|| T::bpf_prog_load(prog).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a program that is being freed.
unsafe extern "C" fn bpf_prog_free<T: Hooks>(prog: *mut bindings::bpf_prog) {
    // SAFETY: The framework passes a program that is valid during the hook.
    T::bpf_prog_free(unsafe { Prog::from_ptr(prog) });
}

/// # Safety
///
/// Called by the LSM framework with a block device that is open, and the superblock that it is for
/// or null.
unsafe extern "C" fn sb_open_bdev<T: Hooks>(
    sb: *mut bindings::super_block,
    bdev: *mut bindings::block_device,
) -> c_int {
    // SAFETY: Both are valid during the hook, where they are not null.
    let (sb, bdev) = unsafe {
        let sb = (!sb.is_null()).then(|| SuperBlock::from_ptr(sb));
        (sb, BlockDev::from_ptr(bdev))
    };
    from_result(|| T::sb_open_bdev(sb, bdev).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a superblock that has its root.
unsafe extern "C" fn sb_kern_mount<T: Hooks>(sb: *const bindings::super_block) -> c_int {
    // SAFETY: The caller holds a reference to its root during the hook.
    let sb = unsafe { SuperBlock::from_ptr(sb) };
    from_result(|| T::sb_kern_mount(sb).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a superblock that is about to be freed.
unsafe extern "C" fn sb_free_security<T: Hooks>(sb: *mut bindings::super_block) {
    // SAFETY: The framework passes a superblock that is valid during the hook.
    T::sb_free(unsafe { SuperBlock::from_ptr(sb) });
}

/// # Safety
///
/// Called by the LSM framework with the context of a change to a superblock.
unsafe extern "C" fn sb_reconfigure<T: Hooks>(fc: *const bindings::fs_context) -> c_int {
    if !switched_on!(krsi_key_sb_reconfigure) {
        return 0;
    }
    // SAFETY: The context of a change refers to a root, which holds its superblock; who changes it
    // has locked both. Of a mount that changes what is mounted all flags count.
    let (sb, flags, mask) = unsafe {
        let fc = &*fc;
        let mask = match fc.purpose() {
            bindings::fs_context_purpose_FS_CONTEXT_FOR_RECONFIGURE => fc.sb_flags_mask,
            _ => c_uint::MAX,
        };
        (SuperBlock::from_ptr((*fc.root).d_sb), fc.sb_flags, mask)
    };
    from_result(|| T::sb_reconfigure(sb, sb.would_be_read_only(flags, mask)).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with the file that is to be swapped to.
unsafe extern "C" fn swapon<T: Hooks>(file: *mut bindings::file) -> c_int {
    if !switched_on!(krsi_key_swapon) {
        return 0;
    }
    // SAFETY: The caller holds the file, which it opened itself and no descriptor refers to.
    let file = unsafe { File::from_raw_file(file) };
    from_result(|| T::swapon(file).map(|()| 0))
}
