// SPDX-License-Identifier: GPL-2.0

//! Digests that are kept of files, until somebody may change their contents.
//!
//! Who computes one begins a *watch* on the inode before he looks whether it has a writer, and
//! hands the digest in when all is read. Whoever opens the file for writing or changes its size
//! has it *forgotten* after he counts as a writer and before he can write. So a digest that finds
//! its watch still there is that of the contents, whatever happened in between, until it is
//! forgotten; but for who reads a file of NFS, 9p or Ceph directly into a mapping, whose pages are
//! not pinned: see krsi_get_file_digest(). There is one lock for both, and none is held while a
//! file is read.
//!
//! Inodes are known by their numbers. A number may be taken back at any time (`renumber`); then
//! what is kept under it is found by nobody any more.

use super::{
    inode_number,
    shards::{
        Table,
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
        barrier::{
            ordering::Full,
            smp_mb, //
        }, //
    }, //
};

/// A digest by words: so compilers copy it, where they take bytes to pieces and together again.
#[derive(Clone, Copy)]
pub(crate) struct Kept([u64; Self::WORDS]);

impl Kept {
    const WORDS: usize = size_of::<Digest>() / size_of::<u64>();

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Digest {
        let mut digest = [0; size_of::<Digest>()];
        for (bytes, word) in digest.chunks_exact_mut(size_of::<u64>()).zip(self.0) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        digest
    }
}

impl From<Digest> for Kept {
    fn from(digest: Digest) -> Self {
        let mut words = [[0; size_of::<u64>()]; Self::WORDS];
        for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(size_of::<u64>())) {
            word.copy_from_slice(bytes);
        }
        Self(words.map(u64::from_ne_bytes))
    }
}

/// What is kept of an inode.
struct Entry {
    /// Which watch began it.
    watch: u64,
    /// `None` while it is computed.
    digest: Option<Kept>,
}

/// A part of the table, by numbers.
struct Entries(RBTree<u64, Entry>);

impl Entries {
    fn new() -> Self {
        Self(RBTree::new())
    }

    #[inline]
    fn kept(&self, number: u64) -> Option<Kept> {
        self.0.get(&number)?.digest
    }

    /// Begins the watch `new`, or joins the one that is there.
    fn watch(&mut self, number: u64, new: u64, space: RBTreeNodeReservation<u64, Entry>) -> Watch {
        // Several may read the same contents.
        let watch = match self.0.get(&number) {
            Some(entry) => entry.watch,
            None => {
                let entry = Entry {
                    watch: new,
                    digest: None,
                };
                self.0.insert(space.into_node(number, entry));
                new
            }
        };
        Watch { number, watch }
    }

    /// Keeps it, if nobody has forgotten the file since the watch began.
    fn keep(&mut self, watch: &Watch, digest: Kept) -> Result {
        let entry = self.0.get_mut(&watch.number).ok_or(EBUSY)?;
        if entry.watch != watch.watch {
            return Err(EBUSY);
        }
        entry.digest = Some(digest);
        Ok(())
    }

    fn forget(&mut self, number: u64) {
        self.0.remove(&number);
    }
}

static PARTS: Table<Entries> = Table::new();

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
    PARTS.init(Entries::new)
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
    if let Some(parts) = PARTS.get() {
        parts.renew(Entries::new);
    }
}

/// Looks at what is kept under a number.
fn with<R>(number: u64, look: impl FnOnce(&mut Entries) -> R) -> Option<R> {
    let part = (number % SHARDS as u64) as usize;
    PARTS.get()?.with(part, look)
}

/// The digest of the contents at this moment, if it is kept. Doesn't sleep.
pub(crate) fn kept(inode: &Inode) -> Option<Kept> {
    let number = inode_number::last_of(inode)?;
    with(number, |entries| {
        // If it was taken back, the inode is forgotten under another.
        if inode_number::of(inode) == Some(number) {
            entries.kept(number)
        } else {
            None
        }
    })?
}

/// Begins to watch an inode. `EAGAIN` if nobody would see it forgotten. May sleep.
pub(crate) fn watch(inode: &Inode) -> Result<Watch> {
    let number = inode_number::give(inode)?;
    let space = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
    let new = LAST_WATCH.fetch_add(1, Relaxed) + 1;
    let watched = with(number, |entries| {
        ON.load(Relaxed).then(|| entries.watch(number, new, space))
    });
    let watch = watched.flatten().ok_or(EAGAIN)?;
    // Whoever gave the number, the caller looks next whether the inode has a writer. Pairs with
    // the count in get_write_access(), which is fully ordered, and after which the writer looks for
    // the number: one of them sees the other.
    smp_mb(Full);
    Ok(watch)
}

/// Keeps a digest of what was read since the watch began. `EBUSY` if it may be of no contents that
/// the file ever had. Doesn't sleep.
pub(crate) fn keep(inode: &Inode, watch: &Watch, digest: Kept) -> Result {
    let kept = with(watch.number, |entries| {
        if inode_number::of(inode) != Some(watch.number) {
            return Err(EBUSY);
        }
        entries.keep(watch, digest)
    });
    kept.unwrap_or(Err(EBUSY))
}

/// Forgets an inode: its contents may change from now on. Any context.
pub(crate) fn forget(inode: &Inode) {
    if let Some(number) = inode_number::last_of(inode) {
        with(number, |entries| entries.forget(number));
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_digests)]
mod tests {
    use super::*;

    const OLD: Digest = [1; size_of::<Digest>()];
    const NEW: Digest = [2; size_of::<Digest>()];

    /// A table in which the watch of inode 7 has begun.
    fn watched() -> Result<(Entries, Watch)> {
        let mut entries = Entries::new();
        let watch = watch(&mut entries, 7, 1)?;
        Ok((entries, watch))
    }

    fn watch(entries: &mut Entries, number: u64, new: u64) -> Result<Watch> {
        let space = RBTreeNodeReservation::new(GFP_KERNEL)?;
        Ok(entries.watch(number, new, space))
    }

    #[test]
    fn is_kept_from_when_it_is_computed_until_it_is_forgotten() -> Result {
        let (mut entries, watch) = watched()?;
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), None);
        entries.keep(&watch, OLD.into())?;
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), Some(OLD));
        entries.forget(7);
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), None);
        Ok(())
    }

    #[test]
    fn is_not_kept_if_it_was_forgotten_while_it_was_computed() -> Result {
        let (mut entries, watch) = watched()?;
        entries.forget(7);
        assert_eq!(entries.keep(&watch, OLD.into()), Err(EBUSY));
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), None);
        Ok(())
    }

    #[test]
    fn of_old_contents_is_not_kept_by_a_watch_of_the_new() -> Result {
        let (mut entries, old) = watched()?;
        entries.forget(7);
        let new = watch(&mut entries, 7, 2)?;
        assert_eq!(entries.keep(&old, OLD.into()), Err(EBUSY));
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), None);
        entries.keep(&new, NEW.into())?;
        assert_eq!(entries.keep(&old, OLD.into()), Err(EBUSY));
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), Some(NEW));
        Ok(())
    }

    #[test]
    fn who_reads_at_the_same_time_joins_the_watch() -> Result {
        let (mut entries, first) = watched()?;
        let second = watch(&mut entries, 7, 2)?;
        entries.keep(&first, OLD.into())?;
        entries.keep(&second, OLD.into())?;
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), Some(OLD));
        entries.forget(7);
        assert_eq!(entries.keep(&second, OLD.into()), Err(EBUSY));
        Ok(())
    }

    #[test]
    fn a_watch_that_begins_later_leaves_what_is_kept() -> Result {
        let (mut entries, first) = watched()?;
        entries.keep(&first, OLD.into())?;
        watch(&mut entries, 7, 2)?;
        assert_eq!(entries.kept(7).map(|kept| kept.bytes()), Some(OLD));
        Ok(())
    }

    #[test]
    fn to_forget_one_leaves_the_others() -> Result {
        let (mut entries, _) = watched()?;
        let other = watch(&mut entries, 8, 2)?;
        entries.keep(&other, NEW.into())?;
        entries.forget(7);
        entries.forget(9);
        assert_eq!(entries.kept(8).map(|kept| kept.bytes()), Some(NEW));
        Ok(())
    }
}
