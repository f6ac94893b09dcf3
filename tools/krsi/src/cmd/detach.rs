// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi detach`: takes policies out of force that were applied.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::{
    Status,
    in_force::{
        install,
        pins::{self, Lock},
        staged,
    },
    output::print,
};

/// What a person may say to `krsi detach`.
#[derive(clap::Args)]
#[command(after_help = "\
The policies' maps go with them, also what module_allow has learned. The next `krsi apply` \
attaches again what the configuration has.

Examples:
  krsi detach usb_mount
  krsi detach --all")]
pub struct Args {
    /// The policies.
    #[arg(value_name = "POLICY", required_unless_present = "all")]
    policies: Vec<String>,
    /// All of them, with what they have reported and nobody has read.
    #[arg(short, long, conflicts_with = "policies")]
    all: bool,
}

/// Detaches them.
pub fn run(args: &Args) -> Result<Status> {
    let _lock = Lock::take()?;
    staged::recover()?;
    let there = pins::policies()?;
    for policy in &args.policies {
        ensure!(
            there.contains(policy),
            "{policy} is not applied{}",
            match there.is_empty() {
                true => "; nothing is".to_owned(),
                false => format!(", but {} is", there.join(", ")),
            }
        );
    }
    let policies = if args.all { &there } else { &args.policies };
    for policy in policies {
        install::detach(policy)?;
    }
    if args.all && pins::exists(pins::ROOT.as_ref())? {
        for map in pins::SHARED.map(pins::shared) {
            if pins::exists(&map)? {
                fs::remove_file(&map).with_context(|| map.display().to_string())?;
            }
        }
        fs::remove_dir(pins::ROOT).context(pins::ROOT)?;
    }
    let lines: Vec<_> = policies
        .iter()
        .map(|policy| format!("detach {policy}\n"))
        .collect();
    print(&match lines.is_empty() {
        true => "nothing changes\n".to_owned(),
        false => lines.concat(),
    })?;
    Ok(Status::Done)
}
