// SPDX-License-Identifier: GPL-2.0

//! Which environment variables programs ask for.
//!
//! An exec's strings are counted before a policy runs. The same pass keeps where those variables
//! are that programs have asked for before, so that they need no pass of their own: a policy asks
//! for the same few each time. What is kept of a name is which of some bits stand for its
//! beginning. Names may share bits, so what was found by them must be looked at; and a name that
//! nobody has asked for lately is looked for when it is.

use crate::boundary::once::read_once;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
};

/// The beginnings of names, each as a bit of the lower and a bit of the upper half.
#[derive(Clone, Copy)]
pub(crate) struct Beginnings(u64);

impl Beginnings {
    /// That of each name.
    const ALL: Self = Self(u64::MAX);

    /// Of no name.
    pub(crate) const NONE: Self = Self(0);

    /// That of a name with its '='; with fewer than four bytes each may be.
    pub(crate) fn of(name: &[u8]) -> Self {
        name.first_chunk().map_or(Self::ALL, |first| {
            Self(1 << lower(*first) | 1 << upper(*first))
        })
    }

    /// Whether all beginnings are among them.
    pub(crate) fn are_all(self) -> bool {
        self.0 == Self::ALL.0
    }

    /// Whether none of them may be this one.
    #[inline(always)]
    pub(crate) fn exclude(self, first: [u8; 4]) -> bool {
        self.0 >> lower(first) & 1 == 0
    }

    /// Whether one of them may be this one: the same with less doubt.
    pub(crate) fn has(self, first: [u8; 4]) -> bool {
        !self.exclude(first) && self.0 >> upper(first) & 1 != 0
    }

    /// Whether all those are among them.
    pub(crate) fn has_all(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }

    fn count(self) -> u32 {
        (self.0 as u32).count_ones()
    }
}

/// Multiplied by it, the highest bits depend on all others.
const GOLDEN: u32 = 0x9e37_79b1;

#[inline(always)]
fn lower(first: [u8; 4]) -> u32 {
    u32::from_le_bytes(first).wrapping_mul(GOLDEN) >> 27
}

fn upper(first: [u8; 4]) -> u32 {
    32 + (u32::from_le_bytes(first).wrapping_mul(GOLDEN) >> 22 & 31)
}

/// More are not kept, or nearly each string would begin like one of them.
const MOST: u32 = 8;

/// The beginnings of the names that were asked for.
pub(crate) struct Asked(Atomic<u64>);

impl Asked {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Those that are known now.
    pub(crate) fn beginnings(&self) -> Beginnings {
        Beginnings(read_once(&self.0))
    }

    /// Notes that such a name was asked for. Who notes another at the same time may win: that one
    /// is asked for again.
    pub(crate) fn note(&self, beginning: Beginnings) {
        if beginning.are_all() {
            return;
        }
        let known = self.beginnings();
        let kept = if known.count() < MOST { known.0 } else { 0 };
        self.0.store(kept | beginning.0, Relaxed);
    }
}

/// Those of all programs.
pub(crate) static ASKED: Asked = Asked::new();

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_asked)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_known() {
        let asked = Asked::new();
        let preload = Beginnings::of(b"LD_PRELOAD=");
        assert!(!asked.beginnings().has_all(preload));
        asked.note(preload);
        asked.note(Beginnings::of(b"PATH="));
        assert!(asked.beginnings().has_all(preload));
        assert!(asked.beginnings().has(*b"LD_P"));
        assert!(!asked.beginnings().exclude(*b"PATH"));
    }

    #[test]
    fn a_short_name_may_begin_each_string() {
        let asked = Asked::new();
        let short = Beginnings::of(b"AB=");
        assert!(short.are_all());
        assert!(short.has(*b"AB=x"));
        asked.note(short);
        assert!(!asked.beginnings().has_all(short));
    }

    #[test]
    fn no_more_than_a_few_are_kept() {
        let asked = Asked::new();
        for letter in b'A'..=b'Z' {
            let name = Beginnings::of(&[letter; 5]);
            asked.note(name);
            assert!(asked.beginnings().has_all(name));
            assert!(asked.beginnings().count() <= MOST);
        }
    }
}
