// SPDX-License-Identifier: GPL-2.0-or-later

//! Which environment variables env_audit looks for: `struct krsi_variables` of policies/preload.h.

use anyhow::{Result, ensure};

use crate::{config::Told, policy::entry::Entry};

/// `KRSI_VARIABLES`.
pub const VARIABLES: usize = 8;
/// `KRSI_VARIABLE_SIZE`.
const NAME_SIZE: usize = 32;
/// Size of struct krsi_variable.
pub const VARIABLE_SIZE: usize = NAME_SIZE + 4;

/// `KRSI_VARIABLE_*`.
const DENIES: u32 = 1 << 0;
const COLONS: u32 = 1 << 1;
const SPACES: u32 = 1 << 2;
const ALLOWED: u32 = 1 << 3;

/// How the variables' values are read that are known; those of others are one word.
const KNOWN: [(&str, u32); 4] = [
    ("LD_PRELOAD", COLONS | SPACES | ALLOWED),
    ("LD_AUDIT", COLONS),
    ("LD_LIBRARY_PATH", COLONS),
    ("GLIBC_TUNABLES", COLONS),
];

/// The variables that are looked for.
pub struct Variables {
    names: Vec<String>,
    bytes: Vec<u8>,
    told: Told,
}

impl Variables {
    /// The map that holds them.
    pub const MAP: &str = ".data.variables";

    /// None yet.
    pub fn new(told: Told) -> Self {
        Self {
            names: Vec::new(),
            bytes: Vec::new(),
            told,
        }
    }

    /// One that is denied in enforce mode, or only told.
    pub fn add(&mut self, name: &str, denies: bool) -> Result<()> {
        ensure!(
            !name.is_empty()
                && !name.contains(|c: char| c == '=' || c == '\0' || c.is_whitespace()),
            "{name:?} is no name of a variable"
        );
        ensure!(name.len() < NAME_SIZE, "{name} is too long");
        ensure!(!self.has(name), "{name} is there twice");
        ensure!(
            self.names.len() < VARIABLES,
            "there is room for {VARIABLES} variables"
        );
        let known = KNOWN.iter().find(|(other, _)| *other == name);
        let flags = known.map_or(0, |(_, flags)| *flags) | if denies { DENIES } else { 0 };
        self.bytes.extend(name.as_bytes());
        self.bytes
            .resize(self.names.len() * VARIABLE_SIZE + NAME_SIZE, 0);
        self.bytes.extend(flags.to_ne_bytes());
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Whether one of this name is looked for.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// Those that have the loader run what they name.
    pub fn add_defaults(&mut self) {
        for name in ["LD_PRELOAD", "LD_AUDIT"] {
            self.add(name, true)
                .expect("there is room for the defaults, which come first");
        }
    }

    /// What their map holds.
    pub fn entry(mut self) -> Entry {
        self.bytes.resize(VARIABLES * VARIABLE_SIZE, 0);
        self.bytes.extend((self.told as u32).to_ne_bytes());
        Entry {
            map: Self::MAP,
            key: 0u32.to_ne_bytes().to_vec(),
            value: self.bytes,
        }
    }
}

/// The names of a `struct krsi_variable`s' array, each with whether it denies.
pub fn names(value: &[u8]) -> Vec<(String, bool)> {
    value
        .chunks_exact(VARIABLE_SIZE)
        .take(VARIABLES)
        .take_while(|variable| variable[0] != 0)
        .map(|variable| {
            let (name, flags) = variable.split_at(NAME_SIZE);
            let name = crate::text::before_nul(name);
            (
                String::from_utf8_lossy(name).into_owned(),
                flags[0] & DENIES as u8 != 0,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_object() {
        let mut variables = Variables::new(Told::Whole);
        variables.add_defaults();
        let value = variables.entry().value;
        assert_eq!(value.len(), VARIABLES * VARIABLE_SIZE + 4);
        assert_eq!(
            names(&value),
            [
                ("LD_PRELOAD".to_owned(), true),
                ("LD_AUDIT".to_owned(), true)
            ]
        );
        assert_eq!(value[32], 15);
        assert_eq!(value[VARIABLE_SIZE + 32], 3);
    }

    #[test]
    fn what_is_told_is_numbered_as_in_the_header() {
        assert_eq!(
            Variables::new(Told::Hash).entry().value.last_chunk(),
            Some(&[3, 0, 0, 0])
        );
    }
}
