// SPDX-License-Identifier: GPL-2.0

//! Kernel Runtime Security Instrumentation: an LSM that runs BPF policies at security behaviours.
//!
//! The folders, and the way of one event through them:
//!
//! - `kernel/`: the LSM framework calls a hook (`lsm_hooks.rs`), which is on only while a policy
//!   wants it; C pointers become typed references;
//! - `hooks.rs`: the hook leads to a behaviour;
//! - `behaviours/`: what happens. The behaviour gathers its facts into a context, with what
//!   `state/` keeps with the kernel's objects;
//! - `policy/`: who is asked. Each attached policy with this op runs, calling the kfuncs of
//!   `bpf-helpers/` through `bpf/`; the first denial is the hook's answer.
//!
//! `unsafe` is in `kernel/`, `bpf/` and `state/` only.

#![deny(unsafe_code)]

use kernel::prelude::*;

#[path = "../bpf-helpers/args.rs"]
mod args;
#[path = "../bpf-helpers/asked.rs"]
mod asked;
mod behaviours;
#[path = "kernel/boundary.rs"]
mod boundary;
mod bpf;
#[path = "../bpf-helpers/env_name.rs"]
mod env_name;
#[path = "../bpf-helpers/exec_kfuncs.rs"]
mod exec_kfuncs;
#[path = "../bpf-helpers/file_digest.rs"]
mod file_digest;
mod hooks;
#[path = "../bpf-helpers/module_contents.rs"]
mod module_contents;
#[path = "../bpf-helpers/module_file.rs"]
mod module_file;
#[path = "../bpf-helpers/module_kfuncs.rs"]
mod module_kfuncs;
#[path = "../bpf-helpers/nuls.rs"]
mod nuls;
mod policy;
mod state;

use behaviours::{
    modules,
    mounts::disks,
    removals::record, //
};
use boundary::lsm_hooks::LocalModule;
use bpf::{
    abi::LSM_ID_KRSI,
    kfunc, //
};
use policy::{
    krsi_ops,
    mode,
    registry,
    securityfs,
    switches, //
};
use state::stands;

/// What `pr_info!` and its like put before a line.
const __LOG_PREFIX: &[u8] = b"krsi\0";

boundary::lsm::declare_lsm! {
    hooks: hooks::Krsi,
    name: c"krsi",
    id: LSM_ID_KRSI,
    blobs: state::blob::SIZES,
    core: start,
    fs: watch,
    late: open,
}

/// When memory and securityfs are there.
fn start() -> Result {
    mode::init();
    switches::init(LSM_HOOKS)?;
    state::execs::init()?;
    record::init()?;
    state::digests::init()?;
    registry::init()?;
    modules::watch::start()?;
    stands::init()?;
    securityfs::create()
}

/// When the class of disks is there, and no disk.
fn watch() -> Result {
    disks::watch()
}

/// When BTF is there: from now on policies can be attached.
fn open() -> Result {
    kfunc::register()?;
    krsi_ops::TYPE.register()?;
    pr_info!("ready, mode {}\n", mode::current().name());
    Ok(())
}
