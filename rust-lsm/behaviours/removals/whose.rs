// SPDX-License-Identifier: GPL-2.0

//! Which processes run a file, as seen from the current one.
//!
//! A bounded walk over the processes, under RCU. It is done for files that are known to have been
//! executed only.

use crate::{
    bpf::abi,
    state::process::Process, //
};
use kernel::sync::rcu;

/// How many processes are looked at.
const MAX_PROCESSES: usize = 32768;

/// How many parents a process is followed up by.
const MAX_ANCESTORS: usize = 256;

/// Which processes run a file with one of these numbers: a mask of `KRSI_WHOSE_*`.
pub(crate) fn whose(numbers: &[Option<u64>]) -> u32 {
    let rcu = rcu::read_lock();
    let current = Process::current(&rcu);
    let mut mask = 0;
    let mut looked = 0;

    for process in Process::all(&rcu).take(MAX_PROCESSES) {
        looked += 1;
        if process.is_living() && process.runs(numbers) {
            mask |= relation(current, process);
        }
    }
    if looked == MAX_PROCESSES {
        mask |= abi::KRSI_WHOSE_UNKNOWN;
    }
    mask
}

/// What `other` is to `current`.
fn relation(current: Process<'_>, other: Process<'_>) -> u32 {
    if other == current {
        return abi::KRSI_WHOSE_OWN;
    }
    match (is_below(current, other), is_below(other, current)) {
        (Some(true), _) => abi::KRSI_WHOSE_ANCESTOR,
        (_, Some(true)) => abi::KRSI_WHOSE_DESCENDANT,
        (Some(false), Some(false)) => abi::KRSI_WHOSE_OTHER,
        _ => abi::KRSI_WHOSE_UNKNOWN,
    }
}

/// Whether `child` descends from `parent`; `None` if that is too far to tell.
fn is_below(child: Process<'_>, parent: Process<'_>) -> Option<bool> {
    let mut at = child;
    for _ in 0..MAX_ANCESTORS {
        match at.parent() {
            Some(next) if next == parent => return Some(true),
            Some(next) => at = next,
            None => return Some(false),
        }
    }
    None
}
