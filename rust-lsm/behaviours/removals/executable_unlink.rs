// SPDX-License-Identifier: GPL-2.0

//! The behaviour `executable_unlink`: a name of a file that is being executed, or has been, goes
//! away.
//!
//! As `file_unlink`; what was executed is known from `record.rs`, who runs it from `whose.rs`.

use super::{
    record::Executed,
    removal::Removal,
    whose::whose, //
};
use crate::{
    boundary::place::{
        Leads,
        Place, //
    },
    bpf::{
        abi::{
            self,
            ExecUnlink, //
        },
        event::{
            Behind,
            Event, //
        },
        ops::ExecutableUnlink, //
    },
    policy::dispatch::dispatch, //
};
use kernel::prelude::*;

/// Tells the policies; the answer is the removal's.
pub(crate) fn run(removal: &Removal<'_>, executed: &Executed<'_>) -> Result {
    let context = ExecUnlink {
        how: removal.how(),
        flags: removal.flags() | flags(executed),
        links_left: removal.links_left(),
        whose: whose(&executed.numbers),
        name_now: name_now(removal, executed),
        exec_age: executed.age(),
        ..Default::default()
    };
    if !executed.is_recorded() {
        // Whoever asked for this has gone; who came since is told of what began since.
        return Ok(());
    }
    let behind = Behind::new().with_place(removal.victim);

    dispatch::<ExecutableUnlink>(&Event::new(behind, context))
}

fn flags(executed: &Executed<'_>) -> u32 {
    let mut flags = 0;
    if executed.is_written_since() {
        flags |= abi::KRSI_WRITTEN_SINCE;
    }
    if executed.seeded {
        flags |= abi::KRSI_SEEDED;
    }
    flags
}

/// Where the name by which it was executed will lead when this removal is done.
fn name_now(removal: &Removal<'_>, executed: &Executed<'_>) -> u32 {
    let (place, name) = (&executed.place, executed.name());
    let is_named = |place: Place<'_>| place.is_named(name) || place.real().is_named(name);

    if removal.given_up.is_some_and(is_named) {
        return abi::KRSI_NAME_GONE;
    }
    if place.is_named(name) {
        return match removal.given_up {
            None => abi::KRSI_NAME_GONE,
            Some(_) => abi::KRSI_NAME_OTHER,
        };
    }
    match place.leads(name) {
        Leads::Unknown => abi::KRSI_NAME_UNKNOWN,
        Leads::Same => abi::KRSI_NAME_SAME,
        Leads::Other => abi::KRSI_NAME_OTHER,
        Leads::Nowhere => abi::KRSI_NAME_GONE,
    }
}
