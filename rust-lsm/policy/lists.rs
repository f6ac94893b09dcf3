// SPDX-License-Identifier: GPL-2.0

//! For each op the attached policies that have it. The registry changes the lists, dispatch reads
//! them.

use super::{
    attachment::Attachment,
    mode::{
        self,
        Mode, //
    }, //
};
use crate::{
    boundary::srcu_list::List,
    bpf::{
        kfunc::Group,
        ops::Op, //
    }, //
};
use kernel::sync::{
    atomic::ordering::Relaxed,
    Arc, //
};

static LISTS: [List<Arc<Attachment>>; Op::COUNT] = [const { List::new() }; Op::COUNT];

/// The policies that have this op, in the order of attachment.
pub(crate) fn of(op: Op) -> &'static List<Arc<Attachment>> {
    &LISTS[op.index()]
}

/// Of which groups the policies that have this op call kfuncs in it, a bit each.
pub(crate) fn groups(op: Op) -> u32 {
    of(op)
        .read()
        .iter()
        .fold(0, |groups, attachment| groups | attachment.groups(op))
}

/// Whether a policy that has this op calls kfuncs of this group in it.
pub(crate) fn calls(op: Op, group: Group) -> bool {
    groups(op) & group.bit() != 0
}

/// Counts an error of each policy that has this op: it won't be told of something.
pub(crate) fn count_error(op: Op) {
    for attachment in of(op).read().iter() {
        attachment.policy().counts().errors.add(1, Relaxed);
    }
}

/// Whether a policy would run now: else the behaviour need not gather its facts, nor its hooks be
/// on.
pub(crate) fn is_wanted(op: Op) -> bool {
    !of(op).is_empty() && mode::current() != Mode::Off
}
