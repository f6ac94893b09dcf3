// SPDX-License-Identifier: GPL-2.0-or-later

//! A policy that is made ready beside the one in force: loaded, filled, pinned below another name
//! and attached by a link that ends with this process. Until it is put in place, dropping it leaves
//! all as it was.
//!
//! The directory `POLICY-new` has all pins that `POLICY` is to have. The new link is pinned there,
//! or in an update the link that is kept; then two steps, each of which is whole or not done, put it in
//! force: the kernel's (the pin of the link, or the update of the link) and the exchange of the
//! directories. Who is killed between them leaves a `POLICY-new` whose link runs its `ops`, which is
//! put in place by [`recover`]; any other `POLICY-new` is removed by it.

use std::{fs, os::fd::AsFd};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, MapType, libbpf_sys::bpf_map_create_opts};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{
    applied::{self, Applied, STATE, State, link_in},
    contents,
    object::{Loaded, Opened},
    pins,
    plan::{Action, Change, can_stay, entries},
    shared::Shared,
    sys,
};

/// See above.
pub struct Staged<'a> {
    change: &'a Change,
    loaded: Loaded,
    /// The one that ends with this process, when it is attached.
    link: Option<Link>,
    /// Maps in use, each with its name, of which the new policy has new ones.
    carried: Vec<(String, MapHandle)>,
}

impl<'a> Staged<'a> {
    /// Makes one ready but for its link, which takes a while. In force is still the old one.
    pub fn new(change: &'a Change, shared: &Shared) -> Result<Self> {
        let wanted = &change.wanted;
        let state = State::new(wanted.policy, wanted.mode, shared.ids()?)?;
        let mut object = Opened::new(wanted.policy)?;
        if wanted.mode < crate::kernel::Mode::Enforce {
            object.ask_for_audit()?;
        }
        let carried = adopt(&mut object, change, shared, &state)?;
        let loaded = object.load()?;
        for governed in change.maps.iter().filter(|map| map.map.is_none()) {
            let map = find(&loaded, governed.name)?;
            contents::fill(governed.name, &map, &entries(wanted, governed.name))?;
        }
        for (name, old) in &carried {
            contents::carry_over(name, old, &find(&loaded, name)?)?;
        }
        pin(wanted.policy, &loaded, &state)?;
        Ok(Self {
            change,
            loaded,
            link: None,
            carried,
        })
    }

    /// Attaches it, in an update beside the old one: what happens until that is in its place is told
    /// twice.
    pub fn attach(&mut self) -> Result<()> {
        let policy = self.change.wanted.policy;
        let mut links = self.loaded.attach().context(policy)?;
        self.link = links.pop();
        ensure!(links.is_empty(), "{policy} has several policies");
        Ok(())
    }

    /// Puts it in force and in its place.
    pub fn put_in_place(self) -> Result<()> {
        let policy = self.change.wanted.policy;
        let mut own = self
            .link
            .with_context(|| format!("{policy} is not attached"))?;
        let new = new_dir(policy).join(pins::LINK);
        match (&self.change.action, &self.change.applied) {
            (Action::Update(_), Some(Applied { link, .. })) => {
                sys::pin(link.as_fd(), &new).with_context(|| new.display().to_string())?;
                let ops = self.loaded.object.maps();
                let ops = ops.filter(|map| map.map_type() == MapType::StructOps);
                for ops in ops {
                    sys::update_link(link.as_fd(), ops.as_fd()).with_context(|| {
                        format!("updating the link of {policy}; the kernel log says why")
                    })?;
                }
                drop(own);
            }
            _ => own.pin(&new).context("pinning the link")?,
        }
        switch(policy)?;
        // What the old programs have put there meanwhile.
        for (name, old) in &self.carried {
            contents::carry_over(name, old, &find(&self.loaded, name)?)?;
        }
        Ok(())
    }
}

fn new_dir(policy: &str) -> std::path::PathBuf {
    pins::policy(&format!("{policy}{}", pins::NEW))
}

/// A map of a loaded object.
fn find(loaded: &Loaded, name: &str) -> Result<MapHandle> {
    let map = loaded.object.maps().find(|map| map.name() == name);
    let map = map.with_context(|| format!("{} has no map {name}", loaded.name()))?;
    Ok(MapHandle::try_from(&map)?)
}

/// Gives an object that is not loaded yet the maps that are in use. Those are returned that it can't
/// have, and whose contents it must.
fn adopt(
    object: &mut Opened,
    change: &Change,
    shared: &Shared,
    state: &State,
) -> Result<Vec<(String, MapHandle)>> {
    let policy = change.wanted.policy;
    let applied = change.applied.as_ref().and_then(|was| was.state.as_ref());
    let is_same = applied.is_some_and(|was| was.has_object_of(state));
    let names: Vec<_> = object
        .maps()
        .filter(|map| applied::is_adopted(map.map_type()) || map.map_type() == MapType::RingBuf)
        .map(|map| map.name().to_string_lossy().into_owned())
        .collect();
    let mut carried = Vec::new();
    for name in names {
        let governed = change.maps.iter().find(|map| map.name == name);
        if let Some(map) = shared.get(&name) {
            reuse(object, &name, map)?;
        } else if let Some(governed) = governed {
            match &governed.map {
                Some(map) => reuse(object, &name, map)?,
                None => {
                    let entries = entries(&change.wanted, &name).len();
                    let map = object.map(&name).context(name.clone())?;
                    if map.map_type().is_hash_map() {
                        object.make_room(&name, entries.try_into()?)?;
                    }
                }
            }
        } else if !name.contains(".rodata") {
            let Some(map) = applied::map(policy, &name)? else {
                continue;
            };
            // What a program's variables are, only the same program knows.
            let is_hash = map.map_type().is_hash_map();
            if can_stay(object, &name, &map, 0) && (is_hash || is_same) {
                reuse(object, &name, &map)?;
            } else if is_hash {
                carried.push((name, map));
            }
        }
    }
    Ok(carried)
}

fn reuse(object: &mut Opened, name: &str, map: &MapHandle) -> Result<()> {
    let mut own = object.map(name).context(name.to_owned())?;
    own.reuse_fd(map.as_fd())
        .with_context(|| format!("adopting the map {name}"))
}

/// Pins all but the link.
fn pin(policy: &str, loaded: &Loaded, state: &State) -> Result<()> {
    let dir = new_dir(policy);
    applied::remove(&dir)?;
    fs::create_dir(&dir).with_context(|| dir.display().to_string())?;
    let pin = |map: std::os::fd::BorrowedFd<'_>, name: &str| {
        let path = dir.join(name);
        sys::pin(map, &path).with_context(|| format!("pinning {}", path.display()))
    };
    for map in loaded.object.maps() {
        let name = map.name().to_string_lossy();
        match map.map_type() {
            MapType::StructOps => pin(map.as_fd(), pins::OPS)?,
            MapType::Hash | MapType::Array | MapType::ArrayOfMaps
                if !name.contains(".rodata") && !pins::SHARED.contains(&&*name) =>
            {
                pin(map.as_fd(), &pins::file_name(&name))?;
            }
            _ => (),
        }
    }
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as _,
        ..Default::default()
    };
    let map = MapHandle::create(MapType::Array, Some(STATE), 4, State::SIZE, 1, &options)?;
    map.update(&[0; 4], &state.to_bytes(), MapFlags::ANY)?;
    pin(map.as_fd(), STATE)
}

/// Puts `POLICY-new` in the place of `POLICY`.
fn switch(policy: &str) -> Result<()> {
    let (new, place) = (new_dir(policy), pins::policy(policy));
    if !pins::exists(&place)? {
        return fs::rename(&new, &place).with_context(|| place.display().to_string());
    }
    renameat_with(CWD, &new, CWD, &place, RenameFlags::EXCHANGE)
        .with_context(|| format!("exchanging {} and {}", new.display(), place.display()))?;
    applied::remove(&new)
}

/// Finishes what somebody began who was killed, or takes it back. Needs the lock.
pub fn recover() -> Result<()> {
    for policy in pins::unfinished()? {
        let dir = new_dir(&policy);
        let ops = match pins::open(&dir.join(pins::OPS))? {
            Some(map) => Some(map.info()?.info.id),
            None => None,
        };
        match link_in(&dir)? {
            Some((_, map)) if Some(map) == ops => switch(&policy)?,
            _ => applied::remove(&dir)?,
        }
    }
    for name in pins::SHARED {
        let new = pins::shared(&format!("{name}{}", pins::NEW));
        if pins::exists(&new)? {
            fs::remove_file(&new).with_context(|| new.display().to_string())?;
        }
    }
    Ok(())
}
