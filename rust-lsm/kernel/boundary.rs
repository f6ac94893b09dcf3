// SPDX-License-Identifier: GPL-2.0

//! The boundary: safe Rust over the C objects and frameworks that KRSI uses.
//!
//! Everything `unsafe`, and every use of `bindings`, is below this module; it decides nothing
//! about security.

#![expect(
    unsafe_code,
    reason = "the boundary is where C pointers become typed references"
)]

// C objects and frameworks: each file is written as if it were to move to `rust/kernel/`, but that
// some answer in types of the ABI.
pub(crate) mod arg_pages;
pub(crate) mod bprm;
pub(crate) mod cred;
pub(crate) mod file;
pub(crate) mod inode;
pub(crate) mod lsm;
pub(crate) mod lsm_hooks;
pub(crate) mod module;
pub(crate) mod module_chain;
mod nofault;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod prog;
pub(crate) mod securityfs;
pub(crate) mod srcu_list;
pub(crate) mod task;

// KRSI's own side of them: its ABI as C and BPF see it, and what it keeps with kernel objects.
pub(crate) mod abi;
pub(crate) mod audit;
pub(crate) mod blob;
pub(crate) mod boot_param;
pub(crate) mod event;
pub(crate) mod exec_state;
pub(crate) mod kfunc;
pub(crate) mod log;
pub(crate) mod ops;
pub(crate) mod removal_notes;
pub(crate) mod runs;
pub(crate) mod struct_ops;
mod task_notes;
mod task_state;
mod thunks;
mod verifier;
pub(crate) mod worker;
