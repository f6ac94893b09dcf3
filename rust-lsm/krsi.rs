// SPDX-License-Identifier: GPL-2.0

//! Kernel Runtime Security Instrumentation: an LSM that runs BPF policies at security behaviours.
//!
//! The way of one event:
//!
//! - `kernel/lsm_hooks.rs`: the LSM framework calls a hook, which is on only while a policy wants
//!   it;
//! - `hooks.rs`: the hook leads to a behaviour;
//! - `process_exec.rs` and the like: the behaviour gathers its facts into a context;
//! - `dispatch.rs`: each attached policy with this op runs on it, calling the kfuncs of
//!   `bpf-helpers/`;
//! - `verdict.rs`: what it returned is judged; the first denial is the hook's answer.
//!
//! `removals.rs` leads to the behaviours of names that go away, with `record.rs` to know what was
//! executed; `modules.rs` watches modules, and a worker tells of them.
//!
//! Policies come and go through `registry.rs`, which changes the `lists.rs` that dispatch reads and
//! has `switches.rs` turn the hooks on and off; `admission.rs` says what a policy may be and call.

#![deny(unsafe_code)]

use kernel::prelude::*;

#[path = "kernel/boundary.rs"]
mod boundary;

use boundary::{
    abi::LSM_ID_KRSI,
    lsm_hooks::LocalModule, //
};

#[path = "../bpf-helpers/args.rs"]
mod args;
#[path = "../bpf-helpers/exec_kfuncs.rs"]
mod exec_kfuncs;

mod admission;
mod bprm_readers;
mod dispatch;
mod escape;
mod executable_unlink;
mod file_unlink;
mod fs;
mod hooks;
mod krsi_ops;
mod lists;
mod mode;
mod modules;
mod policy;
mod process_exec;
mod process_executed;
mod record;
mod registry;
mod removal;
mod removals;
mod switches;
mod verdict;
mod whose;

/// What `pr_info!` and its like put before a line.
const __LOG_PREFIX: &[u8] = b"krsi\0";

boundary::lsm::declare_lsm! {
    hooks: hooks::Krsi,
    name: c"krsi",
    id: LSM_ID_KRSI,
    core: start,
    late: open,
}

/// When memory and securityfs are there.
fn start() -> Result {
    mode::init();
    switches::init(LSM_HOOKS)?;
    record::init()?;
    registry::init()?;
    modules::watch::start()?;
    fs::create()
}

/// When BTF is there: from now on policies can be attached.
fn open() -> Result {
    boundary::kfunc::register()?;
    krsi_ops::TYPE.register()?;
    pr_info!("ready, mode {}\n", mode::current().name());
    Ok(())
}
