// SPDX-License-Identifier: GPL-2.0

//! Mounts, their namespaces, and the root of the current task.
//!
//! C header: [`include/linux/mount.h`](srctree/include/linux/mount.h).

use super::process::Process;
use kernel::{
    bindings,
    fs::File,
    sync::rcu,
    task::Task, //
};

/// How many parents of a process are looked at.
const MAX_PARENTS: usize = 256;

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

/// Where an open file's mount can be seen.
#[derive(PartialEq, Eq)]
pub(crate) enum Sight {
    /// In the namespace of the current task, of a parent of it, or in the initial one.
    Seen,
    /// In a namespace that is not known to be one of these.
    Elsewhere,
    /// In none (any more).
    Nowhere,
}

impl Sight {
    /// That of a file. A mount of the kernel's own, as a memfd's, counts as seen. Takes the
    /// spinlocks of tasks; doesn't sleep.
    pub(crate) fn of(file: &File) -> Self {
        let rcu = rcu::read_lock();
        // SAFETY: The file is open, so its mount lives; RCU is held. The namespaces are compared by
        // their addresses alone.
        let (seen_in, is_own, is_initial) = unsafe {
            let mount = (*file.as_ptr()).__bindgen_anon_1.f_path.mnt;
            let seen_in = bindings::krsi_mount_ns(mount);
            (
                seen_in,
                seen_in == bindings::krsi_task_mnt_ns(Task::current_raw()),
                seen_in == bindings::krsi_init_mnt_ns(),
            )
        };
        if seen_in.is_null() {
            return Self::Nowhere;
        }
        // SAFETY: Only looks at the address.
        if is_own || is_initial || unsafe { bindings::IS_ERR(seen_in.cast()) } {
            return Self::Seen;
        }
        let mut parents = core::iter::successors(Some(Process::current(&rcu)), Process::parent);
        // SAFETY: A process's task is not freed while RCU is held.
        if parents
            .by_ref()
            .take(MAX_PARENTS)
            .any(|parent| unsafe { bindings::krsi_task_mnt_ns(parent.as_ptr()) == seen_in })
        {
            Self::Seen
        } else {
            Self::Elsewhere
        }
    }
}

/// Whether an open file's mount is in a mount namespace that belongs to a user namespace other than
/// the first. Doesn't sleep.
pub(crate) fn is_in_a_users(file: &File) -> bool {
    let _rcu = rcu::read_lock();
    // SAFETY: The file is open, so its mount lives; RCU is held, so the namespace is not freed.
    unsafe {
        let mount = (*file.as_ptr()).__bindgen_anon_1.f_path.mnt;
        let seen_in = bindings::krsi_mount_ns(mount);
        !seen_in.is_null()
            && !bindings::IS_ERR(seen_in.cast())
            && bindings::krsi_mnt_ns_is_a_users(seen_in)
    }
}
