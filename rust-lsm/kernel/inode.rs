// SPDX-License-Identifier: GPL-2.0

//! Inodes, and the number that the LSM gives to one that it wants to know again.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use super::blob;
use core::mem::size_of;
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    types::Opaque, //
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
pub(super) fn is_current(number: u64) -> bool {
    number >= FIRST.load(Relaxed)
}

/// What changes when a file's contents do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: i64,
    seconds: i64,
    nanoseconds: i64,
}

/// Wraps the kernel's `struct inode`.
///
/// # Invariants
///
/// The inode is valid while the reference lives.
#[repr(transparent)]
pub(crate) struct Inode(Opaque<bindings::inode>);

impl Inode {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::inode) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C struct.
    pub(super) fn as_ptr(&self) -> *mut bindings::inode {
        self.0.get()
    }

    fn state(&self) -> Option<&InodeState> {
        // SAFETY: The inode is valid; its blob is null or lives as long as it does, the size is
        // checked above, and zero is valid for atomics.
        unsafe { blob::inode((*self.as_ptr()).i_security) }
    }

    /// The number that [`Inode::give_number`] gave.
    pub(crate) fn number(&self) -> Option<u64> {
        let number = self.state()?.number.load(Relaxed);
        // Nearly all have none: one load tells.
        (number != 0 && is_current(number)).then_some(number)
    }

    /// Its number, until it leaves memory or all are taken back. `ENODATA` for an inode without a
    /// blob.
    pub(crate) fn give_number(&self) -> Result<u64> {
        let state = self.state().ok_or(ENODATA)?;
        let old = state.number.load(Relaxed);
        if is_current(old) {
            return Ok(old);
        }
        let new = LAST.fetch_add(1, Relaxed) + 1;
        match state.number.cmpxchg(old, new, Relaxed) {
            Ok(_) => Ok(new),
            Err(given) => Ok(given),
        }
    }

    /// Its filesystem's magic number.
    pub(super) fn magic(&self) -> u32 {
        // SAFETY: An inode has a superblock as long as it lives; the magic never changes.
        unsafe { (*(*self.as_ptr()).i_sb).s_magic as u32 }
    }

    /// Its device, inode number and generation, as user space writes them. The generation is 0
    /// for vfat, which draws one at random whenever it reads an inode.
    pub(super) fn id(&self) -> (u64, u64, u32) {
        // SAFETY: The inode is valid, and so is its superblock; the fields are constant but for
        // the generation, which is one word.
        unsafe {
            let inode = self.as_ptr();
            let generation = if self.magic() == bindings::MSDOS_SUPER_MAGIC {
                0
            } else {
                (&raw const (*inode).i_generation).read_volatile()
            };
            (
                bindings::krsi_user_dev((*(*inode).i_sb).s_dev),
                (*inode).i_ino,
                generation,
            )
        }
    }

    /// Its mode, type and permission bits.
    pub(super) fn mode(&self) -> u32 {
        // SAFETY: The inode is valid; its mode is one word.
        u32::from(unsafe { (&raw const (*self.as_ptr()).i_mode).read_volatile() })
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> bool {
        self.mode() & bindings::S_IFMT == bindings::S_IFDIR
    }

    /// How many names it has.
    pub(crate) fn links(&self) -> u32 {
        // SAFETY: The inode is valid; the count is one word.
        unsafe { (&raw const (*self.as_ptr()).__bindgen_anon_1.i_nlink).read_volatile() }
    }

    /// Whether it may not be written to, as somebody executes it or is about to.
    pub(crate) fn is_write_denied(&self) -> bool {
        // SAFETY: The inode is valid; the count is one word.
        unsafe { (&raw const (*self.as_ptr()).i_writecount.counter).read_volatile() < 0 }
    }

    /// Whether somebody has a lease or a delegation on it.
    pub(crate) fn is_leased(&self) -> bool {
        // SAFETY: The inode is valid.
        unsafe { bindings::krsi_inode_leased(self.as_ptr()) }
    }

    /// What its contents are now, as far as size and time of change tell.
    pub(crate) fn stamp(&self) -> Stamp {
        // SAFETY: The inode is valid.
        unsafe {
            let time = bindings::krsi_inode_mtime(self.as_ptr());
            Stamp {
                size: bindings::krsi_inode_size(self.as_ptr()),
                seconds: time.tv_sec,
                nanoseconds: time.tv_nsec as i64,
            }
        }
    }

    /// Its address, to compare.
    pub(super) fn address(&self) -> usize {
        self.as_ptr() as usize
    }
}
