// SPDX-License-Identifier: GPL-2.0-or-later

//! A policy's object: opened, changed, loaded, filled and attached.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use libbpf_rs::{
    Link, MapCore, MapFlags, MapType, Object, ObjectBuilder, OpenMap, OpenMapMut, OpenObject,
};

use crate::{
    machine::{
        kernel::{self, Attached, Mode},
        regular,
    },
    policy::{entry::Entry, shipped},
};

/// Where `abi` and `flags` stand in struct krsi_ops, and what asks for audit mode there:
/// `KRSI_AUDIT`.
const ABI_AT: usize = 64;
const FLAGS_AT: usize = 68;
const AUDIT: u32 = 1;

/// No object is larger, in bytes.
const LARGEST: u64 = 64 << 20;

/// An object that is not loaded yet.
pub struct Opened {
    name: String,
    object: OpenObject,
}

impl Opened {
    /// A shipped policy by its name, or a file: what has a slash or ends in `.o`.
    pub fn new(what: &str) -> Result<Self> {
        let is_file = what.contains('/') || what.ends_with(".o");
        let bytes = match shipped::object(what) {
            Some(object) if !is_file => object.to_vec(),
            None if !is_file => bail!(
                "there is no policy {what}; there are {}, and files",
                shipped::names().collect::<Vec<_>>().join(", ")
            ),
            _ => regular::read(Path::new(what), LARGEST)?,
        };
        let name = Path::new(what)
            .file_name()
            .map_or(what.into(), |file| file.to_string_lossy());
        let name = name.trim_end_matches(".bpf.o").to_owned();
        let object = ObjectBuilder::default()
            .name(&name)
            .and_then(|builder| builder.open_memory(&bytes))
            .with_context(|| format!("opening {what}"))?;
        Ok(Self { name, object })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Has its policies counted and reported alone.
    pub fn ask_for_audit(&mut self) -> Result<()> {
        for mut map in self.object.maps_mut() {
            if map.map_type() != MapType::StructOps {
                continue;
            }
            let flags = map
                .initial_value_mut()
                .and_then(|ops| ops.get_mut(FLAGS_AT..FLAGS_AT + 4))
                .with_context(|| format!("{} is no policy of KRSI's", self.name))?;
            let with_audit = u32::from_ne_bytes((&*flags).try_into()?) | AUDIT;
            flags.copy_from_slice(&with_audit.to_ne_bytes());
        }
        Ok(())
    }

    /// Has its policies report by perf's buffers.
    pub fn report_by_perf(&mut self) -> Result<()> {
        let mut map = self.map(".rodata.report");
        let by_perf = map.as_mut().and_then(|map| map.initial_value_mut());
        let by_perf = by_perf.and_then(|value| value.first_chunk_mut());
        *by_perf.context("it can't report by perf")? = 1u32.to_ne_bytes();
        Ok(())
    }

    /// The ABI that its policies need.
    pub fn abi(&mut self) -> Result<u32> {
        let mut abi = 0;
        for mut map in self.object.maps_mut() {
            if map.map_type() != MapType::StructOps {
                continue;
            }
            let word = map
                .initial_value_mut()
                .and_then(|ops| ops.get(ABI_AT..)?.first_chunk().copied())
                .with_context(|| format!("{} is no policy of KRSI's", self.name))?;
            abi = abi.max(u32::from_ne_bytes(word));
        }
        Ok(abi)
    }

    /// Its maps.
    pub fn maps(&self) -> impl Iterator<Item = OpenMap<'_>> {
        self.object.maps()
    }

    /// Whether it has a map of this name.
    pub fn has(&self, map: &str) -> bool {
        self.object.maps().any(|other| other.name() == map)
    }

    /// A map that can still be changed.
    pub fn map(&mut self, name: &str) -> Option<OpenMapMut<'_>> {
        self.object.maps_mut().find(|map| map.name() == name)
    }

    /// Makes room in a map for so many entries.
    pub fn make_room(&mut self, map: &str, entries: u32) -> Result<()> {
        let mut map = self
            .map(map)
            .with_context(|| format!("this policy has no map {map}"))?;
        if entries > map.max_entries() {
            map.set_max_entries(entries)?;
        }
        Ok(())
    }

    /// Has the kernel verify it.
    pub fn load(self) -> Result<Loaded> {
        let object = self
            .object
            .load()
            .with_context(|| format!("loading {}; the kernel log says why", self.name))?;
        Ok(Loaded {
            name: self.name,
            object,
        })
    }
}

/// The ABI that the shipped policies need.
pub fn shipped_abi() -> Result<u32> {
    let mut abi = 0;
    for policy in shipped::names() {
        abi = abi.max(Opened::new(policy)?.abi()?);
    }
    Ok(abi)
}

/// An object that is loaded.
pub struct Loaded {
    name: String,
    /// libbpf's.
    pub object: Object,
}

impl Loaded {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts an entry into its map.
    pub fn put(&self, entry: &Entry) -> Result<()> {
        let map = self
            .object
            .maps()
            .find(|map| map.name() == entry.map)
            .with_context(|| format!("{} has no map {}", self.name, entry.map))?;
        map.update(&entry.key, &entry.value, MapFlags::ANY)
            .with_context(|| format!("{}: map {}", self.name, entry.map))
    }

    /// Attaches each of its policies, as long as its link lives. If one can't be attached in the mode
    /// that it wants, none stays.
    pub fn attach(&mut self) -> Result<Vec<Link>> {
        let mut links = Vec::new();
        for mut map in self.object.maps_mut() {
            if map.map_type() != MapType::StructOps {
                continue;
            }
            let name = map.name().to_string_lossy().into_owned();
            links.push(
                map.attach_struct_ops()
                    .with_context(|| format!("attaching {name}; the kernel log says why"))?,
            );
            ensure_runs_as_wanted(&name, map.info()?.info.id)?;
        }
        ensure!(!links.is_empty(), "{} has no policy", self.name);
        Ok(links)
    }
}

/// The policy that is attached with this struct_ops map.
pub fn attached(map: u32) -> Result<Option<Attached>> {
    Ok(kernel::policies()?
        .into_iter()
        .find(|policy| policy.map == map))
}

/// An error if what is attached with this map has a lower mode than it wants.
pub fn ensure_runs_as_wanted(name: &str, map: u32) -> Result<()> {
    let policy = attached(map)?
        .with_context(|| format!("{name} is attached, but the kernel does not list it"))?;
    let Attached { wanted, mode, .. } = policy;
    let hint = match mode {
        Mode::Audit => "; --audit attaches in audit mode",
        _ => "",
    };
    ensure!(
        wanted == mode,
        "{name} is wanted in {wanted}, but runs in {mode}, the machine's mode{hint}"
    );
    Ok(())
}
