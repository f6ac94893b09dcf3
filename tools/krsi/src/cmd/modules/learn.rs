// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi modules learn`: the list of all modules that this machine has. It is written only; what puts
//! it in force is `krsi apply`, or `krsi modules allow --list`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use super::{POLICY, learned, loaded};
use crate::{
    Status,
    config::replace::replace,
    in_force::applied::Applied,
    machine::module_read::{self, Module},
    output::{Account, progress, say},
    policy::module_list::{Digest, hex},
    text::escape,
};

/// Where modules are.
const MODULES: &str = "/lib/modules";

/// What a person may say to `krsi modules learn`.
#[derive(clap::Args)]
#[command(after_help = "\
What is learned are the files of this kernel's modules (.ko, also .xz, .zst and .gz), those of DKMS
among them, what module_allow has learned while it was unlocked, and what is loaded and in no file,
such as the modules of an initramfs that packs others. Each of these last ones is told by its name.

Examples:
  krsi modules learn
  krsi modules learn --all --output /etc/krsi/modules.list && krsi apply")]
pub struct Args {
    /// The modules below this directory, instead of this machine's.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Those of all kernels that are installed.
    #[arg(long, conflicts_with = "dir")]
    all: bool,
    /// Where the list is written.
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "/etc/krsi/modules.list"
    )]
    output: PathBuf,
}

/// A line of the list.
struct Line {
    digest: Digest,
    /// A path, or how it is known and its name.
    text: String,
}

/// Writes the list.
pub fn run(args: &Args) -> Result<Status> {
    let roots = roots(args)?;
    let mut files = Vec::new();
    let mut errors = 0;
    for root in &roots {
        let (found, failed) = module_read::find(root);
        for error in failed {
            errors += 1;
            say(&format!("krsi: {error:#}"));
        }
        files.extend(found.into_iter().map(|file| (root, file)));
    }
    let read = read_all(&files);

    let mut lines = Vec::new();
    let mut places = BTreeMap::<String, usize>::new();
    let mut names = BTreeSet::new();
    for ((root, file), module) in files.iter().zip(read) {
        match line_of(file, module) {
            Ok((line, name)) => {
                lines.push(line);
                names.insert(name);
                *places.entry(place(root, file)).or_default() += 1;
            }
            Err(error) => {
                errors += 1;
                say(&format!("krsi: {error:#}"));
            }
        }
    }
    let mut account = Account::default();
    for (place, count) in &places {
        account.tell(&format!("{count} modules in {place}"));
    }
    if args.dir.is_none() {
        add_known(&mut lines, &names, &mut account)?;
    }
    ensure!(
        !lines.is_empty(),
        "no module could be read, so {} stays as it is",
        args.output.display()
    );
    write(&lines, &args.output)?;
    account.tell(&format!(
        "{} modules are in {}",
        lines.len(),
        args.output.display()
    ));
    account.finish()?;
    if errors > 0 {
        say(&format!(
            "krsi: {errors} files or directories could not be read: what is in them is not on the list"
        ));
        return Ok(Status::Wrong);
    }
    Ok(Status::Done)
}

/// The directories to look into.
fn roots(args: &Args) -> Result<Vec<PathBuf>> {
    if let Some(dir) = &args.dir {
        return Ok(vec![
            fs::canonicalize(dir).with_context(|| dir.display().to_string())?,
        ]);
    }
    if !args.all {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")
            .context("/proc/sys/kernel/osrelease")?;
        return Ok(vec![Path::new(MODULES).join(release.trim())]);
    }
    let mut roots = Vec::new();
    for entry in fs::read_dir(MODULES).context(MODULES)? {
        let path = entry.context(MODULES)?.path();
        if path.is_dir() {
            roots.push(path);
        }
    }
    roots.sort();
    Ok(roots)
}

/// Reads them on all processors.
fn read_all(files: &[(&PathBuf, PathBuf)]) -> Vec<Result<Module>> {
    let template = "{bar:40} {pos} of {len} modules, {eta} left";
    let bar = progress(template, files.len() as u64);
    let read = files
        .par_iter()
        .map(|(_, file)| {
            let module = module_read::read(file);
            bar.inc(1);
            module
        })
        .collect();
    bar.finish_and_clear();
    read
}

/// A module that was read as a line, with its name.
fn line_of(file: &Path, module: Result<Module>) -> Result<(Line, String)> {
    let Module { digest, name } = module?;
    let text = file
        .to_str()
        .filter(|text| !text.contains(['\n', '\r', '\\']))
        .with_context(|| {
            let shown = escape(file.as_os_str().as_encoded_bytes());
            format!("{shown}: a name that no list can have")
        })?
        .to_owned();
    Ok((Line { digest, text }, name))
}

/// The part of a directory of modules that a file is in: `kernel`, `updates/dkms`, `extra`.
fn place(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).unwrap_or(file);
    if below.starts_with("updates/dkms") {
        return format!("{}/updates/dkms (by DKMS)", root.display());
    }
    let mut parts = below.components();
    match (parts.next(), parts.next()) {
        (Some(first), Some(_)) => root.join(first).display().to_string(),
        _ => root.display().to_string(),
    }
}

/// Adds what the policy has learned, and what is loaded and in no file.
fn add_known(lines: &mut Vec<Line>, names: &BTreeSet<String>, account: &mut Account) -> Result<()> {
    let mut known: BTreeSet<_> = lines.iter().map(|line| line.digest).collect();
    if let Some(policy) = Applied::find(POLICY)? {
        for (digest, name) in learned(&policy)? {
            if known.insert(digest) {
                account.tell(&format!("learned by {POLICY}: {name}"));
                let text = format!("learned:{name}");
                lines.push(Line { digest, text });
            }
        }
    }
    let loaded = match loaded() {
        Ok(loaded) => loaded,
        Err(error) => {
            account.tell(&format!("what is loaded is not known: {error:#}"));
            return Ok(());
        }
    };
    for (name, digest) in loaded {
        match digest {
            None => account.tell(&format!(
                "loaded, and not on the list, for KRSI has not seen its file: {name}"
            )),
            Some(digest) if known.insert(digest) => {
                let why = match names.contains(&name) {
                    true => "another one than the file of this name",
                    false => "in no file",
                };
                account.tell(&format!(
                    "loaded, and {why}, such as from the initramfs: {name}"
                ));
                let text = format!("loaded:{name}");
                lines.push(Line { digest, text });
            }
            Some(_) => (),
        }
    }
    Ok(())
}

/// Writes the list in its place.
fn write(lines: &[Line], path: &Path) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &hex(&line.digest);
        text += "  ";
        text += &line.text;
        text.push('\n');
    }
    if let Some(dir) = path.parent().filter(|dir| *dir != Path::new("")) {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    replace(path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_its_place() {
        let of = |file: &str| {
            place(
                Path::new("/lib/modules/1"),
                &Path::new("/lib/modules/1").join(file),
            )
        };
        assert_eq!(of("kernel/fs/a.ko"), "/lib/modules/1/kernel");
        assert_eq!(
            of("updates/dkms/a.ko"),
            "/lib/modules/1/updates/dkms (by DKMS)"
        );
        assert_eq!(of("updates/a.ko"), "/lib/modules/1/updates");
        assert_eq!(of("a.ko"), "/lib/modules/1");
    }

    #[test]
    fn reads_what_can_be_read_and_keeps_the_old_list_without() {
        let dir = tempfile::tempdir().unwrap();
        let list = dir.path().join("sub/list");
        let args = |from: &Path| Args {
            dir: Some(from.to_owned()),
            all: false,
            output: list.clone(),
        };
        assert!(run(&args(dir.path())).is_err(), "there is none");
        assert!(!list.exists());
        fs::write(dir.path().join("good.ko"), b"\x7fELF and so on").unwrap();
        assert_eq!(run(&args(dir.path())).unwrap(), Status::Done);
        fs::write(dir.path().join("bad.ko.xz"), "no xz").unwrap();
        assert_eq!(run(&args(dir.path())).unwrap(), Status::Wrong);
        let modules = crate::policy::module_list::read(&list).unwrap();
        assert_eq!(modules.len(), 1);
        assert!(modules[0].1.ends_with("/good.ko"));
        assert!(run(&args(Path::new("/no/such"))).is_err());
    }
}
