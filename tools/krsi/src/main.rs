// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi`: protects a machine with KRSI policies, and tells what they see.
//!
//! The kernel enforces; this tool only arranges. The way from a person's words to a verdict:
//!
//! - `config/`: the configuration as it is read (`config.rs`), what of it each policy gets
//!   (`wanted.rs`), and how a command writes to it (`saved.rs`).
//! - `policy/`: a policy is an *object* of BPF programs and maps, shipped inside the binary or in a
//!   file; what a person allows or denies is an *entry* of one of its maps.
//! - `in_force/`: a *plan* (`plan.rs`) is what is to be done so that what is *applied* is what is
//!   wanted. Each policy is *staged* beside the old one and takes its place whole.
//! - `events/`: what a policy puts into its buffers is a *report*; with what user space adds it is an
//!   *event*, which all that want it get by a *stream*, and services by *sinks*.
//! - `machine/`: what the kernel says of itself, and the machine of files, cgroups, modules and sticks.
//! - `cmd/`: each command is one file.

mod cli;
mod cmd;
mod config;
mod events;
mod in_force;
mod machine;
mod output;
mod policy;
mod text;

use std::process::ExitCode;

use clap::Parser;

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All was done.
    Done,
    /// Something was lost, or is not as it should be.
    Wrong,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Wrong => Self::FAILURE,
        }
    }
}

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match output::leave_closed().and_then(|()| cmd::run(cli.command)) {
        Ok(status) => status.into(),
        Err(error) => {
            output::say(&format!("krsi: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
