// SPDX-License-Identifier: GPL-2.0-or-later

//! The buffers and counts that all applied policies share. They outlive each policy; where this
//! version has them in another size, new ones take their places, and every policy is updated.

use std::{fs, os::fd::AsFd};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapHandle, OpenMap, libbpf_sys::bpf_map_create_opts};

use crate::{contents, object::Opened, pins, sys};

/// All of them, in the order of [`pins::SHARED`].
pub struct Shared {
    maps: Vec<(&'static str, MapHandle, bool)>,
}

/// The id of each that is pinned and as this object has it; 0 for others.
pub fn ids(object: &Opened) -> Result<Vec<u32>> {
    let id = |name| match find(object, name)? {
        Some(map) => Ok(map.info()?.info.id),
        None => Ok(0),
    };
    pins::SHARED.into_iter().map(id).collect()
}

impl Shared {
    /// Those that are pinned; what is missing, or is not as this object has it, is made.
    pub fn find_or_make(object: &Opened) -> Result<Self> {
        let mut maps = Vec::new();
        for name in pins::SHARED {
            let (map, is_new) = match find(object, name)? {
                Some(map) => (map, false),
                None => (make(object, name)?, true),
            };
            maps.push((name, map, is_new));
        }
        Ok(Self { maps })
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&MapHandle> {
        let found = self.maps.iter().find(|(other, ..)| *other == name);
        found.map(|(_, map, _)| map)
    }

    /// Their ids.
    pub fn ids(&self) -> Result<Vec<u32>> {
        let id = |(_, map, _): &(_, MapHandle, _)| Ok(map.info()?.info.id);
        self.maps.iter().map(id).collect()
    }

    /// Puts the new ones into their places.
    pub fn pin(&self) -> Result<()> {
        for (name, map, _) in self.maps.iter().filter(|(.., is_new)| *is_new) {
            let new = pins::shared(&format!("{name}{}", pins::NEW));
            sys::pin(map.as_fd(), &new).with_context(|| format!("pinning {}", new.display()))?;
            fs::rename(&new, pins::shared(name)).with_context(|| format!("pinning {name}"))?;
        }
        Ok(())
    }
}

fn of<'a>(object: &'a Opened, name: &str) -> Result<OpenMap<'a>> {
    object
        .maps()
        .find(|map| map.name() == name)
        .with_context(|| format!("{} has no map {name}", object.name()))
}

/// The pinned one, if it is as the object has it.
fn find(object: &Opened, name: &str) -> Result<Option<MapHandle>> {
    let wanted = of(object, name)?;
    let map = pins::open(&pins::shared(name))?;
    Ok(map.filter(|map| {
        map.map_type() == wanted.map_type()
            && map.max_entries() == wanted.max_entries()
            && map.value_size() == wanted.value_size()
    }))
}

/// A new one; counts go on where the old one's end.
fn make(object: &Opened, name: &str) -> Result<MapHandle> {
    let wanted = of(object, name)?;
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as _,
        map_flags: wanted.map_flags(),
        ..Default::default()
    };
    let map = MapHandle::create(
        wanted.map_type(),
        Some(name),
        wanted.key_size(),
        wanted.value_size(),
        wanted.max_entries(),
        &options,
    )
    .with_context(|| format!("making the map {name}"))?;
    let old = pins::open(&pins::shared(name))?;
    if let Some(old) = old.filter(|_| name == "lost") {
        ensure!(
            old.key_size() == map.key_size() && old.value_size() == map.value_size(),
            "the map lost of another version can't be read: krsi detach --all first"
        );
        for (key, value) in contents::read(&old)? {
            // A count that this version has no more is dropped.
            let _ = map.update(&key, &value, libbpf_rs::MapFlags::ANY);
        }
    }
    Ok(map)
}
