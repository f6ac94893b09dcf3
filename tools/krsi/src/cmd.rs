// SPDX-License-Identifier: GPL-2.0

//! The commands, each in a file of its own.

pub mod apply;
pub mod check;
pub mod detach;
pub mod explain;
pub mod run;
pub mod schema;
pub mod serve;
pub mod status;
pub mod watch;

use anyhow::Result;

use crate::{Status, cli::Command};

/// Runs a command.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Apply(args) => apply::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Schema => schema::run(),
        Command::Serve(args) => serve::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Watch(args) => watch::run(&args),
    }
}
