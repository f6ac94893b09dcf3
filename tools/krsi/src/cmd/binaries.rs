// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi binaries`: the files that may not be executed.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    Status,
    config::saved::Save,
    in_force::{applied::Applied, pins::Lock},
    machine::{regular::open_contents, sys},
    output::{Account, progress, tell},
    policy::{
        entry::{Entry, VERITY},
        module_list::hex,
    },
};

/// The policy.
const POLICY: &str = "binary_deny";

/// What a person may say to `krsi binaries`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Deny files no longer.
    Allow(Files),
    /// Deny files at once, whatever they are called and wherever they lie. What runs goes on.
    #[command(after_help = "\
Examples:
  krsi binaries deny /usr/local/bin/xz-5.6.0
  krsi binaries deny --build-id /usr/bin/sudo --save
  krsi binaries deny e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    Deny(Files),
    /// Show what is denied.
    List,
}

#[derive(clap::Args)]
struct Files {
    /// A file, a SHA-256, an fs-verity digest (sha256:HEX) or a build id.
    #[arg(required = true, value_name = "FILE|DIGEST|BUILD-ID")]
    what: Vec<String>,
    /// Of a file take the build id: so that copies which were changed are meant, too.
    #[arg(long)]
    build_id: bool,
    #[command(flatten)]
    save: Save,
}

/// Something by which a file is denied.
struct Mark {
    entry: Entry,
    /// As a person would write it.
    text: String,
}

/// Does it.
pub fn run(args: &Args) -> Result<Status> {
    match &args.action {
        Action::Allow(files) => allow(files),
        Action::Deny(files) => deny(files),
        Action::List => list(),
    }
}

impl Mark {
    fn of_digest(hex: &str) -> Result<Self> {
        Ok(Self {
            entry: Entry::deny_digest(hex)?,
            text: hex.to_ascii_lowercase(),
        })
    }

    fn of_verity(text: &str) -> Result<Self> {
        Ok(Self {
            entry: Entry::deny_verity(text)?,
            text: text.to_ascii_lowercase(),
        })
    }

    fn of_build_id(hex: &str) -> Result<Self> {
        Ok(Self {
            entry: Entry::deny_build_id_of(hex)?,
            text: hex.to_ascii_lowercase(),
        })
    }

    /// Of an entry that is in force.
    fn of_key(map: &str, key: &[u8]) -> Option<Self> {
        let head = || Some(u32::from_ne_bytes(key.get(..4)?.try_into().ok()?));
        match map {
            "denied_digest" => Self::of_digest(&hex(key)).ok(),
            "denied_verity" => {
                let (name, _, size) = VERITY.into_iter().find(|(_, of, _)| Some(*of) == head())?;
                Self::of_verity(&format!("{name}:{}", hex(key.get(4..4 + size)?))).ok()
            }
            _ => {
                let size = usize::try_from(head()?).ok()?;
                Self::of_build_id(&hex(key.get(4..)?.get(..size)?)).ok()
            }
        }
    }

    /// What kind of mark it is.
    fn kind(&self) -> &'static str {
        match self.entry.map {
            "denied_digest" => "sha256",
            "denied_verity" => "fs-verity",
            _ => "build-id",
        }
    }

    /// Its list in the configuration, if there is one.
    fn key(&self) -> Option<&'static str> {
        match self.entry.map {
            "denied_digest" => Some("deny"),
            "denied_build_id" => Some("deny_build_ids"),
            _ => None,
        }
    }
}

/// The marks of what a person names. What looks like a number is one, unless it has a slash.
fn marks(what: &str, by_build_id: bool) -> Result<Vec<Mark>> {
    let is_number = !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_hexdigit());
    if what.contains('/') || !(is_number || what.contains(':')) {
        return marks_of(Path::new(what), by_build_id);
    }
    ensure!(!by_build_id, "{what} is no file: --build-id is for files");
    Ok(vec![match what.len() {
        _ if !is_number => Mark::of_verity(what)?,
        64 => Mark::of_digest(what)?,
        _ => Mark::of_build_id(what).with_context(|| {
            format!("{what} is neither a SHA-256 nor a build id; a file is named with a slash")
        })?,
    }])
}

/// The marks that a person may mean who names what is denied: a report tells a digest of fs-verity
/// by its digits alone.
fn denied_marks(what: &str, by_build_id: bool) -> Result<Vec<Mark>> {
    let is_number = what.bytes().all(|byte| byte.is_ascii_hexdigit());
    let verity: Vec<_> = VERITY
        .into_iter()
        .filter(|(.., size)| is_number && what.len() == 2 * size)
        .map(|(name, ..)| Mark::of_verity(&format!("{name}:{what}")))
        .collect::<Result<_>>()?;
    match marks(what, by_build_id) {
        Err(_) if !verity.is_empty() => Ok(verity),
        marks => Ok(marks?.into_iter().chain(verity).collect()),
    }
}

/// The marks of a file.
fn marks_of(path: &Path, by_build_id: bool) -> Result<Vec<Mark>> {
    let name = path.display();
    if by_build_id {
        return Ok(vec![build_id_of(path)?]);
    }
    let file = open_contents(path)?;
    let mut marks = vec![Mark::of_digest(
        &sha256(&file).with_context(|| name.to_string())?,
    )?];
    let verity = sys::verity_digest(&file).with_context(|| name.to_string())?;
    if let Some((algo, digest)) = verity {
        let known = VERITY
            .into_iter()
            .find(|(_, of, _)| *of == u32::from(algo) + 1);
        let (algo, ..) = known.with_context(|| format!("{name}: fs-verity by algorithm {algo}"))?;
        marks.push(Mark::of_verity(&format!("{algo}:{}", hex(&digest)))?);
    }
    Ok(marks)
}

fn build_id_of(path: &Path) -> Result<Mark> {
    let entry = Entry::deny_build_id(path)?;
    Mark::of_key(entry.map, &entry.key).context("a key has a build id")
}

/// Of what is not written to meanwhile: else it would be the digest of nothing that ever was. It is
/// told how far that is, for a large file takes its time.
fn sha256(file: &File) -> Result<String> {
    let state = || {
        let meta = file.metadata()?;
        io::Result::Ok((meta.len(), meta.mtime(), meta.mtime_nsec()))
    };
    let before = state()?;
    let bar = progress("{bar:40} {bytes} of {total_bytes}, {eta} left", before.0);
    let mut hash = Sha256::new();
    // Hardly more than was there: one that grows has no end.
    let read = io::copy(
        &mut bar.wrap_read(file.take(before.0.saturating_add(1))),
        &mut hash,
    )?;
    bar.finish_and_clear();
    ensure!(state()? == before, "somebody writes to it");
    ensure!(
        read == before.0,
        "what can be read of it is not as long as it says, {} bytes",
        before.0
    );
    Ok(hex(&hash.finalize()))
}

fn deny(args: &Files) -> Result<Status> {
    // Large files take their time, which no other command should have to wait for.
    let named: Vec<_> = args
        .what
        .iter()
        .map(|what| Ok((what, marks(what, args.build_id)?)))
        .collect::<Result<_>>()?;
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(POLICY)?;
    let mut saved = args.save.open()?;
    let mut denied = Vec::new();
    for (what, marks) in named {
        if let Some(saved) = &mut saved {
            let mut keys = marks
                .iter()
                .filter_map(|mark| Some((mark, mark.key()?)))
                .peekable();
            ensure!(
                keys.peek().is_some(),
                "{what}: the configuration has no place for fs-verity digests; name the file"
            );
            for (mark, key) in keys {
                saved.add("binaries", key, &mark.text, |other| {
                    other.eq_ignore_ascii_case(&mark.text)
                })?;
            }
        }
        denied.extend(marks);
    }
    for mark in &denied {
        policy.put(&mark.entry)?;
        account.tell(&format!("denied {} {}", mark.kind(), mark.text));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

fn allow(args: &Files) -> Result<Status> {
    let named: Vec<_> = args
        .what
        .iter()
        .map(|what| Ok((what, denied_marks(what, args.build_id)?)))
        .collect::<Result<_>>()?;
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policy = Applied::open(POLICY)?;
    let mut saved = args.save.open()?;
    let mut allowed = Vec::new();
    let mut status = Status::Done;
    for (what, marks) in named {
        let mut found = false;
        for mark in marks {
            let key = mark.key();
            if let (Some(saved), Some(key)) = (&mut saved, key) {
                saved.remove("binaries", key, |other| {
                    other.eq_ignore_ascii_case(&mark.text)
                })?;
            }
            if policy.has(&mark.entry)? {
                found = true;
                allowed.push(mark);
            }
        }
        if let Some(still) = still_denied(&policy, what, args.build_id)? {
            account.tell(&format!(
                "{what} is denied by its build id, as others may be: `krsi binaries allow {still}`"
            ));
            status = Status::Wrong;
            continue;
        }
        ensure!(found, "{what} is not denied");
    }
    for mark in &allowed {
        policy.remove(&mark.entry)?;
        account.tell(&format!("no longer denied {} {}", mark.kind(), mark.text));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()?;
    Ok(status)
}

/// The build id of a file by which it stays denied, whatever becomes of its digests.
fn still_denied(policy: &Applied, what: &str, by_build_id: bool) -> Result<Option<String>> {
    let path = PathBuf::from(what);
    if by_build_id || !path.is_file() {
        return Ok(None);
    }
    match build_id_of(&path) {
        Ok(mark) if policy.has(&mark.entry)? => Ok(Some(mark.text)),
        // Most files have none.
        _ => Ok(None),
    }
}

fn list() -> Result<Status> {
    let policy = Applied::open(POLICY)?;
    for map in ["denied_digest", "denied_verity", "denied_build_id"] {
        let mut keys = policy.keys(map)?;
        keys.sort();
        for mark in keys.iter().filter_map(|key| Mark::of_key(map, key)) {
            tell(&format!("denied {} {}", mark.kind(), mark.text))?;
        }
    }
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_a_file_a_digest_or_a_build_id() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let of =
            |what: &str| marks(what, false).map(|marks| (marks[0].kind(), marks[0].text.clone()));
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(
            of(file.to_str().unwrap()).unwrap(),
            ("sha256", empty.into())
        );
        assert_eq!(of(&empty.to_uppercase()).unwrap(), ("sha256", empty.into()));
        assert_eq!(of("00ff").unwrap(), ("build-id", "00ff".into()));
        let verity = format!("sha256:{empty}");
        assert_eq!(of(&verity).unwrap(), ("fs-verity", verity.clone()));
        for wrong in [
            "",
            "/no/such",
            "/",
            "/dev/null",
            "sha1:00",
            "abc",
            &empty[2..],
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(marks(empty, true).is_err());
        assert!(marks(file.to_str().unwrap(), true).is_err());
    }

    #[test]
    fn what_is_reported_can_be_allowed() {
        let kinds = |what: &str| {
            let marks = denied_marks(what, false).unwrap();
            marks.iter().map(Mark::kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&"ab".repeat(32)), ["sha256", "fs-verity"]);
        assert_eq!(kinds(&"ab".repeat(64)), ["fs-verity"]);
        assert_eq!(kinds("abcd"), ["build-id"]);
        assert!(denied_marks("", false).is_err());
    }

    #[test]
    fn what_is_listed_can_be_named() {
        for what in [
            &"ab".repeat(32),
            "0102",
            &format!("sha512:{}", "cd".repeat(64)),
        ] {
            let mark = &marks(what, false).unwrap()[0];
            let listed = Mark::of_key(mark.entry.map, &mark.entry.key).unwrap();
            assert_eq!((&listed.text, &listed.entry), (&mark.text, &mark.entry));
        }
        assert!(Mark::of_key("denied_build_id", &[255; 24]).is_none());
        assert!(Mark::of_key("denied_verity", &[0; 68]).is_none());
    }
}
