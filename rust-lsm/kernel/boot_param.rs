// SPDX-License-Identifier: GPL-2.0

//! What the kernel command line says to the LSM: `krsi.mode=` and `krsi.module_scan_ms=`.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h).

use kernel::{
    bindings,
    prelude::*, //
};

/// What follows `krsi.mode=`, the last if it is there more than once. From a core initcall on.
pub(crate) fn mode() -> Option<&'static [u8]> {
    // SAFETY: Written at boot only, before the initcalls.
    unsafe { text(bindings::krsi_boot_mode) }
}

/// What follows `krsi.module_scan_ms=`, likewise.
pub(crate) fn module_scan_ms() -> Option<&'static [u8]> {
    // SAFETY: As above.
    unsafe { text(bindings::krsi_boot_module_scan_ms) }
}

/// # Safety
///
/// `value` is null or a C string that is never freed.
unsafe fn text(value: *const c_char) -> Option<&'static [u8]> {
    // SAFETY: By the caller's guarantee.
    (!value.is_null()).then(|| unsafe { CStr::from_char_ptr(value) }.to_bytes())
}
