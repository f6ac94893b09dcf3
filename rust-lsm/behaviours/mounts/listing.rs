// SPDX-License-Identifier: GPL-2.0

//! What stands on USB already when a policy is attached that has the op `mount`: no policy is
//! asked about it any more, so the kernel log says it.

use crate::{
    boundary::escape::Escaped,
    state::stands, //
};
use kernel::prelude::*;

/// A line for each mounted superblock, without a limit: who attaches a policy is root. Sleeps.
pub(crate) fn write(policy: &[u8]) {
    let policy = Escaped(policy);
    let lost = stands::for_each_on_usb(|mounted| {
        let (kind, name) = (Escaped(&mounted.fs_type), Escaped(&mounted.name));
        pr_warn!("policy {policy}: {kind} on {name} is mounted already, from USB\n");
    });
    if lost != 0 {
        pr_warn!("policy {policy}: of {lost} more there was no memory for a note\n");
    }
}
