// SPDX-License-Identifier: GPL-2.0-or-later

//! The maps of an applied policy, as they are pinned. What is put into one is in force at once.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use libbpf_rs::{MapCore, MapFlags, MapHandle};

use crate::{entry::Entry, pins};

/// A policy that is applied.
pub struct Pinned {
    name: &'static str,
}

impl Pinned {
    /// Finds a policy; an error that says what to do if it is not applied.
    pub fn open(name: &'static str) -> Result<Self> {
        Self::find(name)?.with_context(|| not_applied(name))
    }

    /// Finds the policies of these that are applied, of which there must be one.
    pub fn any_of(names: &[&'static str]) -> Result<Vec<Self>> {
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
    pub fn find(name: &'static str) -> Result<Option<Self>> {
        let link = pins::policy(name).join(pins::LINK);
        let is_there = pins::exists(&link).context("looking for what is applied")?;
        Ok(is_there.then_some(Self { name }))
    }

    /// The path of one of its pins.
    pub fn path(&self, pin: &str) -> PathBuf {
        pins::map(self.name, pin)
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
            .with_context(|| format!("{}: map {}: is it full?", self.name, entry.map))
    }

    /// Whether an entry with this key is there.
    pub fn has(&self, entry: &Entry) -> Result<bool> {
        let value = self.map(entry.map)?.lookup(&entry.key, MapFlags::ANY);
        Ok(value
            .with_context(|| format!("{}: map {}", self.name, entry.map))?
            .is_some())
    }

    /// Removes the entry with this key; false if there is none.
    pub fn remove(&self, entry: &Entry) -> Result<bool> {
        if !self.has(entry)? {
            return Ok(false);
        }
        self.map(entry.map)?
            .delete(&entry.key)
            .with_context(|| format!("{}: map {}", self.name, entry.map))?;
        Ok(true)
    }
}

fn not_applied(names: &str) -> String {
    format!("{names} is not applied: say so in the configuration, and run `krsi apply`")
}
