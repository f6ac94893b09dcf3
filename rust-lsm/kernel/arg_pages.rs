// SPDX-License-Identifier: GPL-2.0

//! The pages of an exec's argument and environment strings, held so that they can be read
//! without a fault.
//!
//! C header: [`include/linux/mm.h`](srctree/include/linux/mm.h).

use super::bprm::Bprm;
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

/// References to the pages from `bprm->p` to the end of the stack.
///
/// # Invariants
///
/// `pages` holds a reference to each page of the strings, in order; nobody writes to them while
/// the exec is in an LSM hook, for its memory is not shared with any other thread.
pub(crate) struct ArgPages {
    pages: KVec<*mut bindings::page>,
    offset: usize,
    len: usize,
    counted: usize,
}

impl ArgPages {
    /// Makes the strings of this round available. Faults pages in, so it sleeps; takes
    /// `mmap_lock` of the new memory.
    ///
    /// `EFAULT` if a page can't be had, `ENOMEM` if there is no memory for the list of pages: 8
    /// bytes a page, 12 KB for the 6 MB that an exec's strings can have.
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
        let mut held = Self {
            pages: KVec::with_capacity(count, GFP_KERNEL)?,
            offset,
            len,
            counted: bprm.strings_len().min(len),
        };
        while held.pages.len() < count {
            held.collect_some(mm, start & PAGE_MASK, count)?;
        }
        Ok(held)
    }

    /// Adds at least one page.
    fn collect_some(&mut self, mm: *mut bindings::mm_struct, base: usize, count: usize) -> Result {
        const BATCH: usize = 16;
        let mut batch = [core::ptr::null_mut(); BATCH];
        let done = self.pages.len();
        let want = BATCH.min(count - done);

        // SAFETY: The exec holds a reference to its new `mm`; `batch` has room for `want` pages.
        let got = unsafe {
            bindings::mmap_read_lock(mm);
            let got = bindings::get_user_pages_remote(
                mm,
                base + done * PAGE_SIZE,
                want,
                0,
                batch.as_mut_ptr(),
                core::ptr::null_mut(),
            );
            bindings::mmap_read_unlock(mm);
            got
        };
        if got <= 0 {
            return Err(EFAULT);
        }
        for page in batch.into_iter().take(got as usize) {
            // INVARIANT: The reference that was just taken; there is room, as the capacity is
            // `count` and no more than `count - done` pages were asked for.
            self.pages.push_within_capacity(page).map_err(|_| EFAULT)?;
        }
        Ok(())
    }
}

impl Strings for ArgPages {
    fn len(&self) -> usize {
        self.len
    }

    fn counted(&self) -> usize {
        self.counted
    }

    fn chunk(&self, at: usize) -> &[u8] {
        let from = self.offset + at;
        let Some(page) = self.pages.get(from / PAGE_SIZE) else {
            return &[];
        };
        let within = from % PAGE_SIZE;
        let n = (PAGE_SIZE - within).min(self.len.saturating_sub(at));
        // SAFETY: The page is referenced, and mapped as KRSI depends on 64BIT, so its address is
        // valid for `PAGE_SIZE` bytes; nobody writes to it, by the type invariants.
        unsafe {
            let address: *const u8 = bindings::krsi_page_address(*page).cast();
            core::slice::from_raw_parts(address.add(within), n)
        }
    }
}

impl Drop for ArgPages {
    fn drop(&mut self) {
        for page in &self.pages {
            // SAFETY: By the type invariants a reference to the page is held.
            unsafe { bindings::krsi_put_page(*page) };
        }
    }
}
