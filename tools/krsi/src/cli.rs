// SPDX-License-Identifier: GPL-2.0

//! The command line.

use clap::{Parser, Subcommand};

use crate::cmd;

/// Protects a machine with KRSI policies, and tells what they see.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Bring what is in force to what the configuration says.
    Apply(cmd::apply::Args),
    /// Change which files may not be executed.
    Binaries(cmd::binaries::Args),
    /// Say whether in force is what the configuration asks for.
    Check(cmd::check::Args),
    /// Take policies out of force that were applied.
    Detach(cmd::detach::Args),
    /// Change who may do what a policy looks for.
    Exempt(cmd::exempt::Args),
    /// Change which kernel modules may be loaded.
    Modules(cmd::modules::Args),
    /// Attach policies until interrupted, and print what they report.
    Run(Box<cmd::run::Args>),
    /// Say what is in force, and what the kernel says of it.
    Status(cmd::status::Args),
    /// Change which USB sticks may be mounted.
    Usb(cmd::usb::Args),
}
