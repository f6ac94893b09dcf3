// SPDX-License-Identifier: GPL-2.0

//! The number that the LSM gives to an inode that it wants to know again.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use super::blob;
use crate::boundary::{
    inode::Inode,
    once::read_once, //
};
use core::mem::size_of;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// The LSM's part of an inode's blob.
struct InodeState {
    /// 0 if the inode has none yet.
    number: Atomic<u64>,
}

const _: () = assert!(size_of::<InodeState>() <= blob::INODE_SIZE as usize);

/// Numbers below are of a time that is over.
static FIRST: Atomic<u64> = Atomic::new(1);
static LAST: Atomic<u64> = Atomic::new(0);

/// Takes all numbers back: inodes get new ones, that none had before.
pub(crate) fn renumber() {
    FIRST.store(LAST.load(Relaxed) + 1, Relaxed);
}

/// Whether a number was given since [`renumber`].
#[inline]
pub(super) fn is_current(number: u64) -> bool {
    number >= read_once(&FIRST)
}

#[inline]
fn state(inode: &Inode) -> Option<&InodeState> {
    // SAFETY: The blob is null or lives as long as the inode does, the size is checked above, and
    // zero is valid for atomics.
    unsafe { blob::inode(inode.security()) }
}

/// The number that [`give`] gave.
#[inline]
pub(crate) fn of(inode: &Inode) -> Option<u64> {
    let number = read_once(&state(inode)?.number);
    // Nearly all have none: one load tells.
    (number != 0 && is_current(number)).then_some(number)
}

/// The same, also if it was taken back since.
pub(super) fn last_of(inode: &Inode) -> Option<u64> {
    let number = read_once(&state(inode)?.number);
    (number != 0).then_some(number)
}

/// Its number, until it leaves memory or all are taken back. `ENODATA` for an inode without a
/// blob.
pub(crate) fn give(inode: &Inode) -> Result<u64> {
    let state = state(inode).ok_or(ENODATA)?;
    let old = read_once(&state.number);
    if is_current(old) {
        return Ok(old);
    }
    let new = LAST.fetch_add(1, Relaxed) + 1;
    match state.number.cmpxchg(old, new, Relaxed) {
        Ok(_) => Ok(new),
        Err(given) => Ok(given),
    }
}
