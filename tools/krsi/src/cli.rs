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
    /// Say whether in force is what the configuration asks for.
    Check(cmd::check::Args),
    /// Take policies out of force that were applied.
    Detach(cmd::detach::Args),
    /// Say why something was reported or denied, and what would allow just this.
    Explain(cmd::explain::Args),
    /// Attach policies until interrupted, and print what they report.
    Run(Box<cmd::run::Args>),
    /// Print the JSON Schema of the events.
    Schema,
    /// Put the events of what is applied where logs go, as a service.
    Serve(cmd::serve::Args),
    /// Say what is in force, and what the kernel says of it.
    Status(cmd::status::Args),
    /// Print the events of what is applied as they come.
    Watch(cmd::watch::Args),
}
