// SPDX-License-Identifier: GPL-2.0

//! Lines in the kernel log that a user can provoke: rate-limited together.
//!
//! C header: [`include/linux/ratelimit.h`](srctree/include/linux/ratelimit.h).

use kernel::bindings;

/// Whether one more line may be written now.
pub(crate) fn allowed() -> bool {
    // SAFETY: The rate limit is a static that C has initialised.
    unsafe { bindings::krsi_log_allowed() }
}

/// `pr_warn!`, but not more than ten lines in five seconds.
macro_rules! warn_limited {
    ($($arg:tt)*) => {
        if $crate::boundary::log::allowed() {
            kernel::pr_warn!($($arg)*);
        }
    };
}
pub(crate) use warn_limited;
