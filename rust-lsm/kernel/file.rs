// SPDX-License-Identifier: GPL-2.0

//! Facts about a file that is executed.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use super::{
    abi::FileId,
    kfunc::ProgMem, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    fs::File,
    prelude::*,
    sync::rcu, //
};

/// Bounds the walk from a file to the root of its layer.
const MAX_PATH_DEPTH: usize = 256;

fn inode(file: &File) -> *const bindings::inode {
    // SAFETY: An open file has an inode for as long as it is open.
    unsafe { bindings::krsi_file_inode(file.as_ptr()) }
}

fn dentry(file: &File) -> *mut bindings::dentry {
    // SAFETY: An open file has a path for as long as it is open, and it never changes.
    unsafe { (*file.as_ptr()).__bindgen_anon_1.f_path.dentry }
}

fn magic(file: &File) -> u32 {
    // SAFETY: An inode has a superblock as long as it lives; the magic never changes.
    unsafe { (*(*inode(file)).i_sb).s_magic as u32 }
}

/// Which file this is: the real one below an overlay, and the overlay's. Doesn't sleep.
pub(crate) fn id(file: &File) -> FileId {
    // SAFETY: The file is open, so its dentry and inodes live; the fields are constant but for
    // the generation, which is one word.
    unsafe {
        let seen = inode(file);
        let real = bindings::krsi_real_inode(dentry(file));
        let real = if real.is_null() { seen } else { real };
        let dev = |inode: *const bindings::inode| bindings::krsi_user_dev((*(*inode).i_sb).s_dev);
        let mut id = FileId {
            dev: dev(real),
            ino: (*real).i_ino,
            generation: generation(&*real),
            ..Default::default()
        };
        if !core::ptr::eq(seen, real) {
            id.overlay_dev = dev(seen);
            id.overlay_ino = (*seen).i_ino;
            id.overlay_generation = generation(&*seen);
        }
        id
    }
}

/// The inode's generation; 0 for vfat, which draws one at random whenever it reads an inode.
fn generation(inode: &bindings::inode) -> u32 {
    // SAFETY: An inode has a superblock as long as it lives.
    let magic = unsafe { (*inode.i_sb).s_magic };
    if magic as u32 == bindings::MSDOS_SUPER_MAGIC {
        0
    } else {
        inode.i_generation
    }
}

/// Writes the file's path to a program's memory, as `d_path` gives it; returns its length.
///
/// `ENAMETOOLONG` if it doesn't fit; the memory is then an empty string. Doesn't sleep.
pub(crate) fn path(file: &File, out: &ProgMem<'_>) -> Result<usize> {
    let start: *mut u8 = out.as_mut_ptr();
    if out.len() == 0 {
        return Err(ENAMETOOLONG);
    }
    // SAFETY: The file is open, so its path lives; the memory is valid for writes of its length.
    let found = from_err_ptr(unsafe {
        bindings::d_path(
            &raw const (*file.as_ptr()).__bindgen_anon_1.f_path,
            start.cast(),
            out.len().min(c_int::MAX as usize) as c_int,
        )
    });
    let Ok(found) = found else {
        out.write(0, &[0]);
        return Err(ENAMETOOLONG);
    };
    // `d_path` writes to the end of the memory, its NUL last.
    let skipped = (found as usize).wrapping_sub(start as usize);
    let len = out.len().checked_sub(skipped).ok_or(ENAMETOOLONG)?;
    // SAFETY: `skipped + len` is the memory's length, so both ranges lie in it.
    unsafe { bindings::memmove(start.cast(), found.cast(), len) };
    Ok(len.saturating_sub(1))
}

/// Whether the file has no name any more, or never had one.
pub(crate) fn is_unlinked(file: &File) -> bool {
    // SAFETY: The file is open.
    unsafe { bindings::krsi_file_unlinked(file.as_ptr()) }
}

/// Whether it is a memfd: a file on a mount of the kernel's own of tmpfs or hugetlbfs.
pub(crate) fn is_memfd(file: &File) -> bool {
    // SAFETY: The file is open, so its mount lives.
    let flags = unsafe { (*(*file.as_ptr()).__bindgen_anon_1.f_path.mnt).mnt_flags };
    let internal = flags as u32 & bindings::mount_flags_MNT_INTERNAL != 0;
    let magic = magic(file);
    internal && (magic == bindings::TMPFS_MAGIC || magic == bindings::HUGETLBFS_MAGIC)
}

fn mode(file: &File) -> u32 {
    // SAFETY: The file is open; its mode is one word.
    u32::from(unsafe { (&raw const (*inode(file)).i_mode).read_volatile() })
}

/// Whether the mode bits that apply to the current task let it write to the file, its
/// capabilities and ACLs aside.
pub(crate) fn is_writable(file: &File) -> bool {
    // SAFETY: The file is open; the questions are about the current task.
    let (owner, group) = unsafe {
        (
            bindings::krsi_caller_owns(file.as_ptr()),
            bindings::krsi_caller_in_group(file.as_ptr()),
        )
    };
    let bit = match (owner, group) {
        (true, _) => bindings::S_IWUSR,
        (false, true) => bindings::S_IWGRP,
        (false, false) => bindings::S_IWOTH,
    };
    mode(file) & bit != 0
}

/// Whether the file carries set-id bits or file capabilities, in effect or not. Sleeps: reads an
/// extended attribute.
pub(crate) fn is_privileged(file: &File) -> bool {
    let setgid = bindings::S_ISGID | bindings::S_IXGRP;
    if mode(file) & bindings::S_ISUID != 0 || mode(file) & setgid == setgid {
        return true;
    }
    let mut caps = bindings::cpu_vfs_cap_data::default();
    // SAFETY: The file is open, so its mount and dentry live; `caps` is valid for writes.
    to_result(unsafe {
        bindings::get_vfs_caps_from_disk(
            bindings::krsi_file_idmap(file.as_ptr()),
            dentry(file),
            &mut caps,
        )
    })
    .is_ok()
}

/// Whether the file lies in the upper layer of an overlay: its real dentry is below a directory
/// that overlayfs has marked as its own.
pub(crate) fn is_overlay_upper(file: &File) -> bool {
    if magic(file) != bindings::OVERLAYFS_SUPER_MAGIC {
        return false;
    }
    let _rcu = rcu::read_lock();
    // SAFETY: The file is open, which holds the overlay's dentry and by it the real one; a parent
    // that a dentry has or had is not freed while RCU is held.
    unsafe {
        let mut at = bindings::krsi_real_dentry(dentry(file));
        for _ in 0..MAX_PATH_DEPTH {
            let inode = (&raw const (*at).d_inode).read_volatile();
            if !inode.is_null() && bindings::krsi_overlay_in_use(inode) {
                return true;
            }
            let parent = (&raw const (*at).d_parent).read_volatile();
            if parent == at {
                break;
            }
            at = parent;
        }
    }
    false
}
