// SPDX-License-Identifier: GPL-2.0

//! Whether an RCU grace period has passed, without a wait for it.
//!
//! C header: [`include/linux/rcupdate.h`](srctree/include/linux/rcupdate.h).

use kernel::{
    bindings,
    prelude::*, //
};

/// One that has been asked for.
pub(crate) struct GracePeriod(c_ulong);

impl GracePeriod {
    /// Asks for one that begins now or later.
    pub(crate) fn begin() -> Self {
        // SAFETY: May be called wherever interrupts are on.
        Self(unsafe { bindings::start_poll_synchronize_rcu() })
    }

    /// Whether all who were reading when it was asked for have ended.
    pub(crate) fn is_over(&self) -> bool {
        // SAFETY: The cookie is from the call above.
        unsafe { bindings::poll_state_synchronize_rcu(self.0) }
    }
}
