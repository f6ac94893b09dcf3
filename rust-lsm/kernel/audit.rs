// SPDX-License-Identifier: GPL-2.0

//! Audit records.
//!
//! C header: [`include/linux/audit.h`](srctree/include/linux/audit.h).

use core::{
    fmt::Write,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    fmt,
    prelude::*, //
};

/// The types of records.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Type {
    /// The mode of an LSM was changed.
    MacStatus = bindings::AUDIT_MAC_STATUS,
    /// A policy denied something, or would have.
    Denial = bindings::AUDIT_KRSI_ACCESS,
    /// A policy came, changed or went.
    Policy = bindings::AUDIT_KRSI_POLICY,
}

/// Whether a record may hold up who writes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It waits for auditd when too many are queued (a minute, if nobody says otherwise). Sleeps.
    Allowed,
    /// It is given up rather than that. Any context that can be in a task.
    Never,
}

/// A record that is being written, in the context of the current task; it is sent when it is
/// dropped. What finds no memory is left out of it, which audit counts.
///
/// # Invariants
///
/// The buffer was started and not ended.
pub(crate) struct Record(NonNull<bindings::audit_buffer>);

impl Record {
    /// Begins one; `None` if audit takes none: it is switched off, a rule of the administrator
    /// excludes it, there are too many or there is no memory. The last two it counts as lost.
    pub(crate) fn start(kind: Type, wait: Wait) -> Option<Self> {
        // SAFETY: Only looks at the current task; the result is null or a buffer to be ended.
        let buffer = unsafe { bindings::krsi_audit_start(kind as c_int, wait == Wait::Allowed) };
        // INVARIANT: It was just started.
        NonNull::new(buffer).map(Self)
    }

    /// Adds words of this kernel's own, in which there is nothing that somebody else chose.
    pub(crate) fn words(&mut self, words: fmt::Arguments<'_>) {
        // Nothing here fails.
        let _ = self.write_fmt(words);
    }

    /// Adds ` key=` and a string that somebody chose, up to its first NUL, as audit encodes it: in
    /// quotes, or in hexadecimal digits if it has a space, a quote or what is not printable.
    pub(crate) fn untrusted(&mut self, key: &str, value: &[u8]) {
        self.words(fmt!(" {key}="));
        let len = value.iter().take_while(|byte| **byte != 0).count();
        // SAFETY: By the type invariants; the value has `len` bytes.
        unsafe {
            bindings::audit_log_n_untrustedstring(self.0.as_ptr(), value.as_ptr().cast(), len)
        };
    }

    /// Adds who the current task is: its ids, its terminal and session, its name, its executable
    /// and what other LSMs call it. Takes spinlocks; doesn't sleep.
    pub(crate) fn task(&mut self) {
        // SAFETY: By the type invariants; looks at the current task.
        unsafe { bindings::audit_log_task_info(self.0.as_ptr()) };
    }

    /// Adds ` auid= ses=`, the login and the session that the current task belongs to.
    pub(crate) fn session(&mut self) {
        // SAFETY: Only reads the current task's audit state.
        let (auid, session) = unsafe { (bindings::krsi_loginuid(), bindings::krsi_sessionid()) };
        self.words(fmt!(" auid={auid} ses={session}"));
    }
}

impl Write for Record {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        // SAFETY: By the type invariants; the text has `len` bytes.
        unsafe {
            bindings::krsi_audit_text(self.0.as_ptr(), text.as_ptr().cast(), text.len() as u32)
        };
        Ok(())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, and nobody uses it any more.
        unsafe { bindings::audit_log_end(self.0.as_ptr()) };
    }
}
