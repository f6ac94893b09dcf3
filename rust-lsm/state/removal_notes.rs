// SPDX-License-Identifier: GPL-2.0

//! Removals of names by the current task: what the path hooks tell is noted for the inode hooks,
//! which come after the permission check and know neither mount nor flags; and what an overlay is
//! about to do in its layer for a removal that was told.
//!
//! A note holds nothing but memory, so that it may stay behind: it ends with the next one of its
//! task, or with that. Addresses in it are compared and never followed. Few tasks ever have one: an
//! ordinary removal makes none, and where there is none a load tells.

use super::shards::{
    Table,
    SHARDS, //
};
use crate::boundary::{
    cred,
    inode::Inode,
    once::read_once,
    place::Place,
    process::TaskKey, //
};
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        }, //
    }, //
};

/// A file, told apart from one that gets its memory.
type FileKey = (usize, u64, u32);

fn key(inode: &Inode) -> FileKey {
    let id = inode.id();
    (inode.address(), id.ino, id.generation)
}

/// What is noted of a task.
#[derive(Default)]
struct Note {
    /// The dentry that the path hook was told of, and that it is exchanged with.
    victim: usize,
    exchanged: usize,
    /// The victim's path, where a policy asks for it.
    path: Option<Result<KVec<u8>>>,
    /// What an overlay removes in its layer for what was told last.
    inner: Option<FileKey>,
    /// How many renames it may still do there for one that was told: an exchange is two, also one
    /// with a whiteout. What it first copies up for it is not known beforehand.
    inner_renames: u32,
    /// The victim of the last event, if a lease was in its way.
    leased: Option<(usize, FileKey)>,
}

type Notes = RBTree<TaskKey, Note>;

static NOTES: Table<Notes> = Table::new();

/// Which parts of the table have any; written under their locks. A task finds the part of its own
/// note marked, for it is the task itself that made it.
static HAS_ANY: [Atomic<bool>; SHARDS] = [const { Atomic::new(false) }; SHARDS];

/// Whether any was made since all were forgotten: on many machines none ever is. Set under the lock of
/// the part that it is in.
static ANY: Atomic<bool> = Atomic::new(false);

/// Whether any was made. A task doesn't miss its own.
#[inline]
pub(crate) fn are_any() -> bool {
    read_once(&ANY)
}

/// Makes the table. Once, at boot.
pub(crate) fn init() -> Result {
    NOTES.init(Notes::new)
}

/// Changes a part of the table.
fn change<R>(shard: usize, change: impl FnOnce(&mut Notes) -> R) -> Option<R> {
    NOTES.get()?.with(shard, |notes| {
        let result = change(notes);
        let is_empty = notes.is_empty();
        HAS_ANY[shard].store(!is_empty, Relaxed);
        if !is_empty && !are_any() {
            ANY.store(true, Relaxed);
        }
        result
    })
}

/// Forgets all.
pub(crate) fn clear() {
    // Before: what is noted in a part after its turn is marked again.
    ANY.store(false, Relaxed);
    for shard in 0..SHARDS {
        let _old = change(shard, |notes| core::mem::replace(notes, Notes::new()));
    }
}

/// A task is freed. Any context.
pub(crate) fn end(task: TaskKey) {
    let shard = task.hash(SHARDS);
    if read_once(&HAS_ANY[shard]) {
        let _gone = change(shard, |notes| notes.remove(&task));
    }
}

/// Looks at the current task's note, if there is one.
#[inline(always)]
fn with<R>(look: impl FnOnce(&mut Note) -> R) -> Option<R> {
    if are_any() {
        with_noted(look)
    } else {
        None
    }
}

#[inline(never)]
fn with_noted<R>(look: impl FnOnce(&mut Note) -> R) -> Option<R> {
    let task = TaskKey::current();
    let shard = task.hash(SHARDS);
    if !read_once(&HAS_ANY[shard]) {
        return None;
    }
    NOTES
        .get()?
        .with(shard, |notes| notes.get_mut(&task).map(look))?
}

/// The same; makes one.
fn with_new<R>(look: impl FnOnce(&mut Note) -> R) -> Result<R> {
    let mut look = Some(look);
    let mut look = |note: &mut Note| look.take().map(|look| look(note));
    if let Some(looked) = with(&mut look) {
        return looked.ok_or(ENOENT);
    }
    let task = TaskKey::current();
    let space = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
    let looked = change(task.hash(SHARDS), |notes| {
        notes.insert(space.into_node(task, Note::default()));
        notes.get_mut(&task).and_then(&mut look)
    });
    looked.flatten().ok_or(ENOENT)
}

fn address(place: &Place<'_>) -> usize {
    place.dentry() as usize
}

/// Notes what a path hook is told of a removal: the victim, what it is exchanged with, and its path
/// if that is wanted. Without either what was noted before ends. Allocates.
pub(crate) fn note(victim: &Place<'_>, exchanged: Option<&Place<'_>>, wants_path: bool) -> Result {
    let path = wants_path.then(|| victim.path_string(GFP_KERNEL));
    let is_news = exchanged.is_some() || path.is_some();
    let (victim, exchanged) = (address(victim), exchanged.map_or(0, address));
    let renew = |note: &mut Note| {
        note.victim = victim;
        note.exchanged = exchanged;
        note.inner = None;
        note.inner_renames = 0;
        core::mem::replace(&mut note.path, path)
    };
    let _old = if is_news {
        with_new(renew)?
    } else {
        with(renew).flatten()
    };
    Ok(())
}

/// Takes the path of a victim as the path hook noted it; `ENODATA` if none was told of it.
#[inline(always)]
pub(crate) fn take_path(victim: Place<'_>) -> Result<KVec<u8>> {
    let victim = address(&victim);
    let take = move |note: &mut Note| {
        let is_noted = note.victim == victim;
        is_noted.then(|| note.path.take()).flatten()
    };
    with(take).flatten().unwrap_or(Err(ENODATA))
}

/// Whether the two names are being exchanged, as noted.
pub(crate) fn is_exchange(one: &Place<'_>, other: &Place<'_>) -> bool {
    let noted = with(|note| (note.victim, note.exchanged));
    noted == Some((address(one), address(other))) || noted == Some((address(other), address(one)))
}

/// A removal or rename in an overlay was told and is allowed: what that does for it in its layer
/// is no other.
pub(crate) fn announce(victim: Option<&Place<'_>>, is_rename: bool) {
    let inner = victim
        .filter(|victim| victim.is_overlay_upper())
        .map(|victim| key(victim.real_inode()));
    // Without memory it is told twice, which is no loss.
    let _ = with_new(|note| {
        note.inner = inner;
        note.inner_renames = if is_rename { 2 } else { 0 };
    });
}

/// Whether this is what an overlay does in its upper layer, with its mounter's credentials, for
/// what was announced; or of a whiteout, by which it says that there is no file.
#[inline]
pub(crate) fn is_inner(victim: Place<'_>, is_rename: bool) -> bool {
    cred::is_overridden() && (is_announced(victim, is_rename) || victim.inode().is_whiteout())
}

fn is_announced(victim: Place<'_>, is_rename: bool) -> bool {
    let is_announced = |note: &mut Note| {
        if note.victim == address(&victim) {
            return false;
        }
        let renames = note.inner_renames;
        note.inner_renames = renames.saturating_sub(is_rename.into());
        note.inner == Some(key(victim.inode())) || is_rename && renames != 0
    };
    with(is_announced) == Some(true)
}

/// Whether the task tried to remove this victim last, and a lease was in its way. Notes this attempt,
/// in whose way one is if `leased`.
#[inline]
pub(crate) fn is_retry(victim: Place<'_>, leased: bool) -> bool {
    (leased || are_any()) && note_attempt(victim, leased)
}

#[inline(never)]
fn note_attempt(victim: Place<'_>, leased: bool) -> bool {
    let this = (address(&victim), key(victim.inode()));
    if leased {
        let before = with_new(|note| note.leased.replace(this));
        before == Ok(Some(this))
    } else {
        with(|note| note.leased.take()).flatten() == Some(this)
    }
}
