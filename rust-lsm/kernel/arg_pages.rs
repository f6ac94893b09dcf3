// SPDX-License-Identifier: GPL-2.0

//! The pages of an exec's argument and environment strings, held so that they can be read
//! without a fault.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h).

use super::bprm::Bprm;
use core::ptr::null_mut;
use kernel::{
    bindings,
    page::{
        PAGE_MASK,
        PAGE_SIZE, //
    },
    prelude::*, //
};

/// A block of bytes that is readable in pieces.
pub(crate) trait Strings {
    /// Its size.
    fn len(&self) -> usize;

    /// How much of it execve copied as arguments and environment. The file name follows, which a
    /// new program takes for an environment string where strings are missing.
    fn counted(&self) -> usize;

    /// The bytes from `at` on, up to some border; not empty if `at < len()`.
    fn chunk(&self, at: usize) -> &[u8];
}

/// So many pages are held without an allocation: 12 to 16 KB of strings.
const FEW: usize = 4;

/// Where pages are mapped.
enum Addresses {
    Few([*mut c_void; FEW]),
    Many(KVec<*mut c_void>),
}

/// References to the pages from `bprm->p` to the end of the stack.
///
/// # Invariants
///
/// The first `count` addresses are those of the pages of the strings, in order, to each of which a
/// reference is held; nobody writes to them while the exec is in an LSM hook, for its memory is not
/// shared with any other thread.
pub(crate) struct ArgPages {
    addresses: Addresses,
    count: usize,
    offset: usize,
    len: usize,
    counted: usize,
}

impl ArgPages {
    /// Makes the strings of this round available. Faults pages in if they are not there, so it
    /// sleeps; takes `mmap_lock` of the new memory.
    ///
    /// `EFAULT` if a page can't be had, `ENOMEM` if there is no memory for the list of pages: 8
    /// bytes a page, 12 KB for the 6 MB that an exec's strings can have.
    #[inline]
    pub(crate) fn collect(bprm: &Bprm) -> Result<Self> {
        // SAFETY: The bprm is valid while the reference lives; it has its stack as long as it has
        // its memory, and only this task changes it.
        let (mm, start, end) = unsafe {
            let bprm = &*bprm.as_ptr();
            if bprm.mm.is_null() {
                return Err(EFAULT);
            }
            (
                bprm.mm,
                bprm.p,
                (*bprm.vma).__bindgen_anon_1.__bindgen_anon_1.vm_end,
            )
        };
        // The last word is always 0.
        let len = end.checked_sub(start + size_of::<usize>()).ok_or(EFAULT)?;
        let offset = start & !PAGE_MASK;
        let count = (offset + len).div_ceil(PAGE_SIZE);
        // INVARIANT: None is held yet.
        let mut held = Self {
            addresses: if count <= FEW {
                Addresses::Few([null_mut(); FEW])
            } else {
                Addresses::Many(KVec::from_elem(null_mut(), count, GFP_KERNEL)?)
            },
            count: 0,
            offset,
            len,
            counted: bprm.strings_len().min(len),
        };
        let base = start & PAGE_MASK;
        // SAFETY: The exec has its new memory, see above; there is room for `count` addresses.
        // INVARIANT: It takes a reference to each page that it counts.
        held.count = unsafe {
            bindings::krsi_hold_pages(mm, base, count, held.addresses.room().as_mut_ptr())
        };
        while held.count < count {
            held.fault_in(mm, base + held.count * PAGE_SIZE)?;
        }
        Ok(held)
    }

    /// Adds at least one page, from `address` on: as many as there is room for.
    #[cold]
    fn fault_in(&mut self, mm: *mut bindings::mm_struct, address: usize) -> Result {
        let room = self
            .addresses
            .room()
            .get_mut(self.count..)
            .unwrap_or(&mut []);
        // SAFETY: The exec holds a reference to its new `mm`; there is room for the addresses.
        let got =
            unsafe { bindings::krsi_fault_in_pages(mm, address, room.len(), room.as_mut_ptr()) };
        if got <= 0 {
            return Err(EFAULT);
        }
        // INVARIANT: The references that were just taken.
        self.count += got as usize;
        Ok(())
    }
}

impl Addresses {
    fn all(&self) -> &[*mut c_void] {
        match self {
            Self::Few(few) => few,
            Self::Many(many) => many,
        }
    }

    fn room(&mut self) -> &mut [*mut c_void] {
        match self {
            Self::Few(few) => few,
            Self::Many(many) => many,
        }
    }
}

impl Strings for ArgPages {
    fn len(&self) -> usize {
        self.len
    }

    fn counted(&self) -> usize {
        self.counted
    }

    #[inline]
    fn chunk(&self, at: usize) -> &[u8] {
        let from = self.offset + at;
        let page = from / PAGE_SIZE;
        let Some(address) = self.addresses.all().get(page).filter(|_| page < self.count) else {
            return &[];
        };
        let within = from % PAGE_SIZE;
        let n = (PAGE_SIZE - within).min(self.len.saturating_sub(at));
        // SAFETY: The page is referenced, and always mapped as KRSI depends on 64BIT, so its address
        // is valid for `PAGE_SIZE` bytes; nobody writes to it, by the type invariants.
        unsafe { core::slice::from_raw_parts(address.cast::<u8>().add(within), n) }
    }
}

impl Drop for ArgPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariants a reference to each of these pages is held.
        unsafe { bindings::krsi_put_pages(self.addresses.room().as_mut_ptr(), self.count) };
    }
}
