// SPDX-License-Identifier: GPL-2.0

//! The behaviour `process_exec`: a file is about to be executed.
//!
//! Once for the file that was asked for and once for each interpreter that a script or
//! binfmt_misc names. Process context, the exec's `cred_guard_mutex` is held; may sleep.

use super::removals::record;
use crate::{
    boundary::{
        bprm::Bprm,
        contents::Contents,
        file,
        mounts::{
            self,
            Sight, //
        },
        name::Leads,
        place::Place, //
    },
    bpf::{
        abi::{
            self,
            Exec, //
        },
        event::{
            Behind,
            Event, //
        },
        kfunc::Group,
        ops::{
            Op,
            ProcessExec, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    },
    state::exec_state, //
};
use kernel::prelude::*;

/// Tells the policies; the answer is the exec's.
pub(crate) fn run(bprm: &Bprm) -> Result {
    if !lists::is_wanted(Op::ProcessExec) {
        return Ok(());
    }
    let place = Place::of(bprm.file());
    let name_now = name_now(&place);
    let links = place.links();
    let behind = Behind::new()
        .with_place(place)
        .with_contents(Contents::of(bprm.file()))
        .with_exec(bprm);
    // A FUSE server may count no names where there is one.
    let is_unlinked = links == 0 && name_now != abi::KRSI_NAME_SAME;
    let context = Exec {
        depth: exec_state::next_round(bprm),
        flags: flags(bprm, &place, is_unlinked),
        argc: bprm.argc(),
        envc: bprm.envc(),
        strings_len: bprm.strings_len() as u64,
        links,
        name_now,
        ..Default::default()
    };

    let mut event = Event::new(behind, context);
    event.public_mut().flags |= torn(event.behind());
    dispatch::<ProcessExec>(&event)
}

/// Whether the strings are others than those that were counted. It takes their pages and a walk, so
/// nobody learns it while no policy reads them. Without the pages it is not known, which dispatch
/// counts as an error of each policy that reads.
fn torn(behind: &Behind<'_>) -> u32 {
    if !lists::calls(Op::ProcessExec, Group::Exec) {
        return 0;
    }
    behind.prepare(Group::Exec);
    match behind.args() {
        Ok(args) if args.is_torn() => abi::KRSI_EXEC_TORN,
        _ => 0,
    }
}

/// Where the name leads by which the file was opened; if nowhere, that by which it was executed
/// last, for the whole directory may have been replaced. Only what has lost its name is asked for.
fn name_now(place: &Place<'_>) -> u32 {
    let mut leads = place.leads();
    if leads == Leads::Nowhere {
        if let Some(executed) = record::find(*place) {
            leads = executed.name().leads_now(&executed.place);
        }
    }
    match leads {
        Leads::Unknown => abi::KRSI_NAME_UNKNOWN,
        Leads::Here | Leads::Same => abi::KRSI_NAME_SAME,
        Leads::Other => abi::KRSI_NAME_OTHER,
        Leads::Nowhere => abi::KRSI_NAME_GONE,
    }
}

fn flags(bprm: &Bprm, place: &Place<'_>, is_unlinked: bool) -> u32 {
    let file = bprm.file();
    let sight = Sight::of(file);
    let facts = [
        (abi::KRSI_EXEC_UNLINKED, is_unlinked),
        (abi::KRSI_EXEC_MEMFD, file::is_memfd(file)),
        (abi::KRSI_EXEC_WRITABLE, file::is_writable(file)),
        (abi::KRSI_EXEC_OVERLAY_UPPER, place.is_overlay_upper()),
        (abi::KRSI_EXEC_CHECK, bprm.is_check()),
        (abi::KRSI_EXEC_PRIVILEGED, file::is_privileged(file)),
        (abi::KRSI_EXEC_DETACHED, sight == Sight::Nowhere),
        (abi::KRSI_EXEC_ELSEWHERE, sight == Sight::Elsewhere),
        (abi::KRSI_EXEC_MOUNT_ROOT, place.is_mount_root()),
        (abi::KRSI_EXEC_USER_MOUNT, mounts::is_in_a_users(file)),
        (abi::KRSI_EXEC_SCRIPT, !bprm.is_check() && bprm.is_script()),
    ];
    facts
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(0, |flags, (flag, _)| flags | flag)
}
