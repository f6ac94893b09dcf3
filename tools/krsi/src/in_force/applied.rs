// SPDX-License-Identifier: GPL-2.0-or-later

//! What is applied: a policy's directory of pins, and what the kernel says of its link. What is put
//! into one of its maps is in force at once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, query::LinkTypeInfo};

use crate::{
    in_force::{
        pins,
        state::{STATE, State},
    },
    machine::kernel::{self, Attached},
    policy::{entry::Entry, module_list},
};

/// A policy that is applied.
pub struct Applied {
    /// Its name.
    pub policy: String,
    /// Its pinned link.
    pub link: Link,
    /// What the kernel says of it.
    pub kernel: Attached,
    /// What it was made of, if that is known.
    pub state: Option<State>,
}

impl Applied {
    /// That of a name; None if its link is not there, or was detached.
    pub fn find_in(policy: &str, attached: &[Attached]) -> Result<Option<Self>> {
        let dir = pins::policy(policy);
        let Some((link, map)) = link_in(&dir)? else {
            return Ok(None);
        };
        let Some(kernel) = attached.iter().find(|policy| policy.map == map) else {
            return Ok(None);
        };
        let state = pins::open(&dir.join(STATE))?.and_then(|map| {
            let bytes = map.lookup(&[0; 4], MapFlags::ANY).ok()??;
            State::from_bytes(&bytes)
        });
        Ok(Some(Self {
            policy: policy.to_owned(),
            link,
            kernel: kernel.clone(),
            state,
        }))
    }

    /// Finds a policy; an error that says what to do if it is not applied.
    pub fn open(name: &str) -> Result<Self> {
        Self::find(name)?.with_context(|| not_applied(name))
    }

    /// Finds the policies of these that are applied, of which there must be one.
    pub fn any_of(names: &[&str]) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for name in names {
            found.extend(Self::find(name)?);
        }
        match found.is_empty() {
            true => bail!(not_applied(&names.join(" or "))),
            false => Ok(found),
        }
    }

    /// Finds a policy if it is applied.
    pub fn find(name: &str) -> Result<Option<Self>> {
        Self::find_in(name, &kernel::policies()?)
    }

    /// The directory of its pins.
    pub fn dir(&self) -> PathBuf {
        pins::policy(&self.policy)
    }

    /// The path of one of its pins.
    pub fn path(&self, pin: &str) -> PathBuf {
        pins::map(&self.policy, pin)
    }

    /// One of its maps.
    pub fn map(&self, map: &str) -> Result<MapHandle> {
        let path = self.path(map);
        MapHandle::from_pinned_path(&path).with_context(|| format!("opening {}", path.display()))
    }

    /// The keys of a hash map.
    pub fn keys(&self, map: &str) -> Result<Vec<Vec<u8>>> {
        Ok(self.map(map)?.keys().collect())
    }

    /// Puts an entry into its map.
    pub fn put(&self, entry: &Entry) -> Result<()> {
        self.map(entry.map)?
            .update(&entry.key, &entry.value, MapFlags::ANY)
            .with_context(|| {
                format!(
                    "{}: map {}: is it full? `krsi apply` makes room for what the configuration names",
                    self.policy, entry.map
                )
            })
    }

    /// Whether an entry with this key is there.
    pub fn has(&self, entry: &Entry) -> Result<bool> {
        let value = self.map(entry.map)?.lookup(&entry.key, MapFlags::ANY);
        Ok(value
            .with_context(|| format!("{}: map {}", self.policy, entry.map))?
            .is_some())
    }

    /// Removes the entry with this key; false if there is none.
    pub fn remove(&self, entry: &Entry) -> Result<bool> {
        if !self.has(entry)? {
            return Ok(false);
        }
        self.map(entry.map)?
            .delete(&entry.key)
            .with_context(|| format!("{}: map {}", self.policy, entry.map))?;
        Ok(true)
    }

    /// All of them.
    pub fn all() -> Result<Vec<Self>> {
        let attached = kernel::policies()?;
        let mut all = Vec::new();
        for policy in pins::policies()? {
            all.extend(Self::find_in(&policy, &attached)?);
        }
        Ok(all)
    }
}

fn not_applied(names: &str) -> String {
    format!("{names} is not applied: say so in the configuration, and run `krsi apply`")
}

/// The link that is pinned in a directory, and the id of its struct_ops map.
pub fn link_in(dir: &Path) -> Result<Option<(Link, u32)>> {
    let path = dir.join(pins::LINK);
    if !pins::exists(&path)? {
        return Ok(None);
    }
    let link = Link::open(&path).with_context(|| path.display().to_string())?;
    let info = link.info().with_context(|| path.display().to_string())?;
    Ok(match info.info {
        LinkTypeInfo::StructOps(ops) => Some((link, ops.map_id)),
        _ => None,
    })
}

/// The map that a policy has in use under a name, if it is pinned.
pub fn map(policy: &str, name: &str) -> Result<Option<MapHandle>> {
    // Which list of modules is in use says `lists`, in which it is replaced at once.
    if name == "allowed" {
        return module_list::find(&pins::policy(policy));
    }
    pins::open(&pins::map(policy, name))
}

/// Removes a directory with all pins in it; it may be gone.
pub fn remove(dir: &Path) -> Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    // First the link, so that what is left by who is killed here is attached to nothing.
    let removed = gone(fs::remove_file(dir.join(pins::LINK)))
        .and_then(|()| match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
            Ok(mut pins) => pins.try_for_each(|pin| gone(fs::remove_file(pin?.path()))),
        })
        .and_then(|()| gone(fs::remove_dir(dir)));
    removed.with_context(|| format!("removing {}", dir.display()))
}
