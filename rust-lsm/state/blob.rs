// SPDX-License-Identifier: GPL-2.0

//! The LSM's parts of the composite blobs that the LSM framework keeps with kernel objects.
//!
//! C header: [`include/linux/lsm_hooks.h`](srctree/include/linux/lsm_hooks.h).

use core::cell::UnsafeCell;
use kernel::{
    bindings,
    prelude::*, //
};

/// Bytes kept with an inode, zeroed when it is read.
pub(crate) const INODE_SIZE: u32 = 8;

/// Bytes kept with a BPF program, zeroed when it is loaded.
pub(crate) const PROG_SIZE: u32 = 4;

/// Bytes kept with a superblock and with a block device, zeroed when it is made.
pub(crate) const SUPERBLOCK_SIZE: u32 = 144;
pub(crate) const BDEV_SIZE: u32 = 144;

/// The sizes that the LSM asks for, which the framework replaces by offsets at boot.
///
/// # Invariants
///
/// Written at boot only.
#[repr(transparent)]
pub(crate) struct Sizes(UnsafeCell<bindings::lsm_blob_sizes>);

// SAFETY: Written at boot by one thread, and only read afterwards.
unsafe impl Sync for Sizes {}

#[link_section = ".data..ro_after_init"]
pub(crate) static SIZES: Sizes = Sizes(UnsafeCell::new(bindings::lsm_blob_sizes {
    lbs_inode: INODE_SIZE,
    lbs_bpf_prog: PROG_SIZE,
    lbs_superblock: SUPERBLOCK_SIZE,
    lbs_bdev: BDEV_SIZE,
    ..pin_init::zeroed()
}));

impl Sizes {
    /// The C struct.
    pub(crate) const fn as_ptr(&'static self) -> *mut bindings::lsm_blob_sizes {
        self.0.get()
    }

    fn offsets(&self) -> &bindings::lsm_blob_sizes {
        // SAFETY: After boot nobody writes to it, by the type invariants.
        unsafe { &*self.0.get() }
    }
}

/// The part in an inode's blob; `None` if it has no blob.
///
/// # Safety
///
/// `composite` is null or the `i_security` of an inode that lives for `'a`; `T` has at most
/// `INODE_SIZE` bytes, needs no more than a pointer's alignment, and is valid as it was left, at
/// first zeroed.
#[inline]
pub(crate) unsafe fn inode<'a, T>(composite: *mut c_void) -> Option<&'a T> {
    // SAFETY: The framework reserved `INODE_SIZE` bytes at this offset, aligned to a pointer.
    unsafe { at(composite, SIZES.offsets().lbs_inode) }
}

/// The part in a BPF program's blob; `None` if it has no blob.
///
/// # Safety
///
/// As for [`inode`], for the `security` of a program's `aux` and `PROG_SIZE`.
pub(crate) unsafe fn prog<'a, T>(composite: *mut c_void) -> Option<&'a T> {
    // SAFETY: As for `inode`.
    unsafe { at(composite, SIZES.offsets().lbs_bpf_prog) }
}

/// The part in a superblock's blob; `None` if it has no blob.
///
/// # Safety
///
/// As for [`inode`], for the `s_security` of a superblock and `SUPERBLOCK_SIZE`.
pub(crate) unsafe fn superblock<'a, T>(composite: *mut c_void) -> Option<&'a T> {
    // SAFETY: As for `inode`.
    unsafe { at(composite, SIZES.offsets().lbs_superblock) }
}

/// The part in a block device's blob; `None` if it has no blob.
///
/// # Safety
///
/// As for [`inode`], for the `bd_security` of a block device and `BDEV_SIZE`.
pub(crate) unsafe fn bdev<'a, T>(composite: *mut c_void) -> Option<&'a T> {
    // SAFETY: As for `inode`.
    unsafe { at(composite, SIZES.offsets().lbs_bdev) }
}

/// # Safety
///
/// `composite` is null, or a blob that lives for `'a` with a valid `T` at `offset`.
#[inline(always)]
unsafe fn at<'a, T>(composite: *mut c_void, offset: u32) -> Option<&'a T> {
    if composite.is_null() {
        return None;
    }
    // SAFETY: By the caller's guarantee.
    Some(unsafe { &*composite.byte_add(offset as usize).cast::<T>() })
}
