// SPDX-License-Identifier: GPL-2.0-or-later

//! The mounts that this process sees.

use std::fs;

use anyhow::{Context, Result};

/// As /proc/self/mountinfo has them, a line each. Ordinary users may have chosen names of any bytes,
/// by FUSE: in those that are no UTF-8 something else stands for these.
pub fn all() -> Result<String> {
    let mounts = fs::read("/proc/self/mountinfo").context("/proc/self/mountinfo")?;
    Ok(String::from_utf8_lossy(&mounts).into_owned())
}
