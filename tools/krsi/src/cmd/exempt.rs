// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi exempt`: who may do what a policy looks for.

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use rustix::fs::{major, minor};

use crate::{
    Status,
    config::saved::{Named, Save},
    in_force::{applied::Applied, pins::Lock},
    machine::cgroup,
    output::{Account, tell},
    policy::{
        entry::{EXEMPT_DIRS, Entry, absolute, absolute_program},
        module_list::hex,
    },
    text::{before_nul, escape},
};

/// What a person may say to `krsi exempt`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  krsi exempt program add 0@/usr/bin/runc --save
  krsi exempt dir add /var/lib/builder
  krsi exempt cgroup remove /system.slice/docker.service
  krsi exempt library list")]
pub struct Args {
    /// What is exempt.
    kind: Kind,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Exempt these, at once.
    Add(What),
    /// Show which are exempt.
    List(Named),
    /// Exempt these no longer.
    Remove(What),
}

#[derive(clap::Args)]
struct What {
    /// [UID@]PROGRAM, a directory, a cgroup, a library or a SHA-256.
    #[arg(required = true)]
    what: Vec<String>,
    #[command(flatten)]
    save: Save,
}

/// What can be exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// What is done in a cgroup (v2) and below it.
    Cgroup,
    /// What is done to files below a directory.
    Dir,
    /// A library that is preloaded.
    Library,
    /// A sealed memfd with this SHA-256 that is executed.
    Memfd,
    /// What the children of a program do.
    Parent,
    /// What a program does, as one user or as any.
    Program,
}

impl Kind {
    fn policy(self) -> &'static str {
        match self {
            Self::Library => "env_audit",
            _ => "exec_unlink",
        }
    }

    fn map(self) -> &'static str {
        match self {
            Self::Cgroup => "exempt_cgroup",
            Self::Dir => "exempt_dir",
            Self::Library => "allowed_preload",
            Self::Memfd => "allowed_memfd",
            Self::Parent => "exempt_parent",
            Self::Program => "exempt_exe",
        }
    }

    /// Section and key of the configuration.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Cgroup => ("deleted_executables", "exempt_cgroups"),
            Self::Dir => ("deleted_executables", "exempt_dirs"),
            Self::Library => ("preload", "allow"),
            Self::Memfd => ("deleted_executables", "allow_memfds"),
            Self::Parent => ("deleted_executables", "exempt_parents"),
            Self::Program => ("deleted_executables", "exempt_programs"),
        }
    }

    /// What a person names.
    fn entry(self, text: &str) -> Result<Entry> {
        match self {
            Self::Cgroup => {
                Entry::exempt_cgroup(text)?.with_context(|| format!("there is no cgroup {text}"))
            }
            Self::Dir => Entry::exempt_dir(absolute(text)?, 0),
            Self::Library => Entry::allow_preload(text),
            Self::Memfd => Entry::allow_memfd(text),
            Self::Parent => Entry::exempt_parent(absolute_program(text)?),
            Self::Program => Entry::exempt_program(absolute_program(text)?),
        }
    }

    /// What is in force, as one would name it if one can: by its name in the configuration, or as
    /// what it is in the kernel.
    fn name(self, entry: &Entry, known: &[String]) -> String {
        let is_it = |text: &&String| {
            let other = self.entry(text);
            other.is_ok_and(|other| self.is_same(&other, entry))
        };
        if let Some(text) = known.iter().find(is_it) {
            return escape(text.as_bytes());
        }
        let word = |bytes: &[u8], at: usize| {
            let bytes = bytes.get(at..at + 8).unwrap_or(&[0; 8]);
            u64::from_ne_bytes(bytes.try_into().expect("it has eight bytes"))
        };
        let file = |bytes: &[u8]| {
            let dev = word(bytes, 0);
            let (major, minor) = (major(dev), minor(dev));
            format!("dev={major}:{minor} inode={}", word(bytes, 8))
        };
        match self {
            Self::Cgroup => {
                let id = word(&entry.key, 0);
                let path = cgroup::path(id).map(|path| escape(path.as_bytes()));
                path.unwrap_or_else(|| format!("id={id}"))
            }
            Self::Dir => file(&entry.value),
            Self::Library => escape(before_nul(&entry.key)),
            Self::Memfd => hex(&entry.key),
            Self::Parent | Self::Program => {
                let uid = (word(&entry.key, 16) >> 32) as u32;
                match uid {
                    u32::MAX => file(&entry.key),
                    _ => format!("{} uid={uid}", file(&entry.key)),
                }
            }
        }
    }

    /// Whether two entries mean the same: directories have their place in an array as key.
    fn is_same(self, one: &Entry, other: &Entry) -> bool {
        match self {
            Self::Dir => one.value == other.value,
            _ => one.key == other.key,
        }
    }
}

/// The directories that are exempt: an array, which the first that is all 0 ends.
struct Dirs(MapHandle);

impl Dirs {
    fn open(policy: &Applied) -> Result<Self> {
        Ok(Self(policy.map(Kind::Dir.map())?))
    }

    fn all(&self) -> Result<Vec<Vec<u8>>> {
        let mut dirs = Vec::new();
        for number in 0..EXEMPT_DIRS {
            let value = self.0.lookup(&number.to_ne_bytes(), MapFlags::ANY)?;
            match value {
                Some(value) if value.iter().any(|byte| *byte != 0) => dirs.push(value),
                _ => break,
            }
        }
        Ok(dirs)
    }

    fn set(&self, number: usize, value: &[u8]) -> Result<()> {
        let key = u32::try_from(number)?.to_ne_bytes();
        let set = self.0.update(&key, value, MapFlags::ANY);
        set.context("map exempt_dir")
    }

    fn add(&self, dir: &[u8]) -> Result<()> {
        let all = self.all()?;
        if all.iter().any(|other| other == dir) {
            return Ok(());
        }
        ensure!(
            all.len() < EXEMPT_DIRS as usize,
            "there is room for {EXEMPT_DIRS} exempt directories"
        );
        self.set(all.len(), dir)
    }

    /// The last one takes the place of what is removed: none of the others is missing meanwhile.
    fn remove(&self, dir: &[u8]) -> Result<()> {
        let all = self.all()?;
        let (Some(at), Some(last)) = (all.iter().position(|other| other == dir), all.last()) else {
            return Ok(());
        };
        self.set(at, last)?;
        self.set(all.len() - 1, &vec![0; dir.len()])
    }
}

/// Does it.
pub fn run(args: &Args) -> Result<Status> {
    match &args.action {
        Action::Add(what) => add(args.kind, what),
        Action::List(config) => list(args.kind, config),
        Action::Remove(what) => remove(args.kind, what),
    }
}

/// What is exempt.
fn all(kind: Kind, policy: &Applied) -> Result<Vec<Entry>> {
    let entry = |key, value| Entry {
        map: kind.map(),
        key,
        value,
    };
    Ok(match kind {
        Kind::Dir => Dirs::open(policy)?
            .all()?
            .into_iter()
            .map(|value| entry(Vec::new(), value))
            .collect(),
        _ => policy
            .keys(kind.map())?
            .into_iter()
            .map(|key| entry(key, Vec::new()))
            .collect(),
    })
}

fn add(kind: Kind, args: &What) -> Result<Status> {
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(kind.policy())?;
    let mut saved = args.save.open()?;
    let mut entries = Vec::new();
    for text in &args.what {
        let entry = kind.entry(text)?;
        if let Some(saved) = &mut saved {
            let (section, key) = kind.place();
            saved.add(section, key, text, is(kind, &entry))?;
        }
        entries.push((text, entry));
    }
    for (text, entry) in &entries {
        match kind {
            Kind::Dir => Dirs::open(&policy)?.add(&entry.value)?,
            _ => policy.put(entry)?,
        }
        account.tell(&format!("exempt {text}"));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

fn remove(kind: Kind, args: &What) -> Result<Status> {
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(kind.policy())?;
    let mut saved = args.save.open()?;
    let in_force = all(kind, &policy)?;
    let mut entries = Vec::new();
    for text in &args.what {
        let hint = || {
            format!(
                "{text} is not exempt as it is now; `krsi apply` leaves what the configuration \
                 names"
            )
        };
        let entry = kind.entry(text).with_context(hint)?;
        let is_there = in_force.iter().any(|other| kind.is_same(other, &entry));
        ensure!(is_there, hint());
        if let Some(saved) = &mut saved {
            let (section, key) = kind.place();
            saved.remove(section, key, is(kind, &entry))?;
        }
        entries.push((text, entry));
    }
    for (text, entry) in &entries {
        match kind {
            Kind::Dir => Dirs::open(&policy)?.remove(&entry.value)?,
            _ => policy.remove(entry).map(|_| ())?,
        }
        account.tell(&format!("no longer exempt {text}"));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

/// Whether a text of the configuration means the same.
fn is(kind: Kind, entry: &Entry) -> impl Fn(&str) -> bool {
    move |text| {
        kind.entry(text)
            .is_ok_and(|other| kind.is_same(&other, entry))
    }
}

fn list(kind: Kind, config: &Named) -> Result<Status> {
    let policy = Applied::open(kind.policy())?;
    let (section, key) = kind.place();
    let known = config.strings(section, key)?;
    for entry in all(kind, &policy)? {
        tell(&format!("exempt {}", kind.name(&entry, &known)))?;
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_means_the_same_everywhere() {
        for (kind, wrong) in [
            (Kind::Dir, "tmp"),
            (Kind::Dir, "/no/such"),
            (Kind::Program, "0@sh"),
            (Kind::Parent, "/etc/passwd"),
            (Kind::Library, "a b"),
            (Kind::Memfd, "00"),
            (Kind::Cgroup, "/"),
        ] {
            assert!(kind.entry(wrong).is_err(), "{kind:?} {wrong}");
        }
    }

    #[test]
    fn what_is_in_force_has_a_name() {
        let library = Kind::Library.entry("libfakeroot.so").unwrap();
        assert_eq!(Kind::Library.name(&library, &[]), "libfakeroot.so");
        let memfd = Kind::Memfd.entry(&"ab".repeat(32)).unwrap();
        assert_eq!(Kind::Memfd.name(&memfd, &[]), "ab".repeat(32));
        let mut key = Vec::from(rustix::fs::makedev(8, 1).to_ne_bytes());
        key.extend(77u64.to_ne_bytes());
        key.extend(3u32.to_ne_bytes());
        key.extend(1000u32.to_ne_bytes());
        let program = Entry {
            map: "exempt_exe",
            key,
            value: Vec::new(),
        };
        let name = Kind::Program.name(&program, &["/no/such".into()]);
        assert_eq!(name, "dev=8:1 inode=77 uid=1000");
    }

    #[test]
    fn each_kind_has_a_map_of_its_policy() {
        for kind in [
            Kind::Cgroup,
            Kind::Dir,
            Kind::Library,
            Kind::Memfd,
            Kind::Parent,
            Kind::Program,
        ] {
            let policy = crate::policy::object::Opened::new(kind.policy()).unwrap();
            assert!(policy.has(kind.map()), "{kind:?}");
        }
    }
}
