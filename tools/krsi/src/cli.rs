// SPDX-License-Identifier: GPL-2.0-or-later

//! The command line.

use clap::{Parser, Subcommand};

use crate::cmd;

/// Protects a machine with KRSI policies, and tells what they see.
///
/// If a policy locks everybody out: boot with krsi.mode=audit on the kernel command line. Then no
/// policy denies anything, whatever it asks for, and nothing can raise the mode until the next
/// boot. `krsi detach --all` takes out of force what was applied; correct the configuration then.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    after_long_help = "\
Exit status:
  0  all was done
  1  something failed, was lost, or is not as it should be; the standard error says what
  2  the command line is wrong"
)]
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
    /// Say why something was reported or denied, and what would allow just this.
    Explain(cmd::explain::Args),
    /// Write man pages or shell completions.
    #[command(hide = true)]
    Generate(cmd::generate::Args),
    /// Read the kernel's buffers and tell all who want events. They start it.
    #[command(hide = true)]
    Hub,
    /// Change which kernel modules may be loaded.
    Modules(cmd::modules::Args),
    /// Begin a policy of one's own.
    Policy(cmd::policy::Args),
    /// Attach policies until interrupted, and print what they report.
    Run(Box<cmd::run::Args>),
    /// Print the JSON Schema of the events.
    Schema,
    /// Put the events of what is applied where logs go, as a service.
    Serve(cmd::serve::Args),
    /// Say what is in force, and what the kernel says of it.
    Status(cmd::status::Args),
    /// Test the policies of a directory on this kernel.
    Test(cmd::test::Args),
    /// Show a live table of policies, behaviours, reports a second and losses.
    Top(cmd::top::Args),
    /// Change which USB sticks may be mounted.
    Usb(cmd::usb::Args),
    /// Print the events of what is applied as they come.
    Watch(cmd::watch::Args),
}
