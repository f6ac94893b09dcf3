// SPDX-License-Identifier: GPL-2.0

//! What KRSI keeps with the kernel's objects.
//!
//! - `rows.rs`: which process runs which file, and by which name it was started; its two sides are
//!   `file_rows.rs` and `runs.rs`;
//! - `digests.rs`: the digests of files, until somebody may change them;
//! - `removal_notes.rs`: with a task, of the removal that is under way;
//! - `execs.rs`: with a task in an exec, of the strings prepared for BPF LSM programs;
//! - `inode_number.rs`: with an inode; `prog_state.rs`: with a BPF program, in the blobs of
//!   `blob.rs`;
//! - `stands.rs`: with a disk and a superblock, of what carries it, in the blobs of `blob.rs`;
//! - `shards.rs`: tables with more than one lock.
//!
//! `unsafe` is here for memory whose lifetime is the object's. Nothing is decided.

#![expect(unsafe_code, reason = "what is kept is found by the object's address")]

pub(crate) mod blob;
pub(crate) mod digests;
pub(crate) mod execs;
mod file_rows;
pub(crate) mod inode_number;
pub(crate) mod prog_state;
pub(crate) mod removal_notes;
pub(crate) mod rows;
mod runs;
mod shards;
pub(crate) mod stands;
