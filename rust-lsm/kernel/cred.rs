// SPDX-License-Identifier: GPL-2.0

//! The ids of credentials, in the initial user namespace, and capabilities.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h).

use kernel::{
    bindings,
    cred::Credential,
    task::Task, //
};

/// User and group ids as user space writes them.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    /// Real user id.
    pub(crate) uid: u32,
    /// Real group id.
    pub(crate) gid: u32,
    /// Effective user id.
    pub(crate) euid: u32,
    /// Effective group id.
    pub(crate) egid: u32,
    /// Saved user id.
    pub(crate) suid: u32,
    /// Saved group id.
    pub(crate) sgid: u32,
}

impl Ids {
    /// The ids of `cred`.
    pub(crate) fn of(cred: &Credential) -> Self {
        // SAFETY: The credential is referenced, and its ids are set before it is published; the
        // conversions look at the initial user namespace alone, which always is.
        unsafe {
            let cred = &*cred.as_ptr();
            Self {
                uid: bindings::krsi_uid(cred.uid),
                gid: bindings::krsi_gid(cred.gid),
                euid: bindings::krsi_uid(cred.euid),
                egid: bindings::krsi_gid(cred.egid),
                suid: bindings::krsi_uid(cred.suid),
                sgid: bindings::krsi_gid(cred.sgid),
            }
        }
    }

    /// The ids of the current task.
    pub(crate) fn current() -> Self {
        // SAFETY: The current task's own credentials stay valid until it changes them itself.
        Self::of(unsafe { Credential::from_ptr(bindings::krsi_current_cred()) })
    }
}

/// Whether the current task has CAP_MAC_ADMIN in the initial user namespace. May write an audit
/// record, so it may sleep.
pub(crate) fn may_administrate() -> bool {
    // SAFETY: Only reads the current task's credentials.
    unsafe { bindings::capable(bindings::CAP_MAC_ADMIN as i32) }
}

/// Whether the current task acts with credentials that are not its own, as the kernel does for
/// others: overlayfs for its mounter, nfsd for a client.
pub(crate) fn is_overridden() -> bool {
    // SAFETY: The current task doesn't go away, and only it changes either pointer.
    unsafe {
        let task = Task::current_raw();
        (*task).cred != (*task).real_cred
    }
}
