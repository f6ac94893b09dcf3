// SPDX-License-Identifier: GPL-2.0

//! Who is asked, and what they may.
//!
//! - `registry.rs`: attach, update, detach; `attachment.rs`: what is attached; `lists.rs`: by op;
//! - `admission.rs`: what a policy may be and call, asked through `krsi_ops.rs` and the verifier;
//! - `dispatch.rs` runs them on an event; `verdict.rs` judges what they return;
//! - `mode.rs`: off, audit or enforce; `switches.rs`: which hooks are on for that;
//!   `bprm_readers.rs`: also for BPF LSM programs;
//! - `securityfs.rs`: what is shown of all that; `records.rs`: what audit is told of it;
//!   `words.rs`: for both.

pub(crate) mod admission;
mod attachment;
pub(crate) mod bprm_readers;
pub(crate) mod dispatch;
pub(crate) mod krsi_ops;
pub(crate) mod lists;
pub(crate) mod mode;
mod records;
pub(crate) mod registry;
pub(crate) mod securityfs;
pub(crate) mod switches;
mod verdict;
mod words;
