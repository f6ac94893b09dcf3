// SPDX-License-Identifier: GPL-2.0

//! Removals of names by the current task: what the path hooks tell is noted for the inode hooks,
//! which come after the permission check and know neither mount nor flags.
//!
//! C header: [`include/linux/lsm_hook_defs.h`](srctree/include/linux/lsm_hook_defs.h).

use super::{
    cred,
    place::Place,
    task_notes::Notes,
    task_state, //
};
use kernel::sync::atomic::ordering::Relaxed;

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
