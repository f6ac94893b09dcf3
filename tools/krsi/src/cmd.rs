// SPDX-License-Identifier: GPL-2.0

//! The commands, each in a file of its own.

pub mod apply;
pub mod binaries;
pub mod check;
pub mod detach;
pub mod exempt;
pub mod modules;
pub mod run;
pub mod status;
pub mod usb;

use anyhow::Result;

use crate::{Status, cli::Command};

/// Runs a command.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Apply(args) => apply::run(&args),
        Command::Binaries(args) => binaries::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::Exempt(args) => exempt::run(&args),
        Command::Modules(args) => modules::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Usb(args) => usb::run(&args),
    }
}
