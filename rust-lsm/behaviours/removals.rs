// SPDX-License-Identifier: GPL-2.0

//! Names that go away: from the hooks to the behaviours `file_unlink` and `executable_unlink`.
//!
//! The path hooks come first and only note what the inode hooks, which come after the permission
//! check, are not told: the mount, and whether two names are exchanged. One attempt is one event:
//! what an overlay does in its layer for a removal in the overlay is not told again.

mod executable_unlink;
mod file_unlink;
pub(crate) mod record;
mod removal;
mod whose;

use crate::{
    boundary::{
        inode::Inode,
        place::Place, //
    },
    bpf::{
        kfunc::Group,
        ops::Op, //
    },
    policy::lists,
    state::{
        inode_number,
        removal_notes as notes, //
    }, //
};
use kernel::prelude::*;
use removal::Removal;

/// Whether a removal of this place can be an event at all, as far as is told without a look below an
/// overlay. Nearly all can't while nobody asks for every file: this is what they pay.
#[inline(always)]
fn may_concern(place: &Place<'_>) -> bool {
    inode_number::of(place.inode()).is_some()
        || place.is_overlay()
        || lists::is_wanted(Op::FileUnlink)
}

/// Whether it can, if it may.
fn concerns(place: &Place<'_>) -> bool {
    let is_numbered = |place: &Place<'_>| inode_number::of(place.inode()).is_some();
    !place.is_overlay()
        || is_numbered(place)
        || is_numbered(&place.real())
        || lists::is_wanted(Op::FileUnlink)
}

/// Whether a policy that would be told of removals asks for paths.
fn wants_path() -> bool {
    let ops = [Op::FileUnlink, Op::ExecutableUnlink];
    ops.into_iter().any(|op| lists::calls(op, Group::Path))
}

/// The hooks come on or went off: what is noted may be of tasks that are gone.
pub(crate) fn forget_notes() {
    notes::clear();
}

/// A path hook: a removal may follow, or an exchange with another name.
#[inline(always)]
pub(crate) fn note(victim: Place<'_>, exchanged: Option<Place<'_>>) {
    // What was noted before ends as well.
    let is_news = || may_concern(&victim) && (notes::are_any() || wants_path());
    if exchanged.is_some() || is_news() {
        note_down(victim, exchanged);
    }
}

#[inline(never)]
fn note_down(victim: Place<'_>, exchanged: Option<Place<'_>>) {
    // Of an exchange it must be known, should one of the two come to concern anybody meanwhile.
    if exchanged.is_none() && !concerns(&victim) {
        return;
    }
    let wants_path = exchanged.is_none() && wants_path();
    if notes::note(&victim, exchanged.as_ref(), wants_path).is_err() {
        lists::count_error(Op::FileUnlink);
        lists::count_error(Op::ExecutableUnlink);
    }
}

/// What an overlay does in its layer for this is not told again.
fn announce(victim: Place<'_>, given_up: Option<Place<'_>>) {
    if victim.is_overlay() {
        notes::announce(Some(&victim), given_up.is_some());
    }
}

/// An inode hook: a file gets a name that no other had.
pub(crate) fn moved(file: Place<'_>) {
    if file.is_overlay() {
        notes::announce(None, true);
    }
}

/// An inode hook: a name in a directory goes away; in a rename because `given_up` takes it, which is a
/// name in another directory or the same. Both directories are locked.
#[inline(always)]
pub(crate) fn removed(
    victim: Place<'_>,
    dir: &Inode,
    given_up: Option<(Place<'_>, &Inode)>,
) -> Result {
    if may_concern(&victim) {
        let (given_up, old_dir) = given_up.unzip();
        tell(victim, dir, given_up, old_dir)
    } else {
        Ok(())
    }
}

/// Tells the behaviours, if this is a removal. Apart, so that what doesn't concern them does not
/// pay for its stack; with arguments that are passed in registers.
#[inline(never)]
fn tell(
    victim: Place<'_>,
    dir: &Inode,
    given_up: Option<Place<'_>>,
    old_dir: Option<&Inode>,
) -> Result {
    if !concerns(&victim) {
        return Ok(());
    }
    if given_up.is_some_and(|old| notes::is_exchange(&old, &victim)) {
        announce(victim, given_up);
        return Ok(());
    }
    if victim.inode().is_dir() || notes::is_inner(victim, given_up.is_some()) {
        return Ok(());
    }
    let leased = victim.inode().is_leased()
        || dir.is_leased()
        || given_up.is_some_and(|old| old.inode().is_leased())
        || old_dir.is_some_and(Inode::is_leased);
    if record::may_be_ready() {
        return tell_of_known(victim, given_up, leased);
    }
    if !lists::is_wanted(Op::FileUnlink) {
        return Ok(());
    }
    let path = notes::take_path(victim);
    file_unlink::run(&Removal::new(victim, given_up, leased, &path))
        .inspect(|()| announce(victim, given_up))
}

/// Tells the behaviours while it is recorded what was executed.
#[inline(never)]
fn tell_of_known(victim: Place<'_>, given_up: Option<Place<'_>>, leased: bool) -> Result {
    let executed = record::find(victim);
    let is_wanted = lists::is_wanted(Op::FileUnlink);
    if !is_wanted && executed.is_none() {
        return Ok(());
    }
    let path = notes::take_path(victim);
    let removal = Removal::new(victim, given_up, leased, &path);
    let of_file = if is_wanted {
        file_unlink::run(&removal)
    } else {
        Ok(())
    };
    let of_executable = executed.map_or(Ok(()), |executed| {
        executable_unlink::run(&removal, &executed)
    });
    of_file
        .and(of_executable)
        .inspect(|()| announce(victim, given_up))
}
