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
    struct_ops::Section, //
};
use kernel::prelude::*;

/// Runs the policies that have this op, in the order of their attachment. All run, also after a
/// denial; the first denial is the answer. None runs while KRSI is off.
///
/// Holds an SRCU read section meanwhile: a policy's programs and maps stay, though it may be
/// detached.
#[inline(always)]
pub(crate) fn dispatch<O: OpType>(event: &Event<'_, O::Context>) -> Result {
    let behind = event.behind();
    // It may take long, so nobody is held up by it who waits for the readers of the list.
    let ready = match lists::needs(O::OP).beyond(Needs::NONE) {
        needs if needs.are_none() => needs,
        needs if needs.are_off() => return Ok(()),
        needs => event.prepare::<O>(needs),
    };
    let arguments = event.arguments();
    let section = Section::begin();
    let mut answer = Ok(());
    for listed in lists::of(O::OP).iter(section.lists()) {
        let missing = listed.needs().beyond(ready);
        let own = if missing.are_none() {
            match listed.prog().run::<O>(&arguments, &section) {
                Ok(0) if !behind.is_noted() => continue,
                returned => conclude::<O>(&section, listed.attachment(), event, returned),
            }
        } else {
            run_apart::<O>(&section, listed.attachment(), event, missing)
        };
        answer = answer.and(own);
    }
    answer
}

/// Runs a program that may sleep, was attached meanwhile, wants all flags, or has no arguments to
/// read.
#[cold]
#[inline(never)]
fn run_apart<O: OpType>(
    section: &Section,
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    missing: Needs,
) -> Result {
    let behind = event.behind();
    let returned = section.pause(|| {
        event.prepare::<O>(missing);
        let call = || attachment.ops().call::<O>(event);
        let returned = if missing.have_all_flags() {
            let flags = behind.asked_flags().unwrap_or(0);
            event.with_flags::<O, _>(flags, call)
        } else {
            call()
        };
        if missing.has(Group::Exec) && behind.lacks_args() {
            behind.note_failure();
        }
        attachment.policy().counts().runs.increase();
        returned
    });
    if returned == Ok(0) && !behind.is_noted() {
        Ok(())
    } else {
        conclude::<O>(section, attachment, event, returned)
    }
}

/// Judges and counts what a policy did but to allow, and forgets what it noted; `Err` is a denial to
/// enforce.
#[inline(never)]
fn conclude<O: OpType>(
    section: &Section,
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    returned: Result<c_int>,
) -> Result {
    let behind = event.behind();
    let fail_closed = attachment.fails_closed() && O::OP.spec().can_deny;
    let judgement = judge(returned, behind.has_failed(), fail_closed);

    let enforced = attachment.effective(mode::current()) == Mode::Enforce;
    attachment.policy().counts().note(&judgement, enforced);
    if judgement.denial.is_some() {
        section.pause(|| records::denial::<O>(attachment, event, &judgement, enforced));
    }
    behind.end_run();
    match judgement.denial {
        Some(errno) if enforced => Err(errno),
        _ => Ok(()),
    }
}
