// SPDX-License-Identifier: GPL-2.0-or-later

//! What is in a policy's map against what the configuration wants there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapFlags, MapHandle};

use crate::policy::{
    entry::Entry,
    key,
    variables::{self, VARIABLE_SIZE, VARIABLES, Variables},
};

/// How what is in a map differs from what is wanted there, in words.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// What comes.
    pub added: Vec<String>,
    /// What goes.
    pub removed: Vec<String>,
}

impl Difference {
    /// Between what is in the map of this name and these entries, all of which are of it.
    pub fn new(name: &str, map: &MapHandle, wanted: &[&Entry]) -> Result<Self> {
        if map.map_type().is_hash_map() {
            return Ok(Self::of_set(name, &map.keys().collect(), wanted));
        }
        let now = read(map).with_context(|| format!("map {name}"))?;
        Ok(match name {
            "exempt_dir" => Self::of_elements(name, &now, wanted),
            Variables::MAP => Self::of_variables(&now, wanted),
            _ => Self::of_cells(name, &now, wanted),
        })
    }

    /// Of a map that is not there: what comes into it.
    pub fn from_nothing(name: &str, wanted: &[&Entry]) -> Self {
        if name == Variables::MAP {
            return Self::of_variables(&BTreeMap::new(), wanted);
        }
        Self {
            added: wanted.iter().map(|entry| words(name, entry)).collect(),
            ..Self::default()
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// A hash map, of which only the keys count.
    fn of_set(name: &str, now: &BTreeSet<Vec<u8>>, wanted: &[&Entry]) -> Self {
        let wanted: BTreeMap<_, _> = wanted.iter().map(|entry| (&entry.key, *entry)).collect();
        let added = wanted.iter().filter(|(key, _)| !now.contains(**key));
        let removed = now.iter().filter(|key| !wanted.contains_key(key));
        Self {
            added: added.map(|(_, entry)| words(name, entry)).collect(),
            removed: removed.map(|key| key::words(name, key, &[])).collect(),
        }
    }

    /// An array, of which what is not said is 0.
    fn of_cells(name: &str, now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let mut difference = Self::default();
        for (key, value) in now {
            match wanted.iter().find(|entry| entry.key == *key) {
                Some(entry) if entry.value != *value => difference.added.push(words(name, entry)),
                None if value.iter().any(|byte| *byte != 0) => {
                    difference.removed.push(key::words(name, key, value));
                }
                _ => (),
            }
        }
        difference
    }

    /// An array whose elements are a list that the first empty one ends.
    fn of_elements(name: &str, now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let list: Vec<_> = now
            .values()
            .take_while(|value| value.iter().any(|byte| *byte != 0))
            .collect();
        let wanted: Vec<_> = wanted.iter().map(|entry| &entry.value).collect();
        let missing = |of: &[&Vec<u8>], other: &[&Vec<u8>]| {
            let missing = of.iter().filter(|value| !other.contains(value));
            missing.map(|value| key::words(name, &[], value)).collect()
        };
        Self {
            added: missing(&wanted, &list),
            removed: missing(&list, &wanted),
        }
    }

    /// The variables of env_audit: a list in the one element, and what is told of a value.
    fn of_variables(now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let Some(entry) = wanted.first() else {
            return Self::default();
        };
        let nothing = vec![0; entry.value.len()];
        let value = now.get(&entry.key).unwrap_or(&nothing);
        let slots = |value: &[u8]| {
            let slots = value.chunks_exact(VARIABLE_SIZE).take(VARIABLES);
            let slots = slots.take_while(|slot| slot[0] != 0);
            slots.map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let say = |slot: &Vec<u8>| {
            let names = variables::names(slot).into_iter();
            let name = names.map(|(name, denies)| match denies {
                true => name,
                false => format!("{name}, only told"),
            });
            name.collect::<String>()
        };
        let [is, will] = [value, &entry.value].map(|value| slots(value));
        let missing = |of: &[Vec<u8>], other: &[Vec<u8>]| {
            let missing = of.iter().filter(|slot| !other.contains(slot));
            missing.map(say).collect::<Vec<_>>()
        };
        let mut added = missing(&will, &is);
        let told = VARIABLES * VARIABLE_SIZE;
        if value.get(told..) != entry.value.get(told..) {
            added.push("what is told of values".to_owned());
        }
        Self {
            added,
            removed: missing(&is, &will),
        }
    }
}

fn words(name: &str, entry: &Entry) -> String {
    key::words(name, &entry.key, &entry.value)
}

/// All that is in a map.
pub fn read(map: &MapHandle) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for key in map.keys() {
        if let Some(value) = map.lookup(&key, MapFlags::ANY)? {
            all.insert(key, value);
        }
    }
    Ok(all)
}

/// Puts all that a map which nobody uses yet is to hold.
pub fn fill(name: &str, map: &MapHandle, wanted: &[&Entry]) -> Result<()> {
    let distinct: BTreeSet<_> = wanted.iter().map(|entry| &entry.key).collect();
    ensure!(
        distinct.len() <= map.max_entries() as usize,
        "map {name} has room for {} entries, not for {}",
        map.max_entries(),
        distinct.len()
    );
    for entry in wanted {
        map.update(&entry.key, &entry.value, MapFlags::ANY)
            .with_context(|| format!("map {name}"))?;
    }
    Ok(())
}

/// Copies what the other has and this has not: what a policy has learned. Values may have grown at
/// their end.
pub fn carry_over(name: &str, from: &MapHandle, to: &MapHandle) -> Result<()> {
    let is_same = from.map_type() == to.map_type() && from.key_size() == to.key_size();
    ensure!(
        is_same,
        "what is in map {name} can't be carried over to this version: detach the policy first"
    );
    for (key, mut value) in read(from)? {
        value.resize(to.value_size() as usize, 0);
        match to.update(&key, &value, MapFlags::NO_EXIST) {
            Err(e) if e.kind() == libbpf_rs::ErrorKind::AlreadyExists => (),
            result => result.with_context(|| format!("map {name}"))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Told;

    fn entry(map: &'static str, key: &[u8], value: &[u8]) -> Entry {
        Entry {
            map,
            key: key.to_vec(),
            value: value.to_vec(),
        }
    }

    #[test]
    fn of_a_set_only_the_keys_count() {
        let now = BTreeSet::from([vec![1], vec![2]]);
        let [stays, comes] = [1, 3].map(|key| entry("allowed", &[key], &[1]));
        let difference = Difference::of_set("allowed", &now, &[&stays, &comes]);
        assert_eq!(difference.added, ["03"]);
        assert_eq!(difference.removed, ["02"]);
    }

    #[test]
    fn a_cell_that_nobody_says_is_0() {
        let now = BTreeMap::from([(vec![0, 0, 0, 0], vec![1, 0, 0, 0])]);
        let difference = Difference::of_cells("learning", &now, &[]);
        assert_eq!(difference.removed, ["learning"]);
        let learn = Entry::learn_modules();
        assert!(Difference::of_cells("learning", &now, &[&learn]).is_empty());
    }

    #[test]
    fn of_elements_the_order_does_not_count() {
        let now = [(0, 1), (1, 2), (2, 0)].map(|(key, value)| (vec![key], vec![value]));
        let now = BTreeMap::from(now);
        let [one, two, three] = [1, 2, 3].map(|value| entry("x", &[9], &[value]));
        assert!(Difference::of_elements("x", &now, &[&two, &one]).is_empty());
        let difference = Difference::of_elements("x", &now, &[&three, &one]);
        assert_eq!(difference.added.len(), 1);
        assert_eq!(difference.removed.len(), 1);
    }

    #[test]
    fn variables_differ_by_name_and_by_what_is_done() {
        let mut is = Variables::new(Told::Whole);
        is.add_defaults();
        let now = BTreeMap::from([(vec![0; 4], is.entry().value)]);
        let mut will = Variables::new(Told::Hash);
        will.add("LD_AUDIT", true).unwrap();
        will.add("LD_DEBUG_OUTPUT", false).unwrap();
        let wanted = will.entry();
        let difference = Difference::of_variables(&now, &[&wanted]);
        assert_eq!(difference.removed, ["LD_PRELOAD"]);
        assert_eq!(
            difference.added,
            ["LD_DEBUG_OUTPUT, only told", "what is told of values"]
        );
        let now = BTreeMap::from([(vec![0; 4], wanted.value.clone())]);
        assert!(Difference::of_variables(&now, &[&wanted]).is_empty());
    }
}
