// SPDX-License-Identifier: GPL-2.0

//! The boundary: safe Rust over the C objects and frameworks that KRSI uses.
//!
//! Each file is fit to move to `rust/kernel/` as it stands: it imports nothing of KRSI's, answers
//! in types of its own and decides nothing about security.

#![expect(
    unsafe_code,
    reason = "the boundary is where C pointers become typed references"
)]

pub(crate) mod arg_pages;
pub(crate) mod audit;
pub(crate) mod block;
pub(crate) mod block_class;
pub(crate) mod boot_param;
pub(crate) mod bprm;
pub(crate) mod build_id;
pub(crate) mod contents;
pub(crate) mod cred;
pub(crate) mod escape;
pub(crate) mod file;
pub(crate) mod grace;
pub(crate) mod inode;
pub(crate) mod log;
pub(crate) mod lsm;
mod lsm_callbacks;
pub(crate) mod lsm_hooks;
pub(crate) mod module;
pub(crate) mod module_chain;
pub(crate) mod mounts;
pub(crate) mod name;
mod nofault;
pub(crate) mod once;
pub(crate) mod per_cpu;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod prog;
pub(crate) mod prog_mem;
pub(crate) mod securityfs;
pub(crate) mod sha256;
pub(crate) mod srcu_list;
pub(crate) mod superblock;
pub(crate) mod task;
pub(crate) mod verity;
pub(crate) mod worker;
