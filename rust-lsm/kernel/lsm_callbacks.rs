// SPDX-License-Identifier: GPL-2.0

//! What the framework calls for each hook of `lsm_hooks.rs`: C pointers become typed references, and
//! the LSM's function is called.
//!
//! C header: [`include/linux/lsm_hook_defs.h`](srctree/include/linux/lsm_hook_defs.h).

use super::{
    block::BlockDev,
    bprm::Bprm,
    inode::Inode,
    lsm_hooks::{
        Access,
        Hooks, //
    },
    place::Place,
    prog::Prog,
    superblock::SuperBlock, //
};
use core::ptr::null_mut;
use kernel::{
    bindings,
    fs::File,
    mm::virt::VmaRef,
    prelude::*,
    task::Task, //
};

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

/// What a hook returns: 0 or an errno.
#[inline(always)]
fn answer(result: Result) -> c_int {
    result.map_or_else(Error::to_errno, |()| 0)
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
pub(super) unsafe extern "C" fn bprm_creds_for_exec<T: Hooks>(
    bprm: *mut bindings::linux_binprm,
) -> c_int {
    if !switched_on!(krsi_key_bprm_creds_for_exec) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    answer(T::bprm_creds_for_exec(bprm))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
pub(super) unsafe extern "C" fn bprm_check_security<T: Hooks>(
    bprm: *mut bindings::linux_binprm,
) -> c_int {
    if !switched_on!(krsi_key_bprm_check_security) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    answer(T::bprm_check_security(bprm))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
pub(super) unsafe extern "C" fn bprm_committed_creds<T: Hooks>(
    bprm: *const bindings::linux_binprm,
) {
    if !switched_on!(krsi_key_bprm_committed_creds) {
        return;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    T::bprm_committed_creds(unsafe { Bprm::from_ptr(bprm) });
}

/// # Safety
///
/// Called by the LSM framework with a task that the current one is making.
pub(super) unsafe extern "C" fn task_alloc<T: Hooks>(
    task: *mut bindings::task_struct,
    flags: u64,
) -> c_int {
    if !switched_on!(krsi_key_task_alloc) {
        return 0;
    }
    // SAFETY: The framework passes a task that is valid during the hook; `Task` is transparent.
    let task = unsafe { &*task.cast::<Task>() };
    let is_thread = flags & u64::from(bindings::CLONE_THREAD) != 0;
    answer(T::task_alloc(task, is_thread))
}

/// # Safety
///
/// Called by the LSM framework with a task that is about to be freed.
pub(super) unsafe extern "C" fn task_free<T: Hooks>(task: *mut bindings::task_struct) {
    if !switched_on!(krsi_key_task_free) {
        return;
    }
    // SAFETY: The framework passes a task that is valid during the hook; `Task` is transparent.
    T::task_free(unsafe { &*task.cast::<Task>() });
}

/// # Safety
///
/// Called by the LSM framework with the file that is being mapped, or null.
pub(super) unsafe extern "C" fn mmap_file<T: Hooks>(
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
    answer(T::mmap_file(file, Access::new(prot, shared)))
}

/// # Safety
///
/// Called by the LSM framework with an area whose `mmap_lock` is held for writing.
pub(super) unsafe extern "C" fn file_mprotect<T: Hooks>(
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
    answer(T::file_mprotect(area, Access::new(prot, shared)))
}

/// # Safety
///
/// Called by the LSM framework with a file that is being opened.
pub(super) unsafe extern "C" fn file_open<T: Hooks>(file: *mut bindings::file) -> c_int {
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
    answer(T::file_open(inode, for_writing))
}

/// # Safety
///
/// Called by the LSM framework with a file's name and the attributes that it is to get.
pub(super) unsafe extern "C" fn inode_setattr<T: Hooks>(
    _idmap: *mut bindings::mnt_idmap,
    dentry: *mut bindings::dentry,
    attr: *mut bindings::iattr,
) -> c_int {
    if !switched_on!(krsi_key_inode_setattr) {
        return 0;
    }
    // SAFETY: The framework passes a dentry that leads to an inode and valid attributes.
    let (inode, valid) = unsafe { (Inode::from_ptr((*dentry).d_inode), (*attr).ia_valid) };
    answer(T::inode_setattr(inode, valid & bindings::ATTR_SIZE != 0))
}

/// # Safety
///
/// Called by the LSM framework with an inode that is about to be freed.
pub(super) unsafe extern "C" fn inode_free_security<T: Hooks>(inode: *mut bindings::inode) {
    if !switched_on!(krsi_key_inode_free_security) {
        return;
    }
    // SAFETY: The framework passes an inode that is valid during the hook.
    T::inode_free(unsafe { Inode::from_ptr(inode) });
}

/// # Safety
///
/// Called by the LSM framework with a directory and a name in it, locked.
pub(super) unsafe extern "C" fn path_unlink<T: Hooks>(
    dir: *const bindings::path,
    victim: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_path_unlink) {
        return 0;
    }
    // SAFETY: The caller holds the directory's path and a reference to the name during the hook, and
    // has locked the directory.
    let victim = unsafe { Place::new((*dir).mnt, victim) };
    answer(victim.map_or(Ok(()), T::path_unlink))
}

/// # Safety
///
/// Called by the LSM framework with two directories and names in them, locked.
pub(super) unsafe extern "C" fn path_rename<T: Hooks>(
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
    // SAFETY: As in `path_unlink`.
    let (old, new) = unsafe {
        (
            Place::new((*old_dir).mnt, old),
            Place::new((*new_dir).mnt, new),
        )
    };
    answer(old.map_or(Ok(()), |old| T::path_rename(old, new, exchange)))
}

/// # Safety
///
/// Called by the LSM framework with a directory and a name in it, locked.
pub(super) unsafe extern "C" fn inode_unlink<T: Hooks>(
    dir: *mut bindings::inode,
    victim: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_inode_unlink) {
        return 0;
    }
    // SAFETY: As in `path_unlink`; no mount is needed.
    let (dir, victim) = unsafe { (Inode::from_ptr(dir), Place::new(null_mut(), victim)) };
    answer(victim.map_or(Ok(()), |victim| T::inode_unlink(dir, victim)))
}

/// # Safety
///
/// Called by the LSM framework with two directories and names in them, locked.
pub(super) unsafe extern "C" fn inode_rename<T: Hooks>(
    old_dir: *mut bindings::inode,
    old: *mut bindings::dentry,
    new_dir: *mut bindings::inode,
    new: *mut bindings::dentry,
) -> c_int {
    if !switched_on!(krsi_key_inode_rename) {
        return 0;
    }
    // SAFETY: As in `inode_unlink`.
    let (old_dir, old, new_dir, new) = unsafe {
        (
            Inode::from_ptr(old_dir),
            Place::new(null_mut(), old),
            Inode::from_ptr(new_dir),
            Place::new(null_mut(), new),
        )
    };
    answer(old.map_or(Ok(()), |old| T::inode_rename(old_dir, old, new_dir, new)))
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
pub(super) unsafe extern "C" fn kernel_post_read_file<T: Hooks>(
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
    answer(contents.map_or(Ok(()), |contents| T::module_read(file, contents)))
}

/// # Safety
///
/// Called by the LSM framework with what was copied from user memory.
pub(super) unsafe extern "C" fn kernel_post_load_data<T: Hooks>(
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
    answer(contents.map_or(Ok(()), T::module_copied))
}

/// # Safety
///
/// Called by the LSM framework with the name of a module.
pub(super) unsafe extern "C" fn kernel_module_request<T: Hooks>(alias: *mut c_char) -> c_int {
    if !switched_on!(krsi_key_kernel_module_request) || alias.is_null() {
        return 0;
    }
    // SAFETY: The framework passes a string with a NUL, which its caller keeps during the hook.
    let alias = unsafe { CStr::from_char_ptr(alias) };
    answer(T::module_requested(alias))
}

/// # Safety
///
/// Called by the LSM framework with a program that is being loaded.
pub(super) unsafe extern "C" fn bpf_prog_load<T: Hooks>(
    prog: *mut bindings::bpf_prog,
    _attr: *mut bindings::bpf_attr,
    _token: *mut bindings::bpf_token,
    _kernel: bool,
) -> c_int {
    // SAFETY: The framework passes a program that is valid during the hook.
    let prog = unsafe { Prog::from_ptr(prog) };
    answer(T::bpf_prog_load(prog))
}

/// # Safety
///
/// Called by the LSM framework with a program that is being freed.
pub(super) unsafe extern "C" fn bpf_prog_free<T: Hooks>(prog: *mut bindings::bpf_prog) {
    // SAFETY: The framework passes a program that is valid during the hook.
    T::bpf_prog_free(unsafe { Prog::from_ptr(prog) });
}

/// # Safety
///
/// Called by the LSM framework with a block device that is open, and the superblock that it is for
/// or null.
pub(super) unsafe extern "C" fn sb_open_bdev<T: Hooks>(
    sb: *mut bindings::super_block,
    bdev: *mut bindings::block_device,
) -> c_int {
    // SAFETY: Both are valid during the hook, where they are not null.
    let (sb, bdev) = unsafe {
        let sb = (!sb.is_null()).then(|| SuperBlock::from_ptr(sb));
        (sb, BlockDev::from_ptr(bdev))
    };
    answer(T::sb_open_bdev(sb, bdev))
}

/// # Safety
///
/// Called by the LSM framework with a superblock that has its root.
pub(super) unsafe extern "C" fn sb_kern_mount<T: Hooks>(sb: *const bindings::super_block) -> c_int {
    // SAFETY: The caller holds a reference to its root during the hook.
    let sb = unsafe { SuperBlock::from_ptr(sb) };
    answer(T::sb_kern_mount(sb))
}

/// # Safety
///
/// Called by the LSM framework with a superblock that is about to be freed.
pub(super) unsafe extern "C" fn sb_free_security<T: Hooks>(sb: *mut bindings::super_block) {
    // SAFETY: The framework passes a superblock that is valid during the hook.
    T::sb_free(unsafe { SuperBlock::from_ptr(sb) });
}

/// # Safety
///
/// Called by the LSM framework with the context of a change to a superblock.
pub(super) unsafe extern "C" fn sb_reconfigure<T: Hooks>(fc: *const bindings::fs_context) -> c_int {
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
    answer(T::sb_reconfigure(sb, sb.would_be_read_only(flags, mask)))
}

/// # Safety
///
/// Called by the LSM framework with the file that is to be swapped to.
pub(super) unsafe extern "C" fn swapon<T: Hooks>(file: *mut bindings::file) -> c_int {
    if !switched_on!(krsi_key_swapon) {
        return 0;
    }
    // SAFETY: The caller holds the file, which it opened itself and no descriptor refers to.
    let file = unsafe { File::from_raw_file(file) };
    answer(T::swapon(file))
}
