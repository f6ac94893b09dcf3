// SPDX-License-Identifier: GPL-2.0

//! Removals of names by the current task: what the path hooks tell is noted for the inode hooks,
//! which come after the permission check and know neither mount nor flags.
//!
//! A note holds its mount until the task returns to user space, when a task work drops it: so it
//! never outlives the system call that made it by more than that.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use super::{
    place::Place,
    task_state, //
};
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
/// Only the task itself uses them. `mnt` is null, or a reference to it is held and `work` is
/// queued.
pub(super) struct Notes {
    work: UnsafeCell<bindings::callback_head>,
    mnt: Atomic<*mut bindings::vfsmount>,
    /// The dentry that the path hook was told of.
    dentry: Atomic<usize>,
    /// The real inodes of two names that are exchanged.
    exchanged: [Atomic<usize>; 2],
    /// The last removal in an overlay: its inode and the real one.
    overlay: Atomic<usize>,
    real: Atomic<usize>,
    /// The victim of the last event, if it or its directory had a lease.
    leased: Atomic<usize>,
}

// SAFETY: Only the task itself uses its notes, by the type invariants.
unsafe impl Sync for Notes {}

fn address(place: &Place<'_>) -> usize {
    place.dentry() as usize
}

fn real_address(place: &Place<'_>) -> usize {
    place.real_inode().address()
}

/// Notes what a path hook is told of a removal: the victim's mount and what it is exchanged with.
pub(crate) fn note(victim: &Place<'_>, exchanged: Option<&Place<'_>>) {
    let Some(state) = task_state::current() else {
        return;
    };
    let notes = &state.notes;
    notes.real.store(0, Relaxed);
    notes.dentry.store(0, Relaxed);
    let pair = exchanged.map_or([0, 0], |other| [real_address(victim), real_address(other)]);
    for (slot, inode) in notes.exchanged.iter().zip(pair) {
        slot.store(inode, Relaxed);
    }
    if notes.hold(victim.mnt()) {
        notes.dentry.store(address(victim), Relaxed);
    }
}

/// The victim with the mount that was noted for it.
pub(crate) fn noted(victim: Place<'_>) -> Place<'_> {
    match task_state::current() {
        Some(state) if state.notes.dentry.load(Relaxed) == address(&victim) => {
            // SAFETY: The note holds a reference to the mount until the task returns to user
            // space, which it does not do in a hook.
            unsafe { victim.through(state.notes.mnt.load(Relaxed)) }
        }
        _ => victim,
    }
}

/// Whether the two names are being exchanged, as noted: in an overlay, and then in its layer.
pub(crate) fn is_exchange(one: &Place<'_>, other: &Place<'_>) -> bool {
    task_state::current().is_some_and(|state| {
        let [first, second] = &state.notes.exchanged;
        let noted = (first.load(Relaxed), second.load(Relaxed));
        let (one, other) = (real_address(one), real_address(other));
        noted == (one, other) || noted == (other, one)
    })
}

/// Whether this is what an overlay does in its layer for a removal that was seen in the overlay;
/// notes it if it is one that will.
pub(crate) fn is_inner(victim: &Place<'_>) -> bool {
    let Some(state) = task_state::current() else {
        return false;
    };
    let (seen, real) = (victim.inode().address(), real_address(victim));
    let notes = &state.notes;
    let inner = notes.real.load(Relaxed) == real && notes.overlay.load(Relaxed) != seen;
    if victim.is_overlay() && !inner {
        notes.overlay.store(seen, Relaxed);
        notes.real.store(real, Relaxed);
    }
    inner
}

/// Whether the task tried to remove this victim last, and a lease was in its way. Notes this
/// attempt.
pub(crate) fn is_retry(victim: &Place<'_>) -> bool {
    let Some(state) = task_state::current() else {
        return false;
    };
    let leased = victim.inode().is_leased() || victim.dir_is_leased();
    let now = if leased { address(victim) } else { 0 };
    let before = state.notes.leased.load(Relaxed);
    state.notes.leased.store(now, Relaxed);
    before == address(victim)
}

impl Notes {
    /// Holds a mount in place of an earlier one; whether it could.
    fn hold(&self, mnt: *mut bindings::vfsmount) -> bool {
        let old = self.mnt.load(Relaxed);
        let queued = !old.is_null();
        // SAFETY: The mount is that of a path which the hook's caller holds. `work` is not queued,
        // by the type invariants, and stays where it is until the task ends, which first runs it.
        unsafe {
            if !queued {
                (*self.work.get()).func = Some(forget);
                let task = Task::current_raw();
                // A kernel thread runs its task works when it ends, if ever.
                if (*task).flags & bindings::PF_KTHREAD != 0
                    || bindings::task_work_add(
                        task,
                        self.work.get(),
                        bindings::task_work_notify_mode_TWA_RESUME,
                    ) != 0
                {
                    return false;
                }
            }
            // INVARIANT: A reference is taken, the one to `old` given back.
            self.mnt.store(bindings::mntget(mnt), Relaxed);
            bindings::mntput(old);
        }
        true
    }
}

/// # Safety
///
/// Called once as the task work of the current task's notes.
unsafe extern "C" fn forget(work: *mut bindings::callback_head) {
    let notes = work
        .wrapping_byte_sub(offset_of!(Notes, work))
        .cast::<Notes>();
    // SAFETY: By the caller's guarantee; the reference that is held is given back.
    unsafe {
        (*notes).dentry.store(0, Relaxed);
        let mnt = (*notes).mnt.load(Relaxed);
        (*notes).mnt.store(null_mut(), Relaxed);
        bindings::mntput(mnt);
    }
}
