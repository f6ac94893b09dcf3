// SPDX-License-Identifier: GPL-2.0

//! What KRSI keeps with the kernel's objects: with an exec, a task, an inode, a BPF program.
//!
//! `unsafe` is here for memory whose lifetime is the object's. Nothing is decided.

#![expect(unsafe_code, reason = "what is kept is found by the object's address")]

pub(crate) mod blob;
pub(crate) mod exec_state;
pub(crate) mod inode_number;
pub(crate) mod process;
pub(crate) mod prog_state;
pub(crate) mod removal_notes;
pub(crate) mod runs;
mod task_notes;
mod task_state;
