// SPDX-License-Identifier: GPL-2.0

//! A task's notes of the removal of a name: their memory, and how long they hold a mount.
//!
//! That is until the removal has been told of, or at the latest until the task returns to user
//! space, when a task work drops it.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use core::{
    cell::UnsafeCell,
    mem::offset_of,
    ptr::null_mut, //
};
use kernel::{
    bindings,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::Task, //
};

/// A task's notes. Zeroed memory is an empty one.
///
/// # Invariants
///
/// Only the task itself uses them. `work` is queued if `queued` says so; `mnt` is null, or a
/// reference to it is held and `work` is queued.
pub(super) struct Notes {
    work: UnsafeCell<bindings::callback_head>,
    queued: Atomic<bool>,
    pub(super) mnt: Atomic<*mut bindings::vfsmount>,
    /// The dentry that the path hook was told of, and that it is exchanged with.
    pub(super) dentry: Atomic<usize>,
    pub(super) exchanged: Atomic<usize>,
    /// The victim of the last event, if a lease was in its way: its dentry, and its inode's number
    /// and generation, for the address may be another's by now.
    pub(super) leased: [Atomic<u64>; 3],
}

// SAFETY: Only the task itself uses its notes, by the type invariants.
unsafe impl Sync for Notes {}

impl Notes {
    /// Holds a mount in place of an earlier one, or none.
    pub(super) fn hold(&self, mnt: *mut bindings::vfsmount) {
        drop(self.take());
        if self.queued.load(Relaxed) || self.queue() {
            // INVARIANT: A reference is taken, and the work is queued.
            // SAFETY: The mount is that of a path which the hook's caller holds.
            self.mnt.store(unsafe { bindings::mntget(mnt) }, Relaxed);
        }
    }

    /// Queues the work; whether it could. A kernel thread runs its task works when it ends, if
    /// ever.
    fn queue(&self) -> bool {
        let task = Task::current_raw();
        // SAFETY: The work is not queued, by the type invariants and as the caller has looked; it
        // stays where it is until the task ends, which first runs it.
        let queued = unsafe {
            (*self.work.get()).func = Some(forget);
            (*task).flags & bindings::PF_KTHREAD == 0
                && bindings::task_work_add(
                    task,
                    self.work.get(),
                    bindings::task_work_notify_mode_TWA_RESUME,
                ) == 0
        };
        // INVARIANT: As the answer was.
        self.queued.store(queued, Relaxed);
        queued
    }

    /// Forgets the name; gives what was held of its mount.
    pub(super) fn take(&self) -> Mount {
        self.dentry.store(0, Relaxed);
        // INVARIANT: By the type invariants here; the reference is the result's now.
        Mount(self.mnt.xchg(null_mut(), Relaxed))
    }
}

/// A reference to a mount.
///
/// # Invariants
///
/// It is null, or a reference to it is held.
pub(super) struct Mount(*mut bindings::vfsmount);

impl Mount {
    pub(super) fn as_ptr(&self) -> *mut bindings::vfsmount {
        self.0
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it is null, which does nothing, or a reference is given
        // back.
        unsafe { bindings::mntput(self.0) };
    }
}

/// # Safety
///
/// Called once as the task work of the current task's notes.
unsafe extern "C" fn forget(work: *mut bindings::callback_head) {
    let notes = work
        .wrapping_byte_sub(offset_of!(Notes, work))
        .cast::<Notes>();
    // SAFETY: By the caller's guarantee.
    let notes = unsafe { &*notes };
    // INVARIANT: The work is running, so it is not queued any more.
    notes.queued.store(false, Relaxed);
    drop(notes.take());
}
