// SPDX-License-Identifier: GPL-2.0

//! Audit records: of each denial, of what becomes of policies, of the mode.
//! Documentation/audit.rst says what stands in them.
//!
//! A denial may be written while locks are held, or by auditd itself, and what becomes of a policy
//! while BPF holds a lock of its own. So neither waits: where audit has no room it is left out and
//! counted.

use super::{
    attachment::Attachment,
    verdict::Judgement,
    words::List, //
};
use crate::{
    boundary::audit::{
        Record,
        Type,
        Wait, //
    },
    bpf::{
        event::{
            Behind,
            Event, //
        },
        ops::{
            Op,
            OpType, //
        }, //
    }, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
};

/// Writes the record of a denial, if this is one and its policy wants records; counts what audit
/// doesn't take. Apart, so that who is allowed does not pay for its stack.
#[cold]
#[inline(never)]
pub(super) fn denial<O: OpType>(
    attachment: &Attachment,
    event: &Event<'_, O::Context>,
    judgement: &Judgement,
    enforced: bool,
) {
    let Some(errno) = judgement.denial.filter(|_| attachment.is_recorded()) else {
        return;
    };
    let Some(mut record) = Record::start(Type::Denial, Wait::Never) else {
        attachment.policy().counts().note_unrecorded();
        return;
    };
    record.words(fmt!(
        "op={} verdict={} errno={} error={}",
        O::OP.spec().name,
        if enforced { "denied" } else { "would-deny" },
        -errno.to_errno(),
        u32::from(judgement.error)
    ));
    record.words(fmt!(" policy_id={}", attachment.policy().id()));
    record.untrusted("policy", attachment.name());
    record.untrusted("reason", &event.behind().reason());
    for (key, name) in O::names(event.public()) {
        record.untrusted(key, name);
    }
    file(&mut record, event.behind());
    record.task();
}

/// The file that an event is about: by its path; where that is not known, by its name in its
/// filesystem.
fn file(record: &mut Record, behind: &Behind<'_>) {
    let Ok(place) = behind.place() else {
        return;
    };
    let memory = GFP_ATOMIC | __GFP_NOWARN;
    if let Ok(path) = behind.path_string(memory) {
        record.untrusted("path", &path);
    } else if let Ok(name) = place.path_in_filesystem(memory) {
        record.untrusted("name", &name);
    }
    record.untrusted("dev", &place.inode().device());
    record.words(fmt!(" ino={}", place.inode().id().ino));
}

/// Writes the record of a policy that was attached, updated or detached, or was not to be; counts
/// what audit doesn't take of one that there is. Never waits: BPF's lock for all of struct_ops is
/// held.
pub(super) fn change(what: &str, name: &[u8], result: Result<&Attachment, Error>) {
    let Some(mut record) = Record::start(Type::Policy, Wait::Never) else {
        if let Ok(attachment) = result {
            attachment.policy().counts().note_unrecorded();
        }
        return;
    };
    record.words(fmt!("op={what}"));
    record.untrusted("policy", name);
    match result {
        Ok(attachment) => {
            let ops = Op::ALL.into_iter();
            let ops = ops.filter(|op| attachment.ops().prog(*op).is_some());
            record.words(fmt!(
                " policy_id={} flags={} ops={}",
                attachment.policy().id(),
                List(attachment.flags()),
                List(ops.map(|op| op.spec().name))
            ));
            record.task();
            record.words(fmt!(" res=1"));
        }
        Err(e) => {
            record.words(fmt!(" errno={}", -e.to_errno()));
            record.task();
            record.words(fmt!(" res=0"));
        }
    }
}

/// Writes the record of a wanted change of the mode, and whether it was made. Sleeps.
pub(super) fn mode_change(new: &str, old: &str, made: bool) {
    if let Some(mut record) = Record::start(Type::MacStatus, Wait::Allowed) {
        record.words(fmt!("mode={new} old_mode={old}"));
        record.session();
        record.words(fmt!(" lsm=krsi res={}", u32::from(made)));
    }
}
