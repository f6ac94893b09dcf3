// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi`: protects a machine with KRSI policies, and tells what they see.
//!
//! The kernel enforces; this tool only arranges. A policy is an *object* (`object.rs`) of BPF
//! programs and maps, shipped inside the binary (`shipped.rs`) or in a file; what a person allows or
//! denies is an *entry* of one of its maps (`entry.rs`). What a policy puts into its buffers
//! (`buffers.rs`) is a *report* (`report.rs`); with what user space adds it is an *event* (`event.rs`), which all that
//! want it get by a *stream* (`stream.rs`). What the kernel says of itself is in `kernel.rs`. Each
//! command is one file in `cmd/`.

mod applied;
mod buffers;
mod burst;
mod cgroup;
mod cli;
mod cmd;
mod config;
mod contents;
mod elf;
mod entry;
mod event;
mod file_id;
mod gap;
mod hub;
mod install;
mod kernel;
mod key;
mod losses;
mod memory;
mod module_list;
mod module_read;
mod object;
mod output;
mod pins;
mod plan;
mod queue;
mod regular;
mod replace;
mod report;
mod saved;
mod shared;
mod shipped;
mod sink;
mod staged;
mod state;
mod stream;
mod sys;
mod table;
mod text;
mod usb;
mod variables;
mod wanted;

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
    match cmd::run(cli.command) {
        Ok(status) => status.into(),
        Err(error) => {
            output::say(&format!("krsi: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
