// SPDX-License-Identifier: GPL-2.0

//! The behaviour `executable_unlink`: a name of a file that is being executed, or has been, goes
//! away.
//!
//! As `file_unlink`; what was executed is known from `record.rs`, who runs it from `whose.rs`.

use super::{
    record::Executed,
    removal::Removal, //
};
use crate::{
    boundary::name::Leads,
    bpf::{
        abi::{
            self,
            ExecUnlink,
            HEADER, //
        },
        ops::{
            ExecutableUnlink,
            Op, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::prelude::*;

/// Tells the policies; the answer is the removal's.
#[inline(never)]
pub(crate) fn run(removal: &Removal<'_>, executed: &Executed<'_>) -> Result {
    let context = ExecUnlink {
        how: removal.how(),
        flags: removal.flags() | flags(executed),
        links_left: removal.links_left(),
        whose: executed.whose,
        name_now: name_now(removal, executed),
        exec_age: executed.age(),
        reserved: 0,
        event: HEADER,
    };
    if !executed.is_recorded() || !lists::is_wanted(Op::ExecutableUnlink) {
        // Whoever asked for this has gone; who came since is told of what began since.
        return Ok(());
    }
    dispatch::<ExecutableUnlink>(&removal.event(context))
}

fn flags(executed: &Executed<'_>) -> u32 {
    let mut flags = 0;
    if executed.is_written_since() {
        flags |= abi::KRSI_WRITTEN_SINCE;
    }
    if executed.is_seeded() {
        flags |= abi::KRSI_SEEDED;
    }
    flags
}

/// Where the name by which it was executed will lead when this removal is done.
fn name_now(removal: &Removal<'_>, executed: &Executed<'_>) -> u32 {
    let (name, place) = (&executed.started.name, &executed.place);
    let given_up = removal
        .given_up
        .map(|old| if place.is_overlay() { old } else { old.real() });

    if given_up.is_some_and(|old| name.leads(&old) == Leads::Here) {
        return abi::KRSI_NAME_GONE;
    }
    match (name.leads(place), given_up) {
        (Leads::Here, None) | (Leads::Nowhere, _) => abi::KRSI_NAME_GONE,
        (Leads::Here, Some(_)) | (Leads::Other, _) => abi::KRSI_NAME_OTHER,
        (Leads::Same, _) => abi::KRSI_NAME_SAME,
        (Leads::Unknown, _) => abi::KRSI_NAME_UNKNOWN,
    }
}
