// SPDX-License-Identifier: GPL-2.0

//! `krsi.mode=` and `krsi.module_scan_ms=` on the kernel command line, read before the LSMs start.
//!
//! C header: [`include/linux/init.h`](srctree/include/linux/init.h).

use kernel::prelude::*;

/// Called at boot by what `__setup` in `helpers.c` registers, with what follows the `=`.
///
/// # Safety
///
/// `value` is a C string.
#[export]
unsafe extern "C" fn krsi_rs_boot_mode(value: *mut c_char) -> c_int {
    // SAFETY: By the caller's guarantee.
    crate::mode::boot(unsafe { CStr::from_char_ptr(value) }.to_bytes());
    1
}

/// Called at boot by what `__setup` in `helpers.c` registers, with what follows the `=`.
///
/// # Safety
///
/// `value` is a C string.
#[export]
unsafe extern "C" fn krsi_rs_boot_module_scan(value: *mut c_char) -> c_int {
    // SAFETY: By the caller's guarantee.
    crate::modules::scan::boot(unsafe { CStr::from_char_ptr(value) }.to_bytes());
    1
}
