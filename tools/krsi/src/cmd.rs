// SPDX-License-Identifier: GPL-2.0-or-later

//! The commands, each in a file of its own.

pub mod apply;
pub mod binaries;
pub mod check;
pub mod detach;
pub mod exempt;
pub mod explain;
pub mod generate;
pub mod modules;
pub mod policy;
pub mod run;
pub mod schema;
pub mod serve;
pub mod status;
pub mod test;
pub mod top;
pub mod usb;
pub mod watch;

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    Status,
    cli::Command,
    config,
    events::hub,
    output::{print, print_json},
};

/// What is compared with what is in force, and how the answer is written.
#[derive(clap::Args)]
pub struct Question {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = config::PATH)]
    config: PathBuf,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

impl Question {
    /// Prints an answer, which has two forms.
    fn answer(&self, json: &impl serde::Serialize, text: impl FnOnce() -> String) -> Result<()> {
        match self.json {
            true => print_json(json),
            false => print(&text()),
        }
    }
}

/// Runs a command.
pub fn run(command: Command) -> Result<Status> {
    match command {
        Command::Apply(args) => apply::run(&args),
        Command::Binaries(args) => binaries::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::Exempt(args) => exempt::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Hub => hub::run(),
        Command::Modules(args) => modules::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Schema => schema::run(),
        Command::Serve(args) => serve::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Top(args) => top::run(&args),
        Command::Usb(args) => usb::run(&args),
        Command::Watch(args) => watch::run(&args),
    }
}
