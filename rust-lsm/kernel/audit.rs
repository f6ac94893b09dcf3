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

/// Writes a record about a wanted change of the LSM's mode, ended with who wanted it and whether
/// it was made. Sleeps.
pub(crate) fn mode_change(what: fmt::Arguments<'_>, made: bool) {
    // SAFETY: Only reads the current task's audit state.
    let (auid, session) = unsafe { (bindings::krsi_loginuid(), bindings::krsi_sessionid()) };
    let made = u32::from(made);
    let Ok(text) =
        CString::try_from_fmt(fmt!("{what} auid={auid} ses={session} lsm=krsi res={made}"))
    else {
        pr_err!("no memory for an audit record: {what}\n");
        return;
    };
    // SAFETY: `audit_log_end` takes what `krsi_audit_start` made, which may be null.
    unsafe {
        let record = bindings::krsi_audit_start(bindings::AUDIT_MAC_STATUS as c_int);
        bindings::krsi_audit_string(record, text.as_char_ptr());
        bindings::audit_log_end(record);
    }
}
