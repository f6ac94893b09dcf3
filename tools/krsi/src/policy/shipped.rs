// SPDX-License-Identifier: GPL-2.0-or-later

//! The policies inside the binary, which `build.rs` compiles.

/// Name and object of each.
static POLICIES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/policies.in"));

/// The object of a shipped policy.
pub fn object(name: &str) -> Option<&'static [u8]> {
    POLICIES
        .iter()
        .find(|(of, _)| *of == name)
        .map(|(_, object)| *object)
}

/// The names of all, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|(name, _)| *name)
}
