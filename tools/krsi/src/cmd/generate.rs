// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi generate`: man pages and shell completions, made from the command line's own definition;
//! for packages.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::{Status, cli::Cli, output::print};

/// What a packager may say to `krsi generate`.
#[derive(clap::Args)]
pub struct Args {
    /// What to generate.
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write the man pages, one a command, into this directory.
    Man {
        /// It is made if it is not there.
        dir: PathBuf,
    },
    /// Print the completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Generates.
pub fn run(args: &Args) -> Result<Status> {
    match &args.what {
        What::Man { dir } => {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
            clap_mangen::generate_to(Cli::command(), dir)
                .with_context(|| dir.display().to_string())?;
        }
        What::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "krsi", &mut text);
            print(&String::from_utf8(text)?)?;
        }
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_manual_begins_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let what = What::Man {
            dir: dir.path().join("man"),
        };
        assert_eq!(run(&Args { what }).unwrap(), Status::Done);
        let page = fs::read_to_string(dir.path().join("man/krsi.1")).unwrap();
        let description = page.split(".SH DESCRIPTION").nth(1).unwrap();
        let way_out = description.find("krsi.mode=audit").unwrap();
        assert!(way_out < description.find(".SH").unwrap(), "{page}");
        assert!(dir.path().join("man/krsi-run.1").exists());
        assert!(!dir.path().join("man/krsi-generate.1").exists());
    }
}
