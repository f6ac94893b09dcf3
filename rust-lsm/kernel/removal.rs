// SPDX-License-Identifier: GPL-2.0

//! Removals of names by the current task: what the path hooks tell is noted for the inode hooks,
//! which come after the permission check and know neither mount nor flags.
//!
//! A note holds its mount until the removal has been told of, or at the latest until the task
//! returns to user space, when a task work drops it.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use super::{
    cred,
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
/// Only the task itself uses them. `work` is queued if `queued` says so; `mnt` is null, or a
/// reference to it is held and `work` is queued.
pub(super) struct Notes {
    work: UnsafeCell<bindings::callback_head>,
    queued: Atomic<bool>,
    mnt: Atomic<*mut bindings::vfsmount>,
    /// The dentry that the path hook was told of, and that it is exchanged with.
    dentry: Atomic<usize>,
    exchanged: Atomic<usize>,
    /// The victim of the last event, if a lease was in its way: its dentry, and its inode's number
    /// and generation, for the address may be another's by now.
    leased: [Atomic<u64>; 3],
}

// SAFETY: Only the task itself uses its notes, by the type invariants.
unsafe impl Sync for Notes {}

fn address(place: &Place<'_>) -> usize {
    place.dentry() as usize
}

/// Notes what a path hook is told of a removal: the victim's mount and what it is exchanged with.
pub(crate) fn note(victim: &Place<'_>, exchanged: Option<&Place<'_>>) {
    if let Some(state) = task_state::current() {
        let notes = &state.notes;
        notes.hold(victim.mnt());
        notes.dentry.store(address(victim), Relaxed);
        notes.exchanged.store(exchanged.map_or(0, address), Relaxed);
    }
}

/// Whether a path hook was told of this victim.
fn is_noted(notes: &Notes, victim: &Place<'_>) -> bool {
    notes.dentry.load(Relaxed) == address(victim)
}

/// The victim with the mount that was noted for it.
pub(crate) fn noted(victim: Place<'_>) -> Place<'_> {
    match task_state::current() {
        Some(state) if is_noted(&state.notes, &victim) => {
            // SAFETY: The mount is null, or the note holds a reference to it until the task
            // returns to user space, which it does not do in a hook.
            unsafe { victim.through(state.notes.mnt.load(Relaxed)) }
        }
        _ => victim,
    }
}

/// The removal was told of: its note is needed no more.
pub(crate) fn end() {
    if let Some(state) = task_state::current() {
        state.notes.release();
    }
}

/// Whether the two names are being exchanged, as noted.
pub(crate) fn is_exchange(one: &Place<'_>, other: &Place<'_>) -> bool {
    task_state::current().is_some_and(|state| {
        let noted = (
            state.notes.dentry.load(Relaxed),
            state.notes.exchanged.load(Relaxed),
        );
        noted == (address(one), address(other)) || noted == (address(other), address(one))
    })
}

/// Whether this is what an overlay does in its upper layer, with its mounter's credentials, for
/// what is done in the overlay.
pub(crate) fn is_inner(victim: &Place<'_>) -> bool {
    cred::is_overridden()
        && !task_state::current().is_some_and(|state| is_noted(&state.notes, victim))
        && victim.is_in_used_layer()
}

/// Whether the task tried to remove this victim last, and a lease was in its way: on what is
/// removed, on what gives up its name for it, or on one of their directories. Notes this attempt.
pub(crate) fn is_retry(victim: &Place<'_>, given_up: Option<&Place<'_>>) -> bool {
    let Some(state) = task_state::current() else {
        return false;
    };
    let is_leased = |place: &Place<'_>| place.inode().is_leased() || place.dir_is_leased();
    let (_, ino, generation) = victim.inode().id();
    let this = [address(victim) as u64, ino, generation.into()];
    let before = state.notes.leased.each_ref().map(|word| word.load(Relaxed));
    let leased = is_leased(victim) || given_up.is_some_and(is_leased);
    for (word, value) in state.notes.leased.iter().zip(this) {
        word.store(if leased { value } else { 0 }, Relaxed);
    }
    before == this
}

impl Notes {
    /// Holds a mount in place of an earlier one, or none.
    fn hold(&self, mnt: *mut bindings::vfsmount) {
        self.release();
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

    fn release(&self) {
        self.dentry.store(0, Relaxed);
        let mnt = self.mnt.load(Relaxed);
        self.mnt.store(null_mut(), Relaxed);
        // SAFETY: By the type invariants the mount is null, which does nothing, or a reference is
        // held, which is given back.
        unsafe { bindings::mntput(mnt) };
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
    notes.release();
}
