// SPDX-License-Identifier: GPL-2.0

//! The behaviour `process_executed`: the new program's credentials are in force.
//!
//! Once for each exec that has passed the point of no return. It can't be denied, and the
//! argument readers are not for it: the exec's memory is the process's own by now. Process
//! context; may sleep.

use crate::{
    boundary::{
        bprm::Bprm,
        cred::Ids,
        place::Place, //
    },
    bpf::{
        abi::{
            Executed,
            HEADER, //
        },
        event::{
            About,
            Event,
            Subject, //
        },
        ops::{
            Op,
            ProcessExecuted, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};

/// Tells the policies.
pub(crate) fn run(bprm: &Bprm) {
    if !lists::is_wanted(Op::ProcessExecuted) {
        return;
    }
    let ids = Ids::current();
    let context = Executed {
        uid: ids.uid,
        gid: ids.gid,
        euid: ids.euid,
        egid: ids.egid,
        suid: ids.suid,
        sgid: ids.sgid,
        secure: bprm.is_secure().into(),
        reserved: 0,
        event: HEADER,
    };
    let subject = Subject::Place(Place::of(bprm.file()));

    // An op that can't deny answers Ok: its programs return nothing.
    let _ = dispatch::<ProcessExecuted>(&Event::new(subject, About::Nothing, context));
}
