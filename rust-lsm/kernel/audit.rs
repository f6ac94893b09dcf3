// SPDX-License-Identifier: GPL-2.0

//! Audit records.
//!
//! C header: [`include/linux/audit.h`](srctree/include/linux/audit.h).

use kernel::{
    bindings,
    fmt,
    prelude::*,
    str::CString, //
};

/// Writes a record about a change of an LSM's mode, ended with who made it. Sleeps.
///
/// Without memory for it the record is lost, which the audit system itself then counts.
pub(crate) fn mode_change(what: fmt::Arguments<'_>) {
    // SAFETY: Only reads the current task's audit state.
    let (auid, session) = unsafe { (bindings::krsi_loginuid(), bindings::krsi_sessionid()) };
    let Ok(text) = CString::try_from_fmt(fmt!("{what} auid={auid} ses={session} lsm=krsi res=1"))
    else {
        return;
    };
    // SAFETY: `audit_log_end` takes what `krsi_audit_start` made, which may be null.
    unsafe {
        let record = bindings::krsi_audit_start(bindings::AUDIT_MAC_STATUS as c_int);
        bindings::krsi_audit_string(record, text.as_char_ptr());
        bindings::audit_log_end(record);
    }
}
