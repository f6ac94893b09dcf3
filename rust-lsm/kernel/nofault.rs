// SPDX-License-Identifier: GPL-2.0

//! Copies from addresses of the kernel that may be stale or false.
//!
//! C header: [`include/linux/uaccess.h`](srctree/include/linux/uaccess.h).

use core::mem::MaybeUninit;
use kernel::{
    bindings,
    prelude::*,
    transmute::FromBytes, //
};

/// Copies a `T` from there; `None` if it can't be read.
pub(crate) fn peek<T: FromBytes>(address: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: `value` is valid for writes of its size; the source may be any address.
    let status = unsafe {
        bindings::copy_from_kernel_nofault(
            value.as_mut_ptr().cast(),
            address as *const c_void,
            size_of::<T>(),
        )
    };
    // SAFETY: All its bytes were copied, and any are valid.
    (status == 0).then(|| unsafe { value.assume_init() })
}

/// Copies a string from there, NUL-padded; `None` if it can't be read or doesn't fit.
pub(crate) fn peek_string<const N: usize>(address: usize) -> Option<[u8; N]> {
    let mut string = [0; N];
    // SAFETY: `string` is valid for writes of its size; the source may be any address.
    let copied = unsafe {
        bindings::strncpy_from_kernel_nofault(
            string.as_mut_ptr().cast(),
            address as *const c_void,
            N as c_long,
        )
    };
    let terminated = copied > 0 && string.last() == Some(&0);
    terminated.then_some(string)
}
