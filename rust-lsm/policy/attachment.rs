// SPDX-License-Identifier: GPL-2.0

//! An attached policy.
//!
//! A [`Policy`] is what stays the same from attach to detach: its identity, who attached it, its
//! counts. An [`Attachment`] is what an update replaces as a whole: programs, flags, maps. It
//! never changes, so dispatch reads it without a lock.

use super::{
    lists::Listed,
    mode::Mode,
    verdict::Judgement, //
};
use crate::{
    boundary::{
        cred::Ids,
        per_cpu::PerCpuCounter,
        srcu_list::Node,
        task, //
    },
    bpf::{
        abi::{
            KRSI_AUDIT,
            KRSI_FAIL_CLOSED,
            KRSI_NO_RECORD, //
        },
        kfunc::Needs,
        ops::Op,
        struct_ops::OpsRef, //
    },
    state::prog_state, //
};
use core::mem::size_of;
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

/// What a policy did since it was attached.
pub(crate) struct Counts {
    /// Runs of its programs.
    pub(crate) runs: PerCpuCounter,
    /// Denials that were enforced.
    pub(crate) denials: Atomic<u64>,
    /// Denials that its mode turned into a count.
    pub(crate) would_denials: Atomic<u64>,
    /// Runs that went wrong, and what it will never be told of.
    pub(crate) errors: Atomic<u64>,
    /// Denials and would-be denials that audit took no record of.
    pub(crate) unrecorded: Atomic<u64>,
}

impl Counts {
    fn new() -> Result<Self> {
        Ok(Self {
            runs: PerCpuCounter::new()?,
            denials: Atomic::new(0),
            would_denials: Atomic::new(0),
            errors: Atomic::new(0),
            unrecorded: Atomic::new(0),
        })
    }

    /// Counts what came of a run that has been counted.
    pub(crate) fn note(&self, judgement: &Judgement, enforced: bool) {
        if judgement.error {
            self.errors.add(1, Relaxed);
        }
        if judgement.denial.is_some() {
            let denials = if enforced {
                &self.denials
            } else {
                &self.would_denials
            };
            denials.add(1, Relaxed);
        }
    }

    /// Counts a denial that audit took no record of.
    pub(crate) fn note_unrecorded(&self) {
        self.unrecorded.add(1, Relaxed);
    }
}

/// Who attached a policy, and when.
pub(crate) struct Owner {
    /// Real user id, in the initial user namespace.
    pub(crate) uid: u32,
    /// Process id, in the initial pid namespace.
    pub(crate) pid: u32,
    /// The process's name then.
    pub(crate) comm: [u8; 16],
    /// Seconds since the epoch.
    pub(crate) time: i64,
}

impl Owner {
    fn current() -> Self {
        Self {
            uid: Ids::current().uid,
            pid: task::current_tgid(),
            comm: task::comm(),
            time: task::real_seconds(),
        }
    }
}

/// What lasts from attach to detach.
pub(crate) struct Policy {
    id: u64,
    owner: Owner,
    counts: Counts,
}

impl Policy {
    /// A policy that the current task attaches.
    pub(crate) fn new(id: u64) -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                id,
                owner: Owner::current(),
                counts: Counts::new()?,
            },
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// KRSI's number for it; never used again in one boot, and the order of attachment.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Who attached it.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What it did.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// From this ABI on facts that cost are asked for.
const FACTS_ABI: u32 = 3;

/// What an update replaces.
pub(crate) struct Attachment {
    policy: Arc<Policy>,
    ops: OpsRef,
    maps: KVec<u32>,
    needs: [Needs; Op::COUNT],
}

impl Attachment {
    /// The programs of `ops` as the programs of `policy`. `EBUSY` if one was replaced by an
    /// extension, `EACCES` if one reads kernel memory or calls what no filter was asked for.
    pub(crate) fn new(policy: Arc<Policy>, ops: OpsRef) -> Result<Arc<Self>> {
        let mut maps = KVec::new();
        let mut needs = [Needs::NONE; Op::COUNT];
        for op in Op::ALL {
            let Some(prog) = ops.prog(op) else {
                continue;
            };
            if prog.is_extended() {
                return Err(EBUSY);
            }
            if prog.loads_untrusted() || prog.calls_modules() {
                return Err(EACCES);
            }
            if let Some(needs) = needs.get_mut(op.index()) {
                let groups =
                    prog_state::of(prog).map_or(0, |state| state.kfunc_groups.load(Relaxed));
                *needs = Needs::new(groups, prog.sleepable());
                if ops.header().abi < FACTS_ABI {
                    *needs = needs.with_all_flags();
                }
            }
            prog.for_each_map(|id| {
                if !maps.contains(&id) {
                    maps.push(id, GFP_KERNEL_ACCOUNT)?;
                }
                Ok(())
            })?;
        }
        Ok(Arc::new(
            Self {
                policy,
                ops,
                maps,
                needs,
            },
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// Whose it is.
    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Its programs.
    pub(crate) fn ops(&self) -> &OpsRef {
        &self.ops
    }

    /// The ids of the maps that its programs use.
    pub(crate) fn maps(&self) -> &[u32] {
        &self.maps
    }

    /// Its name: NUL-padded, chosen by its author.
    pub(crate) fn name(&self) -> &[u8] {
        &self.ops.header().name
    }

    /// What its program for this op needs.
    #[inline]
    pub(crate) fn needs(&self, op: Op) -> Needs {
        self.needs.get(op.index()).copied().unwrap_or(Needs::NONE)
    }

    /// Whether it denies where it could not decide.
    pub(crate) fn fails_closed(&self) -> bool {
        self.ops.header().flags & KRSI_FAIL_CLOSED != 0
    }

    /// Whether its denials are told to audit.
    pub(crate) fn is_recorded(&self) -> bool {
        self.ops.header().flags & KRSI_NO_RECORD == 0
    }

    /// The names of its flags.
    pub(crate) fn flags(&self) -> impl Iterator<Item = &'static str> + Clone {
        let flags = self.ops.header().flags;
        [
            (KRSI_AUDIT, "audit"),
            (KRSI_FAIL_CLOSED, "fail_closed"),
            (KRSI_NO_RECORD, "no_record"),
        ]
        .into_iter()
        .filter_map(move |(flag, name)| (flags & flag != 0).then_some(name))
    }

    /// The mode that it asks for.
    pub(crate) fn wanted(&self) -> Mode {
        if self.ops.header().flags & KRSI_AUDIT != 0 {
            Mode::Audit
        } else {
            Mode::Enforce
        }
    }

    /// The mode that it has while KRSI is in `mode`.
    pub(crate) fn effective(&self, mode: Mode) -> Mode {
        self.wanted().min(mode)
    }

    /// KRSI's own memory for it, in bytes: not that of its programs and maps.
    pub(crate) fn memory(&self) -> usize {
        let nodes = Op::ALL
            .into_iter()
            .filter(|op| self.ops.prog(*op).is_some())
            .count();
        size_of::<Policy>()
            + PerCpuCounter::size()
            + size_of::<Self>()
            + self.maps.capacity() * size_of::<u32>()
            + nodes * size_of::<Node<Listed>>()
    }
}
