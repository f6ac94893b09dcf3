// SPDX-License-Identifier: GPL-2.0-or-later

//! What is to be done so that what is applied is what the configuration wants. Making a plan
//! changes nothing; `install.rs` carries it out.

use std::fmt::{self, Write};

use anyhow::{Result, ensure};
use libbpf_rs::{MapCore, MapHandle};

use crate::{
    config::{Config, Events, wanted::Wanted},
    in_force::{
        applied::{self, Applied},
        contents::Difference,
        pins, shared,
        state::State,
    },
    machine::kernel::{self, Mode},
    policy::{entry::Entry, object::Opened},
};

/// How many entries of a map are named.
const NAMED: usize = 10;

/// What becomes of a policy.
pub enum Action {
    /// It is attached.
    Attach,
    /// Its link gets other programs and maps, for this reason.
    Update(String),
    /// It stays.
    Keep,
}

/// A map whose contents the configuration says.
pub struct Governed {
    /// Its name.
    pub name: &'static str,
    /// The one that is in use, if that is as it should be; else a new one is made.
    pub map: Option<MapHandle>,
    /// What is not as it should be.
    pub difference: Difference,
}

/// A policy that is wanted, and what is done for it.
pub struct Change {
    /// What is wanted.
    pub wanted: Wanted,
    /// What is done.
    pub action: Action,
    /// What becomes of the maps.
    pub maps: Vec<Governed>,
    /// What is attached now.
    pub applied: Option<Applied>,
}

/// All that is done, in this order.
pub struct Plan {
    /// Of what is wanted.
    pub changes: Vec<Change>,
    /// Directories that go, with the policies in them.
    pub detach: Vec<String>,
    /// What the buffers are to be.
    pub events: Events,
}

impl Plan {
    /// What is to be done now.
    pub fn new(config: &Config, wanted: Vec<Wanted>) -> Result<Self> {
        let abi = kernel::abi()?;
        ensure_mode(&wanted, kernel::mode()?)?;
        let attached = kernel::policies()?;
        let events = config.file.events.clone();
        let mut detach = pins::policies()?;
        let mut changes = Vec::new();
        for wanted in wanted {
            detach.retain(|policy| policy != wanted.policy);
            let mut object = Opened::new(wanted.policy)?;
            let needed = object.abi()?;
            ensure!(
                needed <= abi,
                "{} needs ABI {needed} of KRSI, and this kernel has {abi}: boot a newer kernel",
                wanted.policy
            );
            let applied = Applied::find_in(wanted.policy, &attached)?;
            let shared = shared::ids(&object, &events)?;
            changes.push(Change::new(wanted, &object, shared, applied)?);
        }
        Ok(Self {
            changes,
            detach,
            events,
        })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.detach.is_empty() && self.changes.iter().all(Change::is_empty)
    }
}

/// An error if the machine's mode keeps a policy from what it is to do.
fn ensure_mode(wanted: &[Wanted], machine: Mode) -> Result<()> {
    for Wanted { section, mode, .. } in wanted {
        ensure!(
            *mode <= machine,
            "{section}.mode is {mode}, but the machine's mode is {machine}: echo {mode} \
             >/sys/kernel/security/krsi/mode; if that is refused, krsi.mode={machine} on the \
             kernel command line is in the way"
        );
    }
    Ok(())
}

impl Change {
    /// `shared`: the ids of the maps that all policies are to share.
    fn new(
        wanted: Wanted,
        object: &Opened,
        shared: Vec<u32>,
        applied: Option<Applied>,
    ) -> Result<Self> {
        let mut maps = Vec::new();
        let mut replaced = None;
        for &name in wanted.maps {
            let entries = entries(&wanted, name);
            let map = applied::map(wanted.policy, name)?;
            let difference = match &map {
                Some(map) => Difference::new(name, map, &entries)?,
                None => Difference::from_nothing(name, &entries),
            };
            let map = map
                .filter(|map| difference.is_empty() && can_stay(object, name, map, entries.len()));
            replaced = match (replaced, &map) {
                (None, None) if !difference.is_empty() => Some("its entries change".to_owned()),
                (None, None) => Some(format!("its map {name} is replaced")),
                (replaced, _) => replaced,
            };
            maps.push(Governed {
                name,
                map,
                difference,
            });
        }
        let state = State::new(wanted.policy, wanted.mode, shared)?;
        let action = match &applied {
            None => Action::Attach,
            Some(applied) => {
                let why = match &applied.state {
                    None => Some("nobody knows what it was made of".to_owned()),
                    Some(old) => old.why_not(&state),
                };
                why.or(replaced).map_or(Action::Keep, Action::Update)
            }
        };
        Ok(Self {
            wanted,
            action,
            maps,
            applied,
        })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        matches!(self.action, Action::Keep)
    }
}

/// The entries of one map.
pub fn entries<'a>(wanted: &'a Wanted, map: &str) -> Vec<&'a Entry> {
    let of = wanted.entries.iter().filter(|entry| entry.map == map);
    of.collect()
}

/// Whether an object can use a map that is there, with so many entries.
pub fn can_stay(object: &Opened, name: &str, map: &MapHandle, entries: usize) -> bool {
    let Some(wanted) = object.maps().find(|other| other.name() == name) else {
        return false;
    };
    let has_room = match map.map_type().is_hash_map() {
        true => map.max_entries() as usize >= entries.max(wanted.max_entries() as usize),
        false => map.max_entries() == wanted.max_entries(),
    };
    let flags = map.info().map(|info| info.info.map_flags);
    has_room
        && map.map_type() == wanted.map_type()
        && map.key_size() == wanted.key_size()
        && map.value_size() == wanted.value_size()
        && flags.is_ok_and(|flags| flags == wanted.map_flags())
}

impl fmt::Display for Plan {
    /// A line for each thing that is done; none if there is nothing to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.changes.iter().filter(|change| !change.is_empty()) {
            let Wanted { policy, mode, .. } = change.wanted;
            match &change.action {
                Action::Attach => writeln!(f, "attach {policy} in {mode}")?,
                Action::Update(why) => writeln!(f, "update {policy} in place: {why}")?,
                Action::Keep => (),
            }
            for Governed {
                name, difference, ..
            } in &change.maps
            {
                f.write_str(&lines(name, "+", &difference.added, ""))?;
                let why = " (not in the configuration)";
                f.write_str(&lines(name, "-", &difference.removed, why))?;
            }
        }
        for policy in &self.detach {
            writeln!(f, "detach {policy}")?;
        }
        Ok(())
    }
}

/// A line for each entry, or one for many.
fn lines(map: &str, sign: &str, entries: &[String], why: &str) -> String {
    if entries.len() > NAMED {
        return format!("  {map}: {sign} {} entries{why}\n", entries.len());
    }
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(text, "  {map}: {sign} {entry}{why}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_mode_is_said_with_the_way_out() {
        let config = "version = 1\n[usb]\nmode = \"enforce\"\n".to_owned();
        let config = crate::config::Config::parse("x", config).unwrap();
        let wanted = crate::config::wanted::all(&config).unwrap();
        assert!(ensure_mode(&wanted, Mode::Enforce).is_ok());
        for machine in [Mode::Off, Mode::Audit] {
            let error = format!("{:#}", ensure_mode(&wanted, machine).unwrap_err());
            assert!(error.contains(&format!("krsi.mode={machine}")), "{error}");
        }
    }

    #[test]
    fn many_entries_are_one_line() {
        let few = ["a".to_owned(), "b".to_owned()];
        assert_eq!(lines("m", "+", &few, ""), "  m: + a\n  m: + b\n");
        let many = vec!["a".to_owned(); 11];
        assert_eq!(lines("m", "-", &many, "!"), "  m: - 11 entries!\n");
    }
}
