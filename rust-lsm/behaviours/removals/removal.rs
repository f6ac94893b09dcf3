// SPDX-License-Identifier: GPL-2.0

//! A name that goes away: what `removals.rs` knows of it and the two behaviours tell.

use crate::{
    boundary::place::Place,
    bpf::{
        abi,
        event::{
            About,
            Event,
            Subject, //
        }, //
    },
    state::removal_notes as notes, //
};
use kernel::prelude::*;

/// A name that goes away, if nobody denies it.
pub(crate) struct Removal<'a> {
    /// The name.
    pub(crate) victim: Place<'a>,
    /// The name that its new file gives up for it, in a rename.
    pub(crate) given_up: Option<Place<'a>>,
    /// Its path, as the path hook noted it.
    pub(crate) path: Result<&'a [u8]>,
    /// Whether the task tried before, and a lease was in the way.
    pub(crate) is_retry: bool,
}

impl<'a> Removal<'a> {
    /// What the hook knows of it; `leased` says whether a lease is in its way, `path` is what the path
    /// hook noted. Notes the attempt.
    #[inline(always)]
    pub(crate) fn new(
        victim: Place<'a>,
        given_up: Option<Place<'a>>,
        leased: bool,
        path: &'a Result<KVec<u8>>,
    ) -> Self {
        Self {
            victim,
            given_up,
            path: path.as_deref().map_err(|e| *e),
            is_retry: notes::is_retry(victim, leased),
        }
    }

    /// `KRSI_UNLINK_UNLINK` or `KRSI_UNLINK_RENAME_OVER`.
    pub(crate) fn how(&self) -> u32 {
        match self.given_up {
            None => abi::KRSI_UNLINK_UNLINK,
            Some(_) => abi::KRSI_UNLINK_RENAME_OVER,
        }
    }

    /// The event with this context.
    #[inline(always)]
    pub(crate) fn event<C>(&self, context: C) -> Event<'a, C> {
        Event::new(
            Subject::Place(self.victim),
            About::Removal(self.path),
            context,
        )
    }

    /// How many names the file will have.
    pub(crate) fn links_left(&self) -> u32 {
        self.victim.inode().links().saturating_sub(1)
    }

    /// `KRSI_UNLINK_RETRY` if it is one.
    pub(crate) fn flags(&self) -> u32 {
        if self.is_retry {
            abi::KRSI_UNLINK_RETRY
        } else {
            0
        }
    }
}
