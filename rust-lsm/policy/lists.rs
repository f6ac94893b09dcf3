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
        ops::Op,
        struct_ops::Direct, //
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

/// A policy's program in the list of its op, with what it needs.
pub(crate) struct Listed {
    needs: Needs,
    prog: Direct<Attachment>,
}

impl Listed {
    /// The program of this op; `None` if the policy has none.
    pub(crate) fn new(attachment: Arc<Attachment>, op: Op) -> Option<Self> {
        let needs = attachment.needs(op);
        let prog = Direct::new(attachment, |attachment| {
            let prog = attachment.ops().prog(op)?;
            Some((prog, &attachment.policy().counts().runs))
        })?;
        Some(Self { needs, prog })
    }

    /// What it needs.
    #[inline]
    pub(crate) fn needs(&self) -> Needs {
        self.needs
    }

    /// The program.
    #[inline]
    pub(crate) fn prog(&self) -> &Direct<Attachment> {
        &self.prog
    }

    /// Whose it is.
    #[inline]
    pub(crate) fn attachment(&self) -> &Attachment {
        self.prog.owner()
    }
}

static LISTS: [List<Listed>; Op::COUNT] = [const { List::new() }; Op::COUNT];

/// What the policies of each list need together, or that none is to run now.
static NEEDS: [Atomic<u32>; Op::COUNT] = [const { Atomic::new(Needs::OFF.bits()) }; Op::COUNT];

/// The policies that have this op, in the order of attachment.
#[inline]
pub(crate) fn of(op: Op) -> &'static List<Listed> {
    &LISTS[op.index()]
}

/// Changes the list of an op, as [`List::set`]. What a new element needs is known before it is found.
pub(super) fn set(writer: &mut Writer, op: Op, id: u64, node: Option<KBox<Node<Listed>>>) {
    let new = node
        .as_ref()
        .map_or(Needs::NONE, |node| node.value().needs());
    NEEDS[op.index()].store(needs(op).and(new).bits(), Relaxed);
    of(op).set(writer, id, node);
    renew(writer, op);
}

/// Notes what the policies that have this op need together, in the mode of now.
pub(super) fn renew(_writer: &mut Writer, op: Op) {
    let mut all = of(op)
        .read()
        .iter()
        .fold(Needs::NONE, |all, listed| all.and(listed.needs()));
    if of(op).is_empty() || mode::current() == Mode::Off {
        all = all.and(Needs::OFF);
    }
    NEEDS[op.index()].store(all.bits(), Relaxed);
}

/// What the policies that have this op need together, and whether none is to run now.
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
    for listed in of(op).read().iter() {
        listed.attachment().policy().counts().errors.add(1, Relaxed);
    }
}

/// Whether a policy would run now: else the behaviour need not gather its facts, nor its hooks be
/// on.
#[inline]
pub(crate) fn is_wanted(op: Op) -> bool {
    !needs(op).are_off()
}
