// SPDX-License-Identifier: GPL-2.0-or-later

//! A policy that is made ready beside the one in force: loaded, filled, pinned below another name
//! and attached by a link that ends with this process. Until it is put in place, dropping it leaves
//! all as it was.
//!
//! The directory `POLICY-new` has all pins that `POLICY` is to have. Two steps, each of which is
//! whole or not done, put it in force: the kernel's (the update of the link that is kept, which is
//! pinned there, too, or the pin of the new link) and the exchange of the directories. Who is killed
//! between them leaves a `POLICY-new` whose link runs its `ops`, which is put in place by [`recover`];
//! any other `POLICY-new` is removed by it. Both steps can be taken back, for when that of another
//! policy fails.

use std::{fs, os::fd::AsFd, path::Path};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, MapType, libbpf_sys::bpf_map_create_opts};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{
    events::buffers::Kind,
    in_force::{
        applied::{self, link_in},
        contents, pins,
        plan::{Action, Change, can_stay, entries},
        shared::{self, Shared},
        state::{STATE, State},
    },
    machine::sys,
    policy::object::{Loaded, Opened, ensure_runs_as_wanted},
};

/// See above.
pub struct Staged<'a> {
    change: &'a Change,
    loaded: Loaded,
    /// The one that ends with this process, when it is attached.
    link: Option<Link>,
    /// Maps in use, each with its name, of which the new policy has new ones.
    carried: Vec<(String, MapHandle)>,
    /// The struct_ops map that the kept link has now.
    old: Option<MapHandle>,
    is_updated: bool,
    place: Place,
}

/// Which directory is in the place of the policy's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The old one, or none.
    Old,
    /// The new one, where none was.
    New,
    /// The new one; the old one has its name.
    Exchanged,
}

impl<'a> Staged<'a> {
    /// Makes one ready but for its link, which takes a while. In force is still the old one.
    pub fn new(change: &'a Change, shared: &Shared, buffer: Kind) -> Result<Self> {
        let wanted = &change.wanted;
        let state = State::new(wanted.policy, wanted.mode, shared.ids()?)?;
        let mut object = Opened::new(wanted.policy)?;
        if wanted.mode < crate::machine::kernel::Mode::Enforce {
            object.ask_for_audit()?;
        }
        if buffer == Kind::Perf {
            object.report_by_perf()?;
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
            old: pins::open(&pins::policy(wanted.policy).join(pins::OPS))?,
            is_updated: false,
            place: Place::Old,
        })
    }

    /// Attaches it. What a kept link is to get is attached beside the old one for a moment alone, as
    /// libbpf fills a struct_ops map only to attach it: in it, what either denies is denied, and told.
    pub fn attach(&mut self) -> Result<()> {
        let policy = self.change.wanted.policy;
        let mut links = self.loaded.attach().context(policy)?;
        let link = links.pop().filter(|_| self.kept_link().is_none());
        ensure!(links.is_empty(), "{policy} has several policies");
        self.link = link;
        Ok(())
    }

    /// The kernel's step of an update: the link that is kept gets the new programs and maps.
    pub fn update(&mut self) -> Result<()> {
        let policy = self.change.wanted.policy;
        let ops = self.ops()?;
        if let Some(link) = self.kept_link() {
            let new = new_dir(policy).join(pins::LINK);
            sys::pin(link.as_fd(), &new).with_context(|| new.display().to_string())?;
            sys::update_link(link.as_fd(), ops.as_fd()).with_context(|| {
                format!("updating the link of {policy}; the kernel log says why")
            })?;
            self.is_updated = true;
        }
        // Somebody may have lowered the machine's mode meanwhile.
        ensure_runs_as_wanted(policy, ops.info()?.info.id)?;
        // What the old programs have put there meanwhile.
        for (name, old) in &self.carried {
            contents::carry_over(name, old, &find(&self.loaded, name)?)?;
        }
        Ok(())
    }

    /// Puts it in its place; a new link stays from now on.
    pub fn put_in_place(&mut self) -> Result<()> {
        let policy = self.change.wanted.policy;
        if let Some(link) = &mut self.link {
            let new = new_dir(policy).join(pins::LINK);
            link.pin(&new).context("pinning the link")?;
        }
        self.place = switch(policy)?;
        Ok(())
    }

    /// Removes what was in its place.
    pub fn clean_up(self) -> Result<()> {
        applied::remove(&new_dir(self.change.wanted.policy))
    }

    /// Has all be as it was, wherever a step has failed.
    pub fn take_back(mut self) -> Result<()> {
        let policy = self.change.wanted.policy;
        if let (true, Some(link)) = (self.is_updated, self.kept_link()) {
            let old = self.old.as_ref();
            let old = old.with_context(|| format!("what {policy} was before is not pinned"))?;
            sys::update_link(link.as_fd(), old.as_fd())
                .with_context(|| format!("updating the link of {policy} to what it was"))?;
        }
        let (new, place) = (new_dir(policy), pins::policy(policy));
        match self.place {
            Place::Old => (),
            Place::New => fs::rename(&place, &new).with_context(|| place.display().to_string())?,
            Place::Exchanged => exchange(&new, &place)?,
        }
        self.link = None;
        applied::remove(&new)
    }

    /// The link that an update keeps.
    fn kept_link(&self) -> Option<&Link> {
        match (&self.change.action, &self.change.applied) {
            (Action::Update(_), Some(applied)) => Some(&applied.link),
            _ => None,
        }
    }

    /// Its struct_ops map.
    fn ops(&self) -> Result<MapHandle> {
        let mut maps = self.loaded.object.maps();
        let ops = maps.find(|map| map.map_type() == MapType::StructOps);
        let ops = ops.with_context(|| format!("{} has no policy", self.loaded.name()))?;
        Ok(MapHandle::try_from(&ops)?)
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
        .filter(|map| is_adopted(map.map_type()))
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
                        // Some are added later one by one.
                        object.make_room(&name, (entries + entries / 8).try_into()?)?;
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

/// Whether maps of this type can be had by another policy: the others hold nothing, or other maps.
fn is_adopted(kind: MapType) -> bool {
    use MapType::{Array, Hash, PerfEventArray, RingBuf};
    matches!(kind, Hash | Array | RingBuf | PerfEventArray)
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
fn switch(policy: &str) -> Result<Place> {
    let (new, place) = (new_dir(policy), pins::policy(policy));
    if pins::exists(&place)? {
        return exchange(&new, &place).map(|()| Place::Exchanged);
    }
    fs::rename(&new, &place).with_context(|| place.display().to_string())?;
    Ok(Place::New)
}

fn exchange(one: &Path, other: &Path) -> Result<()> {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
        .with_context(|| format!("exchanging {} and {}", one.display(), other.display()))
}

/// Finishes what somebody began who was killed, or takes it back. Needs the lock.
pub fn recover() -> Result<()> {
    let mut is_begun = false;
    for policy in pins::unfinished()? {
        let dir = new_dir(&policy);
        let ops = match pins::open(&dir.join(pins::OPS))? {
            Some(map) => Some(map.info()?.info.id),
            None => None,
        };
        if let Some((_, map)) = link_in(&dir)? {
            if Some(map) == ops {
                switch(&policy)?;
                is_begun = true;
            }
        }
        applied::remove(&dir)?;
    }
    shared::recover(is_begun)
}
