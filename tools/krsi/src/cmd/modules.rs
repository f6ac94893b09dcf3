// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi modules`: the kernel modules that may be loaded.

mod learn;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapFlags};

use crate::{
    Status,
    config::{
        replace::replace,
        saved::{Named, Save, Saved},
    },
    in_force::{applied::Applied, pins::Lock},
    machine::{kernel, module_read},
    output::{Account, say, tell},
    policy::{
        entry::Entry,
        module_list::{self, Digest, InForce, hex},
    },
    text::{before_nul, escape},
};

/// The policy.
const POLICY: &str = "module_allow";

/// Its section of the configuration.
const SECTION: &str = "modules";

/// What a person may say to `krsi modules`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Allow modules to be loaded, at once.
    #[command(after_help = "\
Examples:
  krsi modules allow /lib/modules/6.12/updates/dkms/nvidia.ko.xz --save
  krsi modules allow --list /etc/krsi/modules.list")]
    Allow(Allow),
    /// Write the list of all modules that this machine has.
    Learn(learn::Args),
    /// Show the modules that are allowed, were learned, and are loaded.
    List(Named),
    /// Refuse from now on what is on no list.
    Lock {
        #[command(flatten)]
        save: Save,
    },
    /// Allow modules no longer. What is loaded stays so.
    Revoke(Revoke),
    /// Allow from now on what is on no list, and learn it.
    Unlock {
        #[command(flatten)]
        save: Save,
    },
}

#[derive(clap::Args)]
struct Allow {
    /// Modules: files, which may be compressed, or their SHA-256.
    #[arg(value_name = "FILE|SHA256", required_unless_present = "list")]
    what: Vec<String>,
    /// All modules of this list, as sha256sum(1) and `krsi modules learn` write it.
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    #[command(flatten)]
    save: Save,
}

#[derive(clap::Args)]
struct Revoke {
    /// Modules: files, which may be compressed, or their SHA-256.
    #[arg(value_name = "FILE|SHA256", required = true)]
    what: Vec<String>,
    #[command(flatten)]
    save: Save,
}

/// Does it.
pub fn run(args: &Args) -> Result<Status> {
    match &args.action {
        Action::Allow(args) => allow(args),
        Action::Learn(args) => learn::run(args),
        Action::List(config) => list(config),
        Action::Lock { save } => set_learning(false, save),
        Action::Revoke(args) => revoke(args),
        Action::Unlock { save } => set_learning(true, save),
    }
}

/// What a person names: as a digest, if it looks like one.
fn named(what: &str) -> Result<Digest> {
    let is_digest = what.len() == 64 && what.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_digest {
        true => module_list::parse(what),
        false => Ok(module_read::read(Path::new(what))?.digest),
    }
}

/// The same of many.
fn all_named(what: &[String]) -> Result<Vec<Digest>> {
    what.iter().map(|what| named(what)).collect()
}

/// Whether a text of the configuration means this module.
fn is(digest: &Digest) -> impl Fn(&str) -> bool {
    move |text| module_list::parse(text).is_ok_and(|other| other == *digest)
}

fn allow(args: &Allow) -> Result<Status> {
    // Large files take their time, which no other command should have to wait for.
    let digests = all_named(&args.what)?;
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(POLICY)?;
    let mut list = InForce::open(&policy)?;
    let mut saved = args.save.open()?;
    if let Some(saved) = &mut saved {
        for digest in &digests {
            saved.add(SECTION, "allow", &hex(digest), is(digest))?;
        }
    }
    let mut listed = Vec::new();
    for file in &args.list {
        if let Some(saved) = &mut saved {
            let path = fs::canonicalize(file).with_context(|| file.display().to_string())?;
            let path = path.to_str().with_context(|| {
                format!("{}: a name that no configuration can have", path.display())
            })?;
            saved.add(SECTION, "lists", path, |other| other == path)?;
        }
        listed.extend(module_list::read(file)?.iter().map(|(digest, _)| digest));
    }
    for (what, digest) in args.what.iter().zip(&digests) {
        list.add(digest)?;
        account.tell(&format!("allowed {} {what}", hex(digest)));
    }
    if !args.list.is_empty() {
        let count = list.add_all(&listed)?;
        account.tell(&format!("{count} modules are allowed"));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

fn learned_entry(digest: &Digest) -> Entry {
    Entry {
        map: "learned",
        key: digest.to_vec(),
        value: Vec::new(),
    }
}

fn revoke(args: &Revoke) -> Result<Status> {
    let named = all_named(&args.what)?;
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(POLICY)?;
    let list = InForce::open(&policy)?;
    let mut saved = args.save.open()?;
    let mut digests = BTreeSet::new();
    for (what, digest) in args.what.iter().zip(named) {
        let is_there = list.has(&digest)? || policy.has(&learned_entry(&digest))?;
        ensure!(is_there, "{what} is not allowed");
        digests.insert(digest);
    }
    let lists = match &saved {
        Some(saved) => shortened(saved, &digests)?,
        None => Vec::new(),
    };
    if let Some(saved) = &mut saved {
        for digest in &digests {
            saved.remove(SECTION, "allow", is(digest))?;
        }
    }
    for digest in &digests {
        list.remove(digest)?;
        policy.remove(&learned_entry(digest))?;
        account.tell(&format!("no longer allowed {}", hex(digest)));
    }
    for (path, text) in &lists {
        replace(path, text)?;
        account.tell(&format!("taken out of {}", path.display()));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

/// The lists of the configuration that have some of these, without them.
fn shortened(saved: &Saved, digests: &BTreeSet<Digest>) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut lists = Vec::new();
    for path in saved.strings(SECTION, "lists") {
        let text = module_list::text(path.as_ref())?;
        let Some(rest) = module_list::without(&text, digests) else {
            continue;
        };
        ensure!(
            !rest.is_empty(),
            "{path} would name no module any more: take it out of the configuration"
        );
        lists.push((path.into(), rest));
    }
    Ok(lists)
}

fn set_learning(to: bool, save: &Save) -> Result<Status> {
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(POLICY)?;
    let mut saved = save.open()?;
    if let Some(saved) = &mut saved {
        saved.set(SECTION, "learn", to)?;
    }
    policy.put(&Entry {
        value: u32::from(to).to_ne_bytes().to_vec(),
        ..Entry::learn_modules()
    })?;
    account.tell(match to {
        true => "unlocked: what is on no list is allowed and learned",
        false => "locked: what is on no list is refused, as far as the mode goes",
    });
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

/// What the policy has learned, with the names.
fn learned(policy: &Applied) -> Result<BTreeMap<Digest, String>> {
    let map = policy.map("learned")?;
    let mut modules = BTreeMap::new();
    for key in map.keys() {
        if let Some(value) = map.lookup(&key, MapFlags::ANY)? {
            modules.insert(key.as_slice().try_into()?, escape(before_nul(&value)));
        }
    }
    Ok(modules)
}

/// The modules that are loaded, by the kernel part's ledger: names, which it has escaped, and
/// digests, if it saw the file.
fn loaded() -> Result<Vec<(String, Option<Digest>)>> {
    let lines = kernel::modules()?;
    Ok(lines.iter().filter_map(|line| loaded_in(line)).collect())
}

/// Of a line of the ledger; the last one has sums instead.
fn loaded_in(line: &str) -> Option<(String, Option<Digest>)> {
    let word = |name| line.split(' ').find_map(|word| word.strip_prefix(name));
    // What is gone is only kept until that is told.
    let name = word("name=").filter(|_| word("state=") != Some("gone"))?;
    let digest = word("digest=").and_then(|digest| module_list::parse(digest).ok());
    Some((name.to_owned(), digest))
}

/// The names of allowed modules, by the lists of the configuration.
fn names(config: &Named) -> Result<BTreeMap<Digest, String>> {
    let mut names = BTreeMap::new();
    for list in config.strings(SECTION, "lists")? {
        match module_list::read(Path::new(&list)) {
            Ok(modules) => names.extend(modules),
            Err(error) => say(&format!("krsi: {error:#}")),
        }
    }
    Ok(names)
}

fn list(config: &Named) -> Result<Status> {
    let policy = Applied::open(POLICY)?;
    let allowed = InForce::open(&policy)?.digests();
    let learned = learned(&policy)?;
    let names = names(config)?;
    for digest in &allowed {
        let name = names
            .get(digest)
            .map_or("-".into(), |name| escape(name.as_bytes()));
        tell(&format!("allowed {} {name}", hex(digest)))?;
    }
    for (digest, name) in &learned {
        tell(&format!("learned {} {name}", hex(digest)))?;
    }
    for (name, digest) in loaded()? {
        let state = match &digest {
            Some(digest) if allowed.contains(digest) => "on-the-list",
            Some(digest) if learned.contains_key(digest) => "learned",
            Some(_) => "on-no-list",
            None => "digest-unknown",
        };
        let digest = digest.map_or("-".into(), |digest| hex(&digest));
        tell(&format!("loaded {digest} {name} {state}"))?;
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_of_the_ledger() {
        let digest = hex(&[7; 32]);
        let line = format!("name=a\\040b state=live text=0+1 source=file digest={digest}");
        assert_eq!(loaded_in(&line), Some(("a\\040b".into(), Some([7; 32]))));
        let unknown = line.replace(&digest, "unknown");
        assert_eq!(loaded_in(&unknown), Some(("a\\040b".into(), None)));
        assert_eq!(loaded_in(&line.replace("live", "gone")), None);
        assert_eq!(loaded_in("total rows=1 lost=0 looks=19"), None);
    }

    #[test]
    fn a_module_is_named_by_its_digest_or_its_file() {
        assert_eq!(named(&hex(&[7; 32])).unwrap(), [7; 32]);
        for wrong in ["", "/no/such.ko", "/etc/passwd", &hex(&[7; 31])] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
}
