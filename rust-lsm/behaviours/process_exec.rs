// SPDX-License-Identifier: GPL-2.0

//! The behaviour `process_exec`: a file is about to be executed.
//!
//! Once for the file that was asked for and once for each interpreter that a script or
//! binfmt_misc names. Process context, the exec's `cred_guard_mutex` is held; may sleep.

use super::removals::record;
use crate::{
    boundary::{
        bprm::Bprm,
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
            Exec,
            HEADER, //
        },
        event::{
            Behind,
            Event,
            ExecFacts, //
        },
        kfunc::{
            Group,
            Needs, //
        },
        ops::{
            Op,
            ProcessExec, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::prelude::*;

/// Tells the policies; the answer is the exec's.
pub(crate) fn run(bprm: &Bprm) -> Result {
    if !lists::is_wanted(Op::ProcessExec) {
        return Ok(());
    }
    let place = Place::of(bprm.file());
    let facts = Facts { bprm, place };
    let links = place.links();
    let behind = Behind::new()
        .with_place(place)
        .with_contents(bprm.file(), None)
        .with_exec(bprm, &facts);
    let context = Exec {
        depth: bprm.depth(),
        flags: facts.at_hand(links),
        argc: bprm.argc(),
        envc: bprm.envc(),
        strings_len: bprm.strings_len() as u64,
        links,
        reserved: 0,
        event: HEADER,
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
    behind.prepare(Needs::of(Group::Exec));
    match behind.args() {
        Ok(args) if args.is_torn() => abi::KRSI_EXEC_TORN,
        _ => 0,
    }
}

/// What is known of an exec's file.
struct Facts<'a> {
    bprm: &'a Bprm,
    place: Place<'a>,
}

impl Facts<'_> {
    /// The flags that take no lookup.
    fn at_hand(&self, links: u32) -> u32 {
        // A FUSE server may count no names where there is one.
        let is_unlinked = links == 0 && self.name_now() != abi::KRSI_NAME_SAME;
        let is_check = self.bprm.is_check();
        let is_script = !is_check && self.bprm.is_script();
        flag(abi::KRSI_EXEC_UNLINKED, is_unlinked)
            | flag(abi::KRSI_EXEC_MEMFD, file::is_memfd(self.bprm.file()))
            | flag(abi::KRSI_EXEC_CHECK, is_check)
            | flag(abi::KRSI_EXEC_SCRIPT, is_script)
    }
}

fn flag(flag: u32, holds: bool) -> u32 {
    if holds {
        flag
    } else {
        0
    }
}

impl ExecFacts for Facts<'_> {
    fn among(&self, wanted: u32) -> u32 {
        const SIGHT: u32 = abi::KRSI_EXEC_DETACHED | abi::KRSI_EXEC_ELSEWHERE;

        let file = self.bprm.file();
        let sight = match wanted & SIGHT {
            0 => 0,
            _ => match Sight::of(file) {
                Sight::Seen => 0,
                Sight::Elsewhere => abi::KRSI_EXEC_ELSEWHERE,
                Sight::Nowhere => abi::KRSI_EXEC_DETACHED,
            },
        };
        let if_wanted =
            |fact, holds: fn(&Self) -> bool| flag(fact, wanted & fact != 0 && holds(self));
        wanted & sight
            | if_wanted(abi::KRSI_EXEC_WRITABLE, |this| {
                file::is_writable(this.bprm.file())
            })
            | if_wanted(abi::KRSI_EXEC_OVERLAY_UPPER, |this| {
                this.place.is_overlay_upper()
            })
            | if_wanted(abi::KRSI_EXEC_MOUNT_ROOT, |this| this.place.is_mount_root())
            | if_wanted(abi::KRSI_EXEC_USER_MOUNT, |this| {
                mounts::is_in_a_users(this.bprm.file())
            })
    }

    fn is_privileged(&self) -> bool {
        file::is_privileged(self.bprm.file())
    }

    /// If nowhere, that by which it was executed last, for the whole directory may have been
    /// replaced. Only what has lost its name is asked for.
    fn name_now(&self) -> u32 {
        let mut leads = self.place.leads();
        if leads == Leads::Nowhere {
            if let Some(executed) = record::find(self.place) {
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
}
