// SPDX-License-Identifier: GPL-2.0

//! Facts about a file that is executed.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use super::place::Place;
use kernel::{
    bindings,
    error::to_result,
    fs::File,
    mm::virt::VmaRef, //
};

fn dentry(file: &File) -> *mut bindings::dentry {
    Place::of(file).dentry()
}

fn magic(file: &File) -> u32 {
    Place::of(file).inode().magic()
}

fn mode(file: &File) -> u32 {
    Place::of(file).inode().mode()
}

/// Whether it is open for reading.
pub(crate) fn is_readable(file: &File) -> bool {
    // SAFETY: The file is open.
    unsafe { bindings::krsi_file_readable(file.as_ptr()) }
}

/// The file that is mapped there, if it is one.
pub(crate) fn mapped(area: &VmaRef) -> Option<&File> {
    // SAFETY: The area is valid and locked.
    let file = unsafe { (*area.as_ptr()).vm_file };
    // SAFETY: The area holds its file; no light reference of this task's is used meanwhile.
    (!file.is_null()).then(|| unsafe { File::from_raw_file(file) })
}

/// Whether it is a memfd, or System V shared memory: a file on a mount of the kernel's own of tmpfs or hugetlbfs.
pub(crate) fn is_memfd(file: &File) -> bool {
    // SAFETY: The file is open, so its mount lives.
    let flags = unsafe { (*(*file.as_ptr()).__bindgen_anon_1.f_path.mnt).mnt_flags };
    flags as u32 & bindings::mount_flags_MNT_INTERNAL != 0
        && matches!(
            magic(file),
            bindings::TMPFS_MAGIC | bindings::HUGETLBFS_MAGIC
        )
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
