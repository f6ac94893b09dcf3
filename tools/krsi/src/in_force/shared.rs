// SPDX-License-Identifier: GPL-2.0-or-later

//! The buffers and counts that all applied policies share. They outlive each policy; where they are to
//! be of another kind or size, new ones take their places, and every policy is updated.

use std::{
    fs, io,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{
    MapCore, MapHandle, MapType, OpenMap, libbpf_sys::bpf_map_create_opts, num_possible_cpus,
};

use crate::{
    config::Events,
    events::buffers::{Kind, OVERWRITE},
    in_force::{contents, pins},
    machine::sys,
    policy::object::Opened,
};

/// All of them, in the order of [`pins::SHARED`].
pub struct Shared {
    maps: Vec<Map>,
}

struct Map {
    name: &'static str,
    map: MapHandle,
    /// Whether it was made now.
    is_new: bool,
    /// The one in whose place that comes.
    old: Option<MapHandle>,
}

/// The id of each that is pinned and is for this object and configuration as it should be; 0 for
/// others.
pub fn ids(object: &Opened, events: &Events) -> Result<Vec<u32>> {
    let id = |name| match find(object, name, events)? {
        Some(map) => Ok(map.info()?.info.id),
        None => Ok(0),
    };
    pins::SHARED.into_iter().map(id).collect()
}

impl Shared {
    /// Those that are pinned; what is missing, or is not as it should be, is made, and pinned beside
    /// its place.
    pub fn find_or_make(object: &Opened, events: &Events) -> Result<Self> {
        let mut maps = Vec::new();
        for name in pins::SHARED {
            let found = find(object, name, events)?;
            let is_new = found.is_none();
            let map = match found {
                Some(map) => map,
                None => {
                    let map = make(object, name, events)?;
                    pin(name, &map)?;
                    map
                }
            };
            let old = pins::open(&pins::shared(name))?;
            maps.push(Map {
                name,
                map,
                is_new,
                old,
            });
        }
        Ok(Self { maps })
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&MapHandle> {
        let found = self.maps.iter().find(|map| map.name == name);
        found.map(|map| &map.map)
    }

    /// Their ids.
    pub fn ids(&self) -> Result<Vec<u32>> {
        let id = |map: &Map| Ok(map.map.info()?.info.id);
        self.maps.iter().map(id).collect()
    }

    /// Puts the new ones into their places.
    pub fn put_in_place(&self) -> Result<()> {
        self.new_ones().try_for_each(|map| put(map.name))
    }

    /// Has the old ones in their places, wherever that failed.
    pub fn take_back(&self) -> Result<()> {
        for map in self.new_ones() {
            remove(&new(map.name))?;
            match &map.old {
                Some(old) => {
                    pin(map.name, old)?;
                    put(map.name)?;
                }
                None => remove(&pins::shared(map.name))?,
            }
        }
        Ok(())
    }

    fn new_ones(&self) -> impl Iterator<Item = &Map> {
        self.maps.iter().filter(|map| map.is_new)
    }
}

/// What was made by who was killed is put in its place if policies report there, or removed.
pub fn recover(is_used: bool) -> Result<()> {
    for name in pins::SHARED {
        match is_used && pins::exists(&new(name))? {
            true => put(name)?,
            false => remove(&new(name))?,
        }
    }
    Ok(())
}

/// The pin of one that is not in its place.
fn new(name: &str) -> PathBuf {
    pins::shared(&format!("{name}{}", pins::NEW))
}

fn pin(name: &str, map: &MapHandle) -> Result<()> {
    let new = new(name);
    sys::pin(map.as_fd(), &new).with_context(|| format!("pinning {}", new.display()))
}

fn put(name: &str) -> Result<()> {
    fs::rename(new(name), pins::shared(name)).with_context(|| format!("pinning {name}"))
}

fn remove(pin: &Path) -> Result<()> {
    match fs::remove_file(pin) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.with_context(|| pin.display().to_string()),
    }
}

fn of<'a>(object: &'a Opened, name: &str) -> Result<OpenMap<'a>> {
    object
        .maps()
        .find(|map| map.name() == name)
        .with_context(|| format!("{} has no map {name}", object.name()))
}

/// How much it holds.
fn room(map: &OpenMap<'_>, events: &Events) -> Result<u32> {
    Ok(match map.map_type() {
        MapType::RingBuf if map.name() == "reports" => events.buffer_bytes,
        MapType::PerfEventArray => num_possible_cpus()?.try_into()?,
        _ => map.max_entries(),
    })
}

fn flags(map: &OpenMap<'_>, events: &Events) -> u32 {
    match (map.map_type(), events.buffer) {
        (MapType::RingBuf, Kind::Perf) => map.map_flags() | OVERWRITE,
        _ => map.map_flags(),
    }
}

/// The pinned one, if it is as it should be.
fn find(object: &Opened, name: &str, events: &Events) -> Result<Option<MapHandle>> {
    let wanted = of(object, name)?;
    let Some(map) = pins::open(&pins::shared(name))? else {
        return Ok(None);
    };
    let is_as_wanted = map.map_type() == wanted.map_type()
        && map.max_entries() == room(&wanted, events)?
        && map.value_size() == wanted.value_size()
        && map.info()?.info.map_flags == flags(&wanted, events);
    Ok(is_as_wanted.then_some(map))
}

/// A new one; counts go on where the old one's end.
fn make(object: &Opened, name: &str, events: &Events) -> Result<MapHandle> {
    let wanted = of(object, name)?;
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as _,
        map_flags: flags(&wanted, events),
        ..Default::default()
    };
    let map = MapHandle::create(
        wanted.map_type(),
        Some(name),
        wanted.key_size(),
        wanted.value_size(),
        room(&wanted, events)?,
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
