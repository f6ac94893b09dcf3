// SPDX-License-Identifier: GPL-2.0

//! The commands, each in a file of its own.

pub mod apply;
pub mod check;
pub mod detach;
pub mod generate;
pub mod policy;
pub mod run;
pub mod status;
pub mod test;

use anyhow::Result;

use crate::{Status, cli::Command};

/// Runs a command.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Apply(args) => apply::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Test(args) => test::run(&args),
    }
}
