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
            About,
            Event,
            ExecFacts,
            Subject, //
        },
        ops::ProcessExec, //
    },
    policy::dispatch::dispatch, //
};
use kernel::{
    fs::File,
    prelude::*, //
};

/// Tells the policies; the answer is the exec's.
#[inline(never)]
pub(crate) fn run(bprm: &Bprm) -> Result {
    tell::<false>(bprm)
}

/// The same of an exec that is only asked about.
#[cold]
#[inline(never)]
pub(crate) fn check(bprm: &Bprm) -> Result {
    tell::<true>(bprm)
}

#[inline(always)]
fn tell<const CHECK: bool>(bprm: &Bprm) -> Result {
    let file = bprm.file();
    let links = Place::of(file).links();
    let context = Exec {
        depth: bprm.depth(),
        flags: at_hand::<CHECK>(bprm, file, links),
        argc: bprm.argc(),
        envc: bprm.envc(),
        strings_len: bprm.strings_len() as u64,
        links,
        reserved: 0,
        event: HEADER,
    };

    dispatch::<ProcessExec>(&Event::new(Subject::File(file), About::Exec(bprm), context))
}

/// The flags that take no lookup.
#[inline(always)]
fn at_hand<const CHECK: bool>(bprm: &Bprm, file: &File, links: u32) -> u32 {
    let mut flags = 0;
    // A FUSE server may count no names where there is one.
    if links == 0 && !matches!(bprm.name_now(), Leads::Here | Leads::Same) {
        flags |= abi::KRSI_EXEC_UNLINKED;
    }
    if file::is_memfd(file) {
        flags |= abi::KRSI_EXEC_MEMFD;
    }
    if CHECK {
        flags |= abi::KRSI_EXEC_CHECK;
    } else if bprm.is_script() {
        flags |= abi::KRSI_EXEC_SCRIPT;
    }
    flags
}

fn flag(flag: u32, holds: bool) -> u32 {
    if holds {
        flag
    } else {
        0
    }
}

impl ExecFacts for Bprm {
    fn bprm(&self) -> &Bprm {
        self
    }

    fn among(&self, wanted: u32) -> u32 {
        const SIGHT: u32 = abi::KRSI_EXEC_DETACHED | abi::KRSI_EXEC_ELSEWHERE;

        let file = self.file();
        let place = Place::of(file);
        let sight = match wanted & SIGHT {
            0 => 0,
            _ => match Sight::of(file) {
                Sight::Seen => 0,
                Sight::Elsewhere => abi::KRSI_EXEC_ELSEWHERE,
                Sight::Nowhere => abi::KRSI_EXEC_DETACHED,
            },
        };
        let if_wanted = |fact, holds: &dyn Fn() -> bool| flag(fact, wanted & fact != 0 && holds());
        wanted & sight
            | if_wanted(abi::KRSI_EXEC_WRITABLE, &|| file::is_writable(file))
            | if_wanted(abi::KRSI_EXEC_OVERLAY_UPPER, &|| place.is_overlay_upper())
            | if_wanted(abi::KRSI_EXEC_MOUNT_ROOT, &|| place.is_mount_root())
            | if_wanted(abi::KRSI_EXEC_USER_MOUNT, &|| mounts::is_in_a_users(file))
    }

    fn is_privileged(&self) -> bool {
        file::is_privileged(self.file())
    }

    /// If nowhere, that by which it was executed last, for the whole directory may have been
    /// replaced. Only what has lost its name is asked for.
    fn name_now(&self) -> Leads {
        let place = Place::of(self.file());
        let mut leads = place.leads();
        if leads == Leads::Nowhere {
            if let Some(executed) = record::find(place) {
                leads = executed.name().leads_now(&executed.place);
            }
        }
        leads
    }
}
