// SPDX-License-Identifier: GPL-2.0-or-later

//! What is in a policy's map against what the configuration wants there, and how the one becomes the
//! other while the policy is attached: what is new is put first, and what is no longer wanted goes
//! last.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use libbpf_rs::{MapCore, MapFlags, MapHandle};

use crate::{
    entry::Entry,
    key, slots,
    variables::{self, VARIABLE_SIZE, VARIABLES, Variables},
};

/// Something to be written: a value, or None where the key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Write {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

/// The way from what is in a map to what is wanted there.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// What comes, in words.
    pub added: Vec<String>,
    /// What goes, in words.
    pub removed: Vec<String>,
    first: Vec<Write>,
    last: Vec<Write>,
    /// How many entries are in the map now.
    now: usize,
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
        self.first.is_empty() && self.last.is_empty()
    }

    /// A hash map, of which only the keys count.
    fn of_set(name: &str, now: &BTreeSet<Vec<u8>>, wanted: &[&Entry]) -> Self {
        let mut difference = Self {
            now: now.len(),
            ..Self::default()
        };
        let wanted: BTreeMap<_, _> = wanted.iter().map(|entry| (&entry.key, *entry)).collect();
        for (key, entry) in &wanted {
            if !now.contains(*key) {
                difference.added.push(words(name, entry));
                difference.first.push(Write {
                    key: entry.key.clone(),
                    value: Some(entry.value.clone()),
                });
            }
        }
        for key in now {
            if !wanted.contains_key(key) {
                difference.removed.push(key::words(name, key, &[]));
                difference.last.push(Write {
                    key: key.clone(),
                    value: None,
                });
            }
        }
        difference
    }

    /// An array, of which what is not said is 0.
    fn of_cells(name: &str, now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let mut difference = Self::default();
        for (key, value) in now {
            let entry = wanted.iter().find(|entry| entry.key == *key);
            let to = entry.map_or(vec![0; value.len()], |entry| entry.value.clone());
            if to == *value {
                continue;
            }
            match entry {
                Some(entry) => difference.added.push(words(name, entry)),
                None => difference.removed.push(key::words(name, key, value)),
            }
            difference.first.push(Write {
                key: key.clone(),
                value: Some(to),
            });
        }
        difference
    }

    /// An array whose elements are slots.
    fn of_elements(name: &str, now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let list: Vec<_> = now
            .values()
            .take_while(|value| value.iter().any(|byte| *byte != 0))
            .cloned()
            .collect();
        let size = now.values().next().map_or(0, Vec::len);
        let wanted: Vec<_> = wanted.iter().map(|entry| entry.value.clone()).collect();
        let mut difference = Self::default();
        for step in slots::steps(&list, &wanted) {
            difference.first.push(Write {
                key: (step.slot as u32).to_ne_bytes().to_vec(),
                value: Some(step.value.unwrap_or(vec![0; size])),
            });
        }
        let say = |value: &&Vec<u8>| key::words(name, &[], value);
        let added = wanted.iter().filter(|value| !list.contains(value));
        let removed = list.iter().filter(|value| !wanted.contains(value));
        difference.added = added.map(|value| say(&value)).collect();
        difference.removed = removed.map(|value| say(&value)).collect();
        difference
    }

    /// The variables of env_audit: slots in the one element, and what is told of a value.
    fn of_variables(now: &BTreeMap<Vec<u8>, Vec<u8>>, wanted: &[&Entry]) -> Self {
        let mut difference = Self::default();
        let Some(entry) = wanted.first() else {
            return difference;
        };
        let mut value = now
            .get(&entry.key)
            .cloned()
            .unwrap_or(vec![0; entry.value.len()]);
        let say = |(name, denies): &(String, bool)| match denies {
            true => name.clone(),
            false => format!("{name}, only told"),
        };
        let [is, will] = [&value, &entry.value].map(|value| variables::names(value));
        let missing = |of: &[(String, bool)], other: &[(String, bool)]| {
            of.iter()
                .filter(|name| !other.contains(name))
                .map(say)
                .collect()
        };
        difference.added = missing(&will, &is);
        difference.removed = missing(&is, &will);

        let [list, to] = [&value, &entry.value].map(|value| {
            let slots = value.chunks_exact(VARIABLE_SIZE).take(VARIABLES);
            slots
                .take_while(|slot| slot[0] != 0)
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        });
        let mut values = Vec::new();
        for step in slots::steps(&list, &to) {
            let slot = &mut value[step.slot * VARIABLE_SIZE..][..VARIABLE_SIZE];
            slot.copy_from_slice(&step.value.unwrap_or(vec![0; VARIABLE_SIZE]));
            values.push(value.clone());
        }
        let told = VARIABLES * VARIABLE_SIZE;
        if value[told..] != entry.value[told..] {
            value[told..].copy_from_slice(&entry.value[told..]);
            difference.added.push("what is told of values".to_owned());
            values.push(value);
        }
        difference.first = values
            .into_iter()
            .map(|value| Write {
                key: entry.key.clone(),
                value: Some(value),
            })
            .collect();
        difference
    }

    /// Whether the map has room for what comes before anything goes.
    pub fn fits(&self, map: &MapHandle) -> bool {
        !map.map_type().is_hash_map() || self.now + self.first.len() <= map.max_entries() as usize
    }

    /// Puts what comes.
    pub fn put_first(&self, name: &str, map: &MapHandle) -> Result<()> {
        write(map, &self.first).with_context(|| format!("map {name}"))
    }

    /// Takes what goes.
    pub fn take_last(&self, name: &str, map: &MapHandle) -> Result<()> {
        write(map, &self.last).with_context(|| format!("map {name}"))
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

fn write(map: &MapHandle, writes: &[Write]) -> Result<()> {
    for Write { key, value } in writes {
        match value {
            Some(value) => map.update(key, value, MapFlags::ANY)?,
            None => match map.delete(key) {
                Err(e) if e.kind() == libbpf_rs::ErrorKind::NotFound => (),
                result => result?,
            },
        }
    }
    Ok(())
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
        assert_eq!(difference.first[0].key, [3]);
        assert_eq!(difference.last[0].value, None);
    }

    #[test]
    fn a_cell_that_nobody_says_is_0() {
        let now = BTreeMap::from([(vec![0, 0, 0, 0], vec![1, 0, 0, 0])]);
        let difference = Difference::of_cells("learning", &now, &[]);
        assert_eq!(difference.removed, ["learning"]);
        assert_eq!(difference.first[0].value, Some(vec![0; 4]));
        let learn = Entry::learn_modules();
        assert!(Difference::of_cells("learning", &now, &[&learn]).is_empty());
    }

    #[test]
    fn variables_change_one_at_a_time() {
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
        assert_eq!(difference.first.len(), 2);
        let now = BTreeMap::from([(vec![0; 4], difference.first[1].value.clone().unwrap())]);
        assert!(Difference::of_variables(&now, &[&wanted]).is_empty());
    }
}
