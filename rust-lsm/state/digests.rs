// SPDX-License-Identifier: GPL-2.0

//! Digests that are kept of files, until somebody may change their contents.
//!
//! Who computes one begins a *watch* on the inode before he looks whether it has a writer, and
//! hands the digest in when all is read. Whoever opens the file for writing or changes its size
//! has it *forgotten* after he counts as a writer and before he can write. So a digest that finds
//! its watch still there is that of the contents, whatever happened in between, until it is
//! forgotten. There is one lock for both, and none is held while a file is read.
//!
//! Inodes are known by their numbers. A number may be taken back at any time (`renumber`); then
//! what is kept under it is found by nobody any more.

use super::{
    inode_number,
    shards::{
        Shards,
        SHARDS, //
    }, //
};
use crate::boundary::{
    inode::Inode,
    sha256::Digest, //
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
        },
        SetOnce, //
    }, //
};

/// What is kept of an inode.
struct Entry {
    /// Which watch began it.
    watch: u64,
    /// `None` while it is computed.
    digest: Option<Digest>,
}

/// A part of the table, by numbers.
type Entries = RBTree<u64, Entry>;

static PARTS: SetOnce<Shards<Entries>> = SetOnce::new();

/// Whether those who open files have them forgotten.
static ON: Atomic<bool> = Atomic::new(false);

static LAST_WATCH: Atomic<u64> = Atomic::new(0);

/// A watch on an inode.
pub(crate) struct Watch {
    number: u64,
    watch: u64,
}

/// Makes the table. Once, at boot.
pub(crate) fn init() -> Result {
    PARTS.populate(Shards::new(RBTree::new)?);
    Ok(())
}

/// From now on files are forgotten: their hooks are on.
pub(crate) fn start() {
    ON.store(true, Relaxed);
}

/// Forgets all: the hooks go off. Who looks for the switch under a lock sees it.
pub(crate) fn stop() {
    ON.store(false, Relaxed);
    clear();
}

/// Forgets all.
pub(crate) fn clear() {
    if let Some(parts) = PARTS.as_ref() {
        parts.renew(RBTree::new);
    }
}

/// Looks at what is kept under a number.
fn with<R>(number: u64, look: impl FnOnce(&mut Entries) -> R) -> Option<R> {
    let part = (number % SHARDS as u64) as usize;
    PARTS.as_ref()?.with(part, look)
}

/// The digest of the contents at this moment, if it is kept. Doesn't sleep.
pub(crate) fn kept(inode: &Inode) -> Option<Digest> {
    let number = inode_number::of(inode)?;
    with(number, |entries| {
        // If it was taken back meanwhile, the inode is forgotten under another.
        let is_current = inode_number::of(inode) == Some(number);
        entries
            .get(&number)
            .filter(|_| is_current)
            .and_then(|entry| entry.digest)
    })?
}

/// Begins to watch an inode. `EAGAIN` if nobody would see it forgotten. May sleep.
pub(crate) fn watch(inode: &Inode) -> Result<Watch> {
    let number = inode_number::give(inode)?;
    let space = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
    let watch = LAST_WATCH.fetch_add(1, Relaxed) + 1;
    let watched = with(number, |entries| {
        if !ON.load(Relaxed) {
            return None;
        }
        // Several may read the same contents.
        if let Some(entry) = entries.get(&number) {
            return Some(entry.watch);
        }
        let entry = Entry {
            watch,
            digest: None,
        };
        entries.insert(space.into_node(number, entry));
        Some(watch)
    });
    let watch = watched.flatten().ok_or(EAGAIN)?;
    Ok(Watch { number, watch })
}

/// Keeps a digest of what was read since the watch began. `EBUSY` if it may be of no contents that
/// the file ever had. Doesn't sleep.
pub(crate) fn keep(inode: &Inode, watch: &Watch, digest: Digest) -> Result {
    let kept = with(watch.number, |entries| {
        let entry = entries.get_mut(&watch.number)?;
        let is_current = inode_number::of(inode) == Some(watch.number);
        (is_current && entry.watch == watch.watch).then(|| entry.digest = Some(digest))
    });
    kept.flatten().ok_or(EBUSY)
}

/// Forgets an inode: its contents may change from now on. Any context.
pub(crate) fn forget(inode: &Inode) {
    if let Some(number) = inode_number::last_of(inode) {
        with(number, |entries| entries.remove(&number));
    }
}
