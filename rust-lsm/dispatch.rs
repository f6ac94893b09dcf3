// SPDX-License-Identifier: GPL-2.0

//! Runs every attached policy on an event.

use crate::{
    boundary::{
        event::Event,
        ops::{
            Op,
            OpType, //
        }, //
    },
    mode::{
        self,
        Mode, //
    },
    policy::Attachment,
    registry,
    verdict::judge, //
};
use kernel::prelude::*;

/// Whether a policy would run now: else the behaviour need not gather its facts.
pub(crate) fn is_wanted(op: Op) -> bool {
    mode::current() != Mode::Off && !registry::list(op).is_empty()
}

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
    let reader = registry::list(O::OP).read();
    let mut answer = Ok(());
    for attachment in reader.iter() {
        answer = answer.and(run::<O>(attachment, event, mode));
    }
    answer
}

/// Runs one policy and counts what it did; `Err` is a denial to enforce.
fn run<O: OpType>(attachment: &Attachment, event: &Event<'_, O::Context>, mode: Mode) -> Result {
    let behind = event.behind();
    let prepared = if attachment.reads_strings(O::OP) {
        behind.prepare()
    } else {
        Ok(())
    };

    behind.take_failure();
    let Some(returned) = attachment.ops().run::<O>(event.context()) else {
        return Ok(());
    };
    let failed = behind.take_failure() || prepared.is_err();
    let fail_closed = attachment.fails_closed() && O::OP.spec().can_deny;
    let judgement = judge(returned, failed, fail_closed);

    let enforced = attachment.effective(mode) == Mode::Enforce;
    attachment.policy().counts().note(&judgement, enforced);
    match judgement.denial {
        Some(errno) if enforced => Err(errno),
        _ => Ok(()),
    }
}
