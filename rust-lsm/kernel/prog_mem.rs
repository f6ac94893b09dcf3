// SPDX-License-Identifier: GPL-2.0

//! The memory that a BPF program hands to a kfunc.
//!
//! C header: [`include/linux/btf.h`](srctree/include/linux/btf.h).

use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};
use kernel::bindings;

/// A type whose bytes may be copied to a program.
///
/// # Safety
///
/// The type has no padding and no pointers.
pub(crate) unsafe trait Plain {}

/// So many bytes, if their number is constant, are copied by moves and not by a call.
const MOVED: usize = 64;

/// The bytes of a plain value.
fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: The reference is valid for `size_of::<T>()` bytes, all initialised, as `T` has no
    // padding by the contract of `Plain`.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// Memory of a program: a pointer and size that the verifier has checked.
///
/// Another program or a user with the map mapped may write to it at any time, so it is copied
/// from and to, never referenced.
///
/// # Invariants
///
/// `ptr` is valid for reads and writes of `len` bytes for `'a`, or `len` is 0.
pub(crate) struct ProgMem<'a> {
    ptr: *mut u8,
    len: usize,
    _memory: PhantomData<&'a ()>,
}

impl ProgMem<'_> {
    /// Wraps what a kfunc was passed.
    ///
    /// # Safety
    ///
    /// `ptr` is null or valid for reads and writes of `len` bytes for the lifetime.
    pub(crate) unsafe fn new(ptr: *mut u8, len: u32) -> Self {
        // INVARIANT: By the caller's guarantee; a null pointer gets length 0.
        Self {
            ptr,
            len: if ptr.is_null() { 0 } else { len as usize },
            _memory: PhantomData,
        }
    }

    /// Its size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies from its beginning; returns how many bytes.
    pub(crate) fn read(&self, to: &mut [u8]) -> usize {
        let n = to.len().min(self.len);
        // SAFETY: `ptr` is valid for reads of `n` bytes by the invariants; `to` is memory of the
        // kernel that doesn't overlap with a program's.
        unsafe { bindings::memcpy(to.as_mut_ptr().cast(), self.ptr.cast(), n) };
        n
    }

    /// Copies from its beginning, as far as there is room; what was copied.
    pub(crate) fn read_into<'b>(&self, to: &'b mut [MaybeUninit<u8>]) -> &'b mut [u8] {
        let n = to.len().min(self.len);
        // SAFETY: `ptr` is valid for reads of `n` bytes by the invariants, `to` for writes, and it
        // is memory of the kernel that doesn't overlap with a program's. The `n` bytes are then
        // initialised, and `to` is borrowed for as long as they are.
        unsafe {
            bindings::memcpy(to.as_mut_ptr().cast(), self.ptr.cast(), n);
            core::slice::from_raw_parts_mut(to.as_mut_ptr().cast(), n)
        }
    }

    /// Copies `from` to an offset, as far as there is room; returns how many bytes.
    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> usize {
        let n = from.len().min(self.len.saturating_sub(offset));
        if n > 0 {
            // SAFETY: `offset + n <= len`, so the range is valid for writes by the invariants.
            unsafe {
                bindings::memcpy(self.ptr.add(offset).cast(), from.as_ptr().cast(), n);
            }
        }
        n
    }

    /// Fills it with a struct: the shorter size wins, the rest is zeroed.
    pub(crate) fn fill<T: Plain>(&self, value: &T) {
        if self.len != size_of::<T>() {
            return self.fill_bytes(bytes_of(value));
        }
        // Nearly always: moves in the place of a call.
        let from = core::ptr::from_ref(value).cast::<u8>();
        let mut done = 0;
        while done < size_of::<T>() {
            let n = (size_of::<T>() - done).min(MOVED);
            // SAFETY: By the invariants it is valid for writes of `len` bytes, which is the size
            // of `value`; memory of the kernel doesn't overlap with a program's. Of what another
            // writes there meanwhile nothing is read.
            unsafe { core::ptr::copy_nonoverlapping(from.add(done), self.ptr.add(done), n) };
            done += n;
        }
    }

    /// Zeroes it.
    pub(crate) fn clear(&self) {
        self.fill_bytes(&[]);
    }

    /// Fills it with bytes, likewise. Apart, so that who has a struct doesn't pay for it.
    #[inline(never)]
    pub(crate) fn fill_bytes(&self, bytes: &[u8]) {
        let written = self.write(0, bytes);
        // SAFETY: `written <= len`, so the range is valid for writes by the invariants.
        unsafe { bindings::memset(self.ptr.wrapping_add(written).cast(), 0, self.len - written) };
    }

    /// Lets C fill it.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.ptr
    }
}
