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
    boundary::{
        once,
        srcu_list::{
            List,
            Node,
            Writer, //
        }, //
    },
    bpf::{
        kfunc::{
            Group,
            Needs, //
        },
        ops::Op, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    }, //
};

static LISTS: [List<Arc<Attachment>>; Op::COUNT] = [const { List::new() }; Op::COUNT];

/// What the policies of each list need together.
static NEEDS: [Atomic<u32>; Op::COUNT] = [const { Atomic::new(0) }; Op::COUNT];

/// The policies that have this op, in the order of attachment.
#[inline]
pub(crate) fn of(op: Op) -> &'static List<Arc<Attachment>> {
    &LISTS[op.index()]
}

/// Changes the list of an op, as [`List::set`]. What a new element needs is known before it is found.
pub(super) fn set(writer: &mut Writer, op: Op, id: u64, node: Option<KBox<Node<Arc<Attachment>>>>) {
    let new = node
        .as_ref()
        .map_or(Needs::NONE, |node| node.value().needs(op));
    NEEDS[op.index()].store(needs(op).and(new).bits(), Relaxed);
    of(op).set(writer, id, node);
    let all = of(op)
        .read()
        .iter()
        .fold(Needs::NONE, |all, attachment| all.and(attachment.needs(op)));
    NEEDS[op.index()].store(all.bits(), Relaxed);
}

/// What the policies that have this op need together.
#[inline]
pub(crate) fn needs(op: Op) -> Needs {
    Needs::from_bits(once::read_once(&NEEDS[op.index()]))
}

/// Whether a policy that has this op calls kfuncs of this group in it.
pub(crate) fn calls(op: Op, group: Group) -> bool {
    needs(op).has(group)
}

/// Counts an error of each policy that has this op: it won't be told of something.
pub(crate) fn count_error(op: Op) {
    for attachment in of(op).read().iter() {
        attachment.policy().counts().errors.add(1, Relaxed);
    }
}

/// Whether a policy would run now: else the behaviour need not gather its facts, nor its hooks be
/// on.
#[inline]
pub(crate) fn is_wanted(op: Op) -> bool {
    !of(op).is_empty() && mode::current() != Mode::Off
}
