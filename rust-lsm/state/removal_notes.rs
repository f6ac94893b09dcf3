// SPDX-License-Identifier: GPL-2.0

//! Removals of names by the current task: what the path hooks tell is noted for the inode hooks,
//! which come after the permission check and know neither mount nor flags.
//!
//! C header: [`include/linux/lsm_hook_defs.h`](srctree/include/linux/lsm_hook_defs.h).

use super::{
    task_notes::Notes,
    task_state, //
};
use crate::boundary::{
    cred,
    inode::InodeId,
    place::Place, //
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

fn address(place: &Place<'_>) -> usize {
    place.dentry() as usize
}

/// Notes what a path hook is told of a removal: the victim's mount and what it is exchanged with.
/// Apart, so that a removal that is not noted does not pay for its stack.
#[inline(never)]
pub(crate) fn note(victim: &Place<'_>, exchanged: Option<&Place<'_>>) {
    if let Some(state) = task_state::of_task(current!()) {
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

/// Calls `tell` with the victim as it was noted, which ends the note: with its mount, if a path
/// hook was told of it.
pub(crate) fn with_noted<R>(victim: Place<'_>, tell: impl FnOnce(Place<'_>) -> R) -> R {
    match task_state::of_task(current!()) {
        Some(state) if is_noted(&state.notes, &victim) => {
            let mount = state.notes.take();
            // SAFETY: The mount is null, or a reference to it is held until the end of this block.
            tell(unsafe { victim.through(mount.as_ptr()) })
        }
        _ => tell(victim),
    }
}

/// Whether the two names are being exchanged, as noted.
pub(crate) fn is_exchange(one: &Place<'_>, other: &Place<'_>) -> bool {
    task_state::of_task(current!()).is_some_and(|state| {
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
        && !task_state::of_task(current!()).is_some_and(|state| is_noted(&state.notes, victim))
        && victim.is_in_used_layer()
}

/// Whether the task tried to remove this victim last, and a lease was in its way: on what is
/// removed, on what gives up its name for it, or on one of their directories. Notes this attempt.
pub(crate) fn is_retry(victim: &Place<'_>, given_up: Option<&Place<'_>>) -> bool {
    let task = current!();
    let Some(state) = task_state::of_task(task) else {
        return false;
    };
    let is_leased = |place: &Place<'_>| place.inode().is_leased() || place.dir_is_leased();
    let InodeId {
        ino, generation, ..
    } = victim.inode().id();
    let this = [address(victim) as u64, ino, generation.into()];
    let before = state.notes.leased.each_ref().map(|word| word.load(Relaxed));
    let leased = is_leased(victim) || given_up.is_some_and(is_leased);
    for (word, value) in state.notes.leased.iter().zip(this) {
        word.store(if leased { value } else { 0 }, Relaxed);
    }
    before == this
}
