// SPDX-License-Identifier: GPL-2.0

//! Runs every attached policy on an event.
//!
//! What a program needs is prepared before, once for all. One that needs nothing more is run
//! directly, in a section that it shares with the others; what is left to do for another, or that it
//! may sleep, interrupts the section.

use super::{
    attachment::Attachment,
    lists,
    mode::{
        self,
        Mode, //
    },
    records,
    verdict::judge, //
};
use crate::bpf::{
    event::Event,
    kfunc::{
        Group,
        Needs, //
    },
    ops::OpType,
    struct_ops::RunContext, //
};
use kernel::prelude::*;

/// Runs the policies that have this op, in the order of their attachment. All run, also after a
/// denial; the first denial is the answer.
///
/// Holds an SRCU read section meanwhile: a policy's programs and maps stay, though it may be
/// detached.
pub(crate) fn dispatch<O: OpType>(event: &Event<'_, O::Context>) -> Result {
    let mode = mode::current();
    if mode == Mode::Off {
        return Ok(());
    }
    // It may take long, so nobody is held up by it who waits for the readers of the list.
    let ready = match lists::needs(O::OP).beyond(Needs::NONE) {
        needs if needs.are_none() => needs,
        needs => event.behind().prepare(needs),
    };
    let behind = event.behind();
    let reader = lists::of(O::OP).read();
    let mut room = RunContext::new();
    let mut section = room.enter();
    let mut answer = Ok(());
    for attachment in reader.iter() {
        let missing = attachment.needs(O::OP).beyond(ready);
        behind.begin_run();
        let returned = if missing.are_none() {
            attachment.ops().run::<O>(event, &section)
        } else {
            section.pause(|| run_apart::<O>(attachment, event, missing))
        };
        attachment.policy().counts().runs.increase();
        if returned != Ok(0) || behind.has_failed() {
            let own = section.pause(|| conclude::<O>(attachment, event, returned, mode));
            answer = answer.and(own);
        }
    }
    answer
}

/// Runs a program that may sleep, was attached meanwhile, wants all flags, or has no arguments to
/// read.
fn run_apart<O: OpType>(
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    missing: Needs,
) -> Result<c_int> {
    event.behind().prepare(missing);
    let call = || attachment.ops().call::<O>(event);
    let returned = if missing.have_all_flags() {
        let flags = event.behind().asked_flags().unwrap_or(0);
        event.with_flags::<O, _>(flags, call)
    } else {
        call()
    };
    if missing.has(Group::Exec) && event.behind().lacks_args() {
        event.behind().note_failure();
    }
    returned
}

/// Judges and counts what a policy did but to allow; `Err` is a denial to enforce.
#[inline(never)]
fn conclude<O: OpType>(
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    returned: Result<c_int>,
    mode: Mode,
) -> Result {
    let fail_closed = attachment.fails_closed() && O::OP.spec().can_deny;
    let judgement = judge(returned, event.behind().has_failed(), fail_closed);

    let enforced = attachment.effective(mode) == Mode::Enforce;
    attachment.policy().counts().note(&judgement, enforced);
    if judgement.denial.is_some() {
        records::denial::<O>(attachment, event, &judgement, enforced);
    }
    match judgement.denial {
        Some(errno) if enforced => Err(errno),
        _ => Ok(()),
    }
}
