// SPDX-License-Identifier: GPL-2.0-or-later

//! What is in force: pinned below bpffs, and changed without a gap.

pub mod applied;
pub mod contents;
pub mod install;
pub mod pins;
pub mod plan;
pub mod shared;
pub mod staged;
pub mod state;
