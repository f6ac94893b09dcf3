// SPDX-License-Identifier: GPL-2.0

//! A relaxed read of an atomic by a plain load.
//!
//! `Atomic::load` is a call of a C helper where `CONFIG_RUST_INLINE_HELPERS` is off, on paths that
//! are counted in single instructions.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h).

use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// `READ_ONCE()` of an atomic: as `load(Relaxed)`, with the address dependency of
/// `rcu_dereference()` where what is read is a pointer.
#[inline(always)]
pub(crate) fn read_once<T: AtomicType>(from: &Atomic<T>) -> T {
    // SAFETY: The reference is valid and aligned. In the kernel's memory model a volatile read of a
    // word does not race with atomic writes.
    unsafe { from.as_ptr().read_volatile() }
}
