// SPDX-License-Identifier: GPL-2.0

//! Runs every attached policy on an event.

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
    kfunc::Group,
    ops::OpType, //
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
    let mut prepared = u32::MAX;
    if event.behind().has_to_prepare() {
        // It may take long, so nobody is held up by it who waits for the readers of the list.
        prepared = lists::groups(O::OP);
        prepare::<O>(event, prepared);
    }
    let reader = lists::of(O::OP).read();
    first_denial(
        reader
            .iter()
            .map(|attachment| run::<O>(attachment, event, mode, prepared)),
    )
}

/// Makes available what kfuncs of these groups answer.
fn prepare<O: OpType>(event: &Event<'_, O::Context>, groups: u32) {
    if groups == 0 {
        return;
    }
    for group in Group::PREPARED {
        if groups & group.bit() != 0 {
            event.behind().prepare(group);
        }
    }
}

/// Runs through all of them, and answers with the first denial.
fn first_denial(runs: impl Iterator<Item = Result>) -> Result {
    let mut answer = Ok(());
    for own in runs {
        answer = answer.and(own);
    }
    answer
}

/// Runs one policy and counts what it did; `Err` is a denial to enforce. `prepared` says which groups
/// are.
fn run<O: OpType>(
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    mode: Mode,
    prepared: u32,
) -> Result {
    let behind = event.behind();
    // Only if it was attached meanwhile.
    prepare::<O>(event, attachment.groups(O::OP) & !prepared);
    let unread = behind.lacks_args() && attachment.calls(O::OP, Group::Exec);

    behind.begin_run();
    let Some(returned) = attachment.ops().run::<O>(event) else {
        return Ok(());
    };
    let failed = behind.take_failure() || unread;
    let fail_closed = attachment.fails_closed() && O::OP.spec().can_deny;
    let judgement = judge(returned, failed, fail_closed);

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

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_dispatch)]
mod tests {
    use super::*;

    /// Runs policies that answer so; returns how many ran and the errno.
    fn dispatched(answers: &[Result]) -> (usize, c_int) {
        let mut ran = 0;
        let answer = first_denial(answers.iter().map(|own| {
            ran += 1;
            *own
        }));
        (ran, answer.err().map_or(0, |e| e.to_errno()))
    }

    #[test]
    fn all_run_and_the_first_denial_is_the_answer() {
        assert_eq!(dispatched(&[Err(EPERM), Err(EACCES)]), (2, -1));
        assert_eq!(dispatched(&[Err(EACCES), Err(EPERM)]), (2, -13));
        assert_eq!(dispatched(&[Ok(()), Err(EACCES), Ok(())]), (3, -13));
    }

    #[test]
    fn nobody_denies_nothing() {
        assert_eq!(dispatched(&[Ok(()), Ok(())]), (2, 0));
        assert_eq!(dispatched(&[]), (0, 0));
    }
}
