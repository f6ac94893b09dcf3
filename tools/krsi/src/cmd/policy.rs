// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi policy new`: a directory with a policy, its Makefile and its tests, ready to build. The
//! headers go with it, so that nothing but clang and linux/bpf.h is needed.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use libbpf_rs::libbpf_sys;

use crate::{Status, output::say, policy::shipped};

/// Longest name that bpftool can pin a policy by: what the kernel keeps of a map's name.
const NAME_SIZE: usize = 15;

/// The files of a policy, with `@NAME@` where its name stands. A program has `x` set.
const TEMPLATE: &[(&str, &str, bool)] = &[
    (
        "@NAME@.bpf.c",
        include_str!("../../template/policy.bpf.c"),
        false,
    ),
    ("Makefile", include_str!("../../template/Makefile"), false),
    (
        "tests/10-refused",
        include_str!("../../template/tests/10-refused"),
        true,
    ),
    (
        "tests/20-allowed",
        include_str!("../../template/tests/20-allowed"),
        true,
    ),
];

/// What a policy includes of KRSI's.
const HEADERS: &[(&str, &str)] = &[
    ("krsi.h", include_str!("../../../../bpf-helpers/krsi.h")),
    (
        "krsi.bpf.h",
        include_str!("../../../../bpf-helpers/krsi.bpf.h"),
    ),
    ("kfuncs.h", include_str!("../../../../bpf-helpers/kfuncs.h")),
    ("report.h", include_str!("../../../../policies/report.h")),
    (
        "report.bpf.h",
        include_str!("../../../../policies/report.bpf.h"),
    ),
];

/// What a person may say to `krsi policy`.
#[derive(clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a directory with a policy, its Makefile and its tests, ready to build.
    #[command(after_help = "\
Examples:
  krsi policy new my_policy
  make -C my_policy
  krsi run --audit my_policy/my_policy.bpf.o")]
    New {
        /// The policy's name: letters, digits and _, at most 15.
        name: String,
        /// Where the directory is made.
        #[arg(long, value_name = "DIR", default_value = ".")]
        below: PathBuf,
    },
}

/// Makes it.
pub fn run(args: &Args) -> Result<Status> {
    let What::New { name, below } = &args.what;
    ensure_name(name)?;
    let dir = below.join(name);
    make(&dir, name).with_context(|| dir.display().to_string())?;
    say(&format!(
        "krsi: made {}: build it with make, try it with krsi test",
        dir.display()
    ));
    Ok(Status::Done)
}

fn ensure_name(name: &str) -> Result<()> {
    let mut bytes = name.bytes();
    let is_word = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    ensure!(
        is_word,
        "{name} is no name of a policy: it is made of letters, digits and _, and begins with no digit"
    );
    ensure!(
        name.len() <= NAME_SIZE,
        "{name} is too long: a policy's name has at most {NAME_SIZE} bytes"
    );
    ensure!(
        shipped::object(name).is_none(),
        "{name} is a shipped policy: take another name"
    );
    Ok(())
}

/// A directory that is there already stays as it is.
fn make(dir: &Path, name: &str) -> Result<()> {
    fs::DirBuilder::new().mode(0o755).create(dir)?;
    for below in ["include/bpf", "tests"] {
        fs::create_dir_all(dir.join(below))?;
    }
    for (file, text, is_program) in TEMPLATE {
        let file = file.replace("@NAME@", name);
        let text = text.replace("@NAME@", name);
        write(&dir.join(file), &text, *is_program)?;
    }
    for (file, text) in HEADERS {
        write(&dir.join("include").join(file), text, false)?;
    }
    for (file, text) in libbpf_sys::API_HEADERS {
        write(&dir.join("include/bpf").join(file), text, false)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str, is_program: bool) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(if is_program { 0o755 } else { 0o644 })
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(text.as_bytes())
        .with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_is_one_that_can_be_pinned() {
        for right in ["a", "_", "fifteen_bytes_x"] {
            ensure_name(right).unwrap();
        }
        for wrong in ["", "1a", "a-b", "a/b", "ä", "sixteen_bytes_xx", "env_audit"] {
            assert!(ensure_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_new_policy_compiles_with_what_is_in_its_directory() {
        let below = tempfile::tempdir().unwrap();
        let what = What::New {
            name: "my_policy".into(),
            below: below.path().into(),
        };
        let args = Args { what };
        run(&args).unwrap();
        let dir = below.path().join("my_policy");
        let output = Command::new("make").current_dir(&dir).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        assert!(dir.join("my_policy.bpf.o").exists());
        assert!(run(&args).is_err(), "what is there was made again");
    }
}
