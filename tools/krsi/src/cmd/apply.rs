// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi apply`: brings what is in force to what the configuration says, and ends. What it did is
//! pinned and needs no process.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    Status,
    config::{self, Config, wanted},
    in_force::{
        install,
        pins::{self, Lock},
        plan::Plan,
        staged,
    },
    machine::kernel,
    output::{print, say},
};

/// What a person may say to `krsi apply`.
#[derive(clap::Args)]
#[command(after_help = "\
What is new is attached, what has changed is updated in place, what the configuration does not have \
is detached; policies and entries that are as they should be stay untouched, with their counts. \
If the configuration is wrong, or a mode can't be had, nothing changes.

Examples:
  krsi apply --dry-run
  krsi apply --config ./krsi.toml")]
pub struct Args {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = config::PATH)]
    config: PathBuf,
    /// Say what would be done, and change nothing.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Reads, plans, does and says what was done.
pub fn run(args: &Args) -> Result<Status> {
    kernel::abi()?;
    let config = Config::read(&args.config)?;
    let wanted = wanted::all(&config)?;
    for policy in &wanted {
        policy.absent.iter().for_each(|note| say(note));
    }
    let _lock = Lock::take()?;
    if !args.dry_run {
        pins::make_root()?;
        staged::recover()?;
    }
    let plan = Plan::new(&config, wanted)?;
    if !args.dry_run {
        install::carry_out(&plan)?;
    }
    print(&match plan.is_empty() {
        true => "nothing changes\n".to_owned(),
        false => plan.to_string(),
    })?;
    Ok(Status::Done)
}
