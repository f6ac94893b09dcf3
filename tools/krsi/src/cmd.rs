// SPDX-License-Identifier: GPL-2.0

//! The commands, each in a file of its own.

pub mod run;

use anyhow::Result;

use crate::{Status, cli::Command};

/// Runs a command.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Run(args) => run::run(&args),
    }
}
