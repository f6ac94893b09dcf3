// SPDX-License-Identifier: GPL-2.0

//! The behaviour `process_exec`: a file is about to be executed.
//!
//! Once for the file that was asked for and once for each interpreter that a script or
//! binfmt_misc names. Process context, the exec's `cred_guard_mutex` is held; may sleep.

use crate::{
    boundary::{
        bprm::Bprm,
        file,
        mounts::Sight,
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
    let behind = Behind::new()
        .with_place(Place::of(bprm.file()))
        .with_exec(bprm);
    let context = Exec {
        depth: exec_state::next_round(bprm),
        flags: flags(bprm) | torn(&behind),
        argc: bprm.argc(),
        envc: bprm.envc(),
        strings_len: bprm.strings_len() as u64,
        ..Default::default()
    };

    dispatch::<ProcessExec>(&Event::new(behind, context))
}

/// Whether the strings are others than those that were counted. It takes their pages and a walk, so
/// nobody learns it while no policy reads them. Without the pages it is not known, which dispatch
/// counts as an error of each policy that reads.
fn torn(behind: &Behind<'_>) -> u32 {
    if !lists::calls(Op::ProcessExec, Group::Exec) || behind.prepare_args().is_err() {
        return 0;
    }
    match behind.args() {
        Ok(args) if args.is_torn() => abi::KRSI_EXEC_TORN,
        _ => 0,
    }
}

fn flags(bprm: &Bprm) -> u32 {
    let file = bprm.file();
    let sight = Sight::of(file);
    let facts = [
        (abi::KRSI_EXEC_UNLINKED, file::is_unlinked(file)),
        (abi::KRSI_EXEC_MEMFD, file::is_memfd(file)),
        (abi::KRSI_EXEC_WRITABLE, file::is_writable(file)),
        (
            abi::KRSI_EXEC_OVERLAY_UPPER,
            Place::of(file).is_overlay_upper(),
        ),
        (abi::KRSI_EXEC_CHECK, bprm.is_check()),
        (abi::KRSI_EXEC_PRIVILEGED, file::is_privileged(file)),
        (abi::KRSI_EXEC_DETACHED, sight == Sight::Nowhere),
        (abi::KRSI_EXEC_ELSEWHERE, sight == Sight::Elsewhere),
        (abi::KRSI_EXEC_SCRIPT, !bprm.is_check() && bprm.is_script()),
    ];
    facts
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(0, |flags, (flag, _)| flags | flag)
}
