// SPDX-License-Identifier: GPL-2.0

//! Modules of the kernel: those that are about to be loaded, and those that hide: a ledger of all of them, kept from boot on, is compared with
//! what the kernel's structures say. Documentation/modules.rst has the protocol.
//!
//! - `watch.rs`: what the notifier hears, what the worker does;
//! - `ledger.rs`: the rows and their mutex;
//! - `row.rs`: one row: what it is told, what is seen, what there is to tell;
//! - `compare.rs`: what a module must look like;
//! - `doubt.rs`: how long it has been where an honest one is for a moment;
//! - `news.rs`: tells policies and the kernel log;
//! - `scan.rs`: when all are looked at;
//! - `file.rs`: the file `modules` in securityfs, in the words of `words.rs`;
//! - `load.rs`, `request.rs`: what comes before: its contents are known, the kernel asks for it;
//! - `loads.rs`: what is known of a load until the ledger has a row for it.

mod compare;
mod doubt;
pub(crate) mod file;
mod ledger;
pub(crate) mod load;
mod loads;
mod news;
pub(crate) mod request;
mod row;
#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
mod row_tests;
pub(crate) mod scan;
pub(crate) mod watch;
mod words;

/// A millisecond, in nanoseconds.
const MS: u64 = 1_000_000;
