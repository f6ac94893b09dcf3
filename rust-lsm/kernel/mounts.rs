// SPDX-License-Identifier: GPL-2.0

//! Mounts, their namespaces, and the root of the current task.
//!
//! C header: [`include/linux/mount.h`](srctree/include/linux/mount.h).

use kernel::{
    bindings,
    fs::File, //
};

/// What a path of the current task is worth.
pub(crate) struct View {
    /// The number of its mount namespace; 0 if it is ending.
    pub(crate) namespace: u64,
    /// Whether that is the initial one.
    pub(crate) is_initial: bool,
    /// Whether its root directory is known to be that of its namespace. Of more than 64 mounts one
    /// on the other it is not.
    pub(crate) has_its_root: bool,
}

impl View {
    /// That of the current task. Takes spinlocks; doesn't sleep.
    pub(crate) fn current() -> Self {
        // SAFETY: All three look at the current task, whose root and namespace only it changes, or
        // a task that shares them: these are read as they allow it.
        unsafe {
            Self {
                namespace: bindings::krsi_mnt_ns(),
                is_initial: bindings::krsi_mnt_ns_is_initial(),
                has_its_root: bindings::krsi_root_is_of_mnt_ns(),
            }
        }
    }
}

/// Whether an open file's mount is in no namespace (any more): nobody else sees it.
pub(crate) fn is_detached(file: &File) -> bool {
    // SAFETY: The file is open, so its mount lives.
    unsafe { bindings::krsi_mount_detached((*file.as_ptr()).__bindgen_anon_1.f_path.mnt) }
}
