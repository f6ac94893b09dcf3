// SPDX-License-Identifier: GPL-2.0-or-later

//! Lists of modules: as files, in the format of sha256sum(1), and as the map that module_allow looks
//! into, which is replaced whole.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    os::fd::{AsFd, AsRawFd},
    path::Path,
};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{
    MapCore, MapFlags, MapHandle, MapType,
    libbpf_sys::{BPF_F_NO_PREALLOC, bpf_map_create_opts},
};

use crate::{
    in_force::{
        applied::Applied,
        pins::{self, NEW},
    },
    machine::{regular, sys},
    policy::entry::DIGEST_SIZE,
};

/// A SHA-256.
pub type Digest = [u8; DIGEST_SIZE];

/// Room that a list has at least: that of the policy's own map.
const ROOM: usize = 1 << 16;

/// No list of modules is larger, in bytes: there are some ten million in it.
const LARGEST: u64 = 1 << 30;

/// How many entries the kernel takes at once.
const BATCH: usize = 1 << 14;

/// As sha256sum(1) writes it.
pub fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}

/// Of hexadecimal digits.
pub fn parse(hex: &str) -> Result<Digest> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut digest = [0; DIGEST_SIZE];
    let digits = hex.as_bytes();
    let is_whole = digits.len() == 2 * DIGEST_SIZE
        && digest
            .iter_mut()
            .zip(digits.chunks_exact(2))
            .all(|(byte, pair)| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *byte = 16 * high + low;
                    true
                }
                _ => false,
            });
    ensure!(is_whole, "{hex} is no SHA-256 in hexadecimal");
    Ok(digest)
}

/// The text of a list; names in it may be of any bytes.
pub fn text(list: &Path) -> Result<Vec<u8>> {
    regular::read(list, LARGEST)
}

/// The modules of a file, with their names there.
pub fn read(list: &Path) -> Result<Vec<(Digest, String)>> {
    let name = list.display();
    let text = text(list)?;
    let text = String::from_utf8_lossy(&text);
    let modules: Vec<_> = (1..)
        .zip(text.lines())
        .map(|(number, line)| {
            let (digest, of) = line
                .split_once(' ')
                .with_context(|| format!("{name}:{number}: no digest and name"))?;
            let digest = parse(digest).with_context(|| format!("{name}:{number}"))?;
            // Behind the space stands another one, or a * for a binary file.
            Ok((digest, of.get(1..).unwrap_or_default().to_owned()))
        })
        .collect::<Result<_>>()?;
    ensure!(!modules.is_empty(), "{name} names no module");
    Ok(modules)
}

/// The text of a list without some modules, or None if it has none of these.
pub fn without(text: &[u8], unwanted: &BTreeSet<Digest>) -> Option<Vec<u8>> {
    let is_wanted = |line: &&[u8]| {
        let digest = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let digest = std::str::from_utf8(digest).unwrap_or_default();
        !parse(digest).is_ok_and(|digest| unwanted.contains(&digest))
    };
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let kept: Vec<_> = lines.filter(is_wanted).flatten().copied().collect();
    (kept.len() < text.len()).then_some(kept)
}

/// The list that an applied module_allow looks into: the map in slot 0 of `lists`, which is pinned as
/// `allowed`, too, for it can be opened by its pin alone.
pub struct InForce<'a> {
    policy: &'a Applied,
    list: MapHandle,
}

impl<'a> InForce<'a> {
    /// Finds it. Where who replaced it was killed in between, the pin is put right.
    pub fn open(policy: &'a Applied) -> Result<Self> {
        let list = find(&policy.dir())?.context(
            "the list of modules that is in force is not pinned: `krsi apply` puts another in its \
             place",
        )?;
        if policy.map("allowed")?.info()?.info.id != list.info()?.info.id {
            put(policy)?;
        }
        Ok(Self { policy, list })
    }

    /// All that are on it.
    pub fn digests(&self) -> BTreeSet<Digest> {
        let keys = self.list.keys();
        keys.filter_map(|key| key.as_slice().try_into().ok())
            .collect()
    }

    /// Whether it is on it.
    pub fn has(&self, digest: &Digest) -> Result<bool> {
        let value = self.list.lookup(digest, MapFlags::ANY);
        Ok(value.context("map allowed")?.is_some())
    }

    /// Adds a module.
    pub fn add(&mut self, digest: &Digest) -> Result<()> {
        let value = 1u32.to_ne_bytes();
        if self.list.update(digest, &value, MapFlags::ANY).is_ok() {
            return Ok(());
        }
        // There was no room, most likely: a new list has some.
        self.add_all(&[*digest]).map(|_| ())
    }

    /// Adds modules, all at once for who loads one; returns how many there are then.
    pub fn add_all(&mut self, digests: &[Digest]) -> Result<usize> {
        let mut all = self.digests();
        all.extend(digests);
        self.replace(&all)?;
        Ok(all.len())
    }

    /// Takes a module off it; false if it is not on it.
    pub fn remove(&self, digest: &Digest) -> Result<bool> {
        if !self.has(digest)? {
            return Ok(false);
        }
        self.list.delete(digest).context("map allowed")?;
        Ok(true)
    }

    /// Puts another list in its place. Every load is judged by the old or by the new one.
    pub fn replace(&mut self, digests: &BTreeSet<Digest>) -> Result<()> {
        let list = filled(digests).context("making the new list of modules")?;
        // First the pin, so that what is in force is always pinned.
        let new = self.policy.path(&format!("allowed{NEW}"));
        // Perhaps one was left by who was killed.
        let _ = fs::remove_file(&new);
        sys::pin(list.as_fd(), &new).with_context(|| format!("pinning {}", new.display()))?;
        let fd = list.as_fd().as_raw_fd();
        self.policy
            .map("lists")?
            .update(&0u32.to_ne_bytes(), &fd.to_ne_bytes(), MapFlags::ANY)
            .context("putting the new list of modules in force")?;
        put(self.policy)?;
        self.list = list;
        Ok(())
    }
}

/// The list in force of the policy with this directory; None if it is not pinned there.
pub fn find(dir: &Path) -> Result<Option<MapHandle>> {
    let Some(lists) = pins::open(&dir.join("lists"))? else {
        return Ok(None);
    };
    let slot = lists.lookup(&0u32.to_ne_bytes(), MapFlags::ANY);
    let slot = slot.context("map lists")?.unwrap_or_default();
    for pin in ["allowed".to_owned(), format!("allowed{NEW}")] {
        if let Some(list) = pins::open(&dir.join(pin))? {
            if list.info()?.info.id.to_ne_bytes() == slot.as_slice() {
                return Ok(Some(list));
            }
        }
    }
    Ok(None)
}

/// A map with these.
fn filled(digests: &BTreeSet<Digest>) -> Result<MapHandle> {
    // Some are added later one by one.
    let room = (digests.len() + digests.len() / 8).max(ROOM);
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as _,
        map_flags: BPF_F_NO_PREALLOC,
        ..Default::default()
    };
    let list = MapHandle::create(
        MapType::Hash,
        Some("allowed"),
        DIGEST_SIZE as u32,
        size_of::<u32>() as u32,
        room.try_into()?,
        &options,
    )?;
    let mut keys = Vec::with_capacity(BATCH * DIGEST_SIZE);
    let all: Vec<_> = digests.iter().collect();
    for batch in all.chunks(BATCH) {
        keys.clear();
        keys.extend(batch.iter().flat_map(|digest| digest.iter()));
        let values = 1u32.to_ne_bytes().repeat(batch.len());
        list.update_batch(
            &keys,
            &values,
            batch.len() as u32,
            MapFlags::ANY,
            MapFlags::ANY,
        )?;
    }
    Ok(list)
}

/// Puts the pin of a new list in the place of the one before.
fn put(policy: &Applied) -> Result<()> {
    let pin = policy.path("allowed");
    fs::rename(policy.path(&format!("allowed{NEW}")), &pin)
        .with_context(|| format!("pinning {}", pin.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_what_sha256sum_writes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list");
        let (one, two) = (hex(&[1; 32]), hex(&[2; 32]));
        fs::write(&file, format!("{one}  /lib/a b.ko\n{two} *c.ko\n")).unwrap();
        let list = read(&file).unwrap();
        assert_eq!(list[0], ([1; 32], "/lib/a b.ko".to_owned()));
        assert_eq!(list[1], ([2; 32], "c.ko".to_owned()));

        for (wrong, line) in [
            (format!("{one}  a\n\n"), 2),
            (format!("{one}\n"), 1),
            (format!("{one}0  a\n"), 1),
        ] {
            fs::write(&file, wrong).unwrap();
            let error = format!("{:#}", read(&file).unwrap_err());
            assert!(error.contains(&format!("list:{line}:")), "{error}");
        }
        fs::write(&file, "").unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest: Digest = std::array::from_fn(|i| (37 * i) as u8);
        assert_eq!(parse(&hex(&digest)).unwrap(), digest);
        assert_eq!(parse(&hex(&digest).to_uppercase()).unwrap(), digest);
        for wrong in [
            "",
            &hex(&digest)[1..],
            &hex(&[0; 33]),
            &"+1".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_without_some_keeps_the_rest_as_it_is() {
        let (one, two) = (hex(&[1; 32]), hex(&[2; 32]));
        let of = |digest: &str, name: &[u8]| [digest.as_bytes(), b"  ", name].concat();
        let kept = of(&two, b"\xe4\r\n");
        let text = [of(&one, b"a\n"), kept.clone(), of(&one, b"c")].concat();
        assert_eq!(without(&text, &[[1; 32]].into()), Some(kept));
        assert_eq!(without(&text, &[[3; 32]].into()), None);
    }
}
