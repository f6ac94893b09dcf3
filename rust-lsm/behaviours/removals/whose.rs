// SPDX-License-Identifier: GPL-2.0

//! Which processes run a file, as seen from the current one.
//!
//! The current process and its ancestors are looked up, however many others there are. These are
//! gone through row by row, under RCU and the lock of the file's rows, with interrupts off: so
//! there is a bound to the rows and to the parents together, and what lies beyond it is unknown,
//! which a policy must not take for "other".

use crate::{
    boundary::{
        name::Name,
        process::{
            Process,
            TaskKey, //
        }, //
    },
    bpf::abi,
    state::rows::{
        self,
        Facts,
        Last,
        Look,
        Row, //
    }, //
};
use core::iter::successors;
use kernel::sync::{
    rcu,
    Arc, //
};

/// How many rows, and parents of processes that have one, are looked at in all.
const MAX_STEPS: usize = 4096;

/// How many generations of ancestors are looked up.
const MAX_ANCESTORS: usize = 256;

/// So many of them are known again when a row of theirs comes by.
const NOTED_ANCESTORS: usize = 64;

/// Who runs a file.
pub(crate) struct Runners {
    /// `KRSI_WHOSE_*`.
    pub(crate) mask: u32,
    /// How it was started by the process that is nearest to the current one; of those that are
    /// equally near by one that was started by the name that is removed.
    pub(crate) started: Option<Arc<Facts>>,
    /// What is remembered of its last exec, and when that was, in nanoseconds since boot.
    pub(crate) executed: Option<(Arc<Facts>, u64)>,
}

impl Runners {
    /// Whether it is executed, or was.
    pub(crate) fn has_any(&self) -> bool {
        self.started.is_some() || self.executed.is_some()
    }
}

/// Who runs the file with this number, of which the name is removed that `name` gives. Seldom does
/// anything depend on it, so it is only then asked for.
pub(crate) fn look(number: u64, name: impl FnOnce() -> Option<Name>) -> Option<Runners> {
    let (runners, depends_on_name) = look_with(number, None)?;
    match depends_on_name.then(name).flatten() {
        Some(name) => Some(look_with(number, Some(&name))?.0),
        None => Some(runners),
    }
}

/// The same; whether the answer would be another with another name.
fn look_with(number: u64, name: Option<&Name>) -> Option<(Runners, bool)> {
    rows::look(number, |look| {
        let mut search = Search {
            name,
            depends_on_name: false,
            mask: 0,
            nearest: None,
            steps: MAX_STEPS,
        };
        if look.has_any() {
            search.look(look);
        }
        let last = |last: &Last| Some((last.runs.last()?.facts.clone(), last.time));
        let runners = Runners {
            mask: search.mask,
            started: search.nearest.map(|(_, started)| started),
            executed: look.executed().and_then(last),
        };
        (runners, search.depends_on_name)
    })
}

/// How near a process is, the nearest last.
const NEARNESS: [u32; 5] = [
    abi::KRSI_WHOSE_UNKNOWN,
    abi::KRSI_WHOSE_OTHER,
    abi::KRSI_WHOSE_ANCESTOR,
    abi::KRSI_WHOSE_DESCENDANT,
    abi::KRSI_WHOSE_OWN,
];

struct Search<'a> {
    name: Option<&'a Name>,
    depends_on_name: bool,
    mask: u32,
    nearest: Option<(u32, Arc<Facts>)>,
    steps: usize,
}

impl Search<'_> {
    fn look(&mut self, look: &mut Look<'_>) {
        let rcu = look.rcu();
        let current = Process::current(rcu);
        if let Some(row) = look.row(current) {
            self.note(abi::KRSI_WHOSE_OWN, row);
        }
        self.look_at_ancestors(current, look);
        let mut ancestors = None;
        look.for_each(|process, row| {
            if !self.step() {
                return false;
            }
            let Some(process) = runner(process, row) else {
                return true;
            };
            match self.relation(current, &mut ancestors, process, rcu) {
                Some(relation) => {
                    self.note(relation, row);
                    true
                }
                None => false,
            }
        });
    }

    /// Looks the ancestors up.
    fn look_at_ancestors(&mut self, current: Process<'_>, look: &Look<'_>) {
        for ancestor in successors(current.parent(), Process::parent).take(MAX_ANCESTORS) {
            if let Some(row) = look.row(ancestor) {
                if runner(ancestor, row).is_some() {
                    self.note(abi::KRSI_WHOSE_ANCESTOR, row);
                }
            }
        }
    }

    /// One more row or parent; false beyond the bound.
    fn step(&mut self) -> bool {
        if self.steps == 0 {
            self.mask |= abi::KRSI_WHOSE_UNKNOWN;
            return false;
        }
        self.steps -= 1;
        true
    }

    /// What `process` is to the current one; `None` beyond the bound.
    fn relation(
        &mut self,
        current: Process<'_>,
        ancestors: &mut Option<Ancestors>,
        process: Process<'_>,
        rcu: &rcu::Guard,
    ) -> Option<u32> {
        if process == current {
            return Some(abi::KRSI_WHOSE_OWN);
        }
        let ancestors = ancestors.get_or_insert_with(|| Ancestors::of(current));
        if ancestors.have(process) || !ancestors.are_all && is_above(current, process, rcu) {
            return Some(abi::KRSI_WHOSE_ANCESTOR);
        }
        let mut at = process;
        loop {
            let Some(parent) = at.parent() else {
                // It may be an ancestor farther than is looked.
                return Some(if ancestors.end {
                    abi::KRSI_WHOSE_OTHER
                } else {
                    abi::KRSI_WHOSE_UNKNOWN
                });
            };
            if parent == current {
                return Some(abi::KRSI_WHOSE_DESCENDANT);
            }
            // Who is below an ancestor, and has not met the current process before, is beside it.
            if ancestors.have(parent) {
                return Some(abi::KRSI_WHOSE_OTHER);
            }
            if !self.step() {
                return None;
            }
            at = parent;
        }
    }

    fn note(&mut self, relation: u32, row: &Row) {
        self.mask |= relation;
        let rank = |of: u32| NEARNESS.iter().position(|nearness| *nearness == of);
        let is_nearer = match (&self.nearest, self.name) {
            (None, _) => true,
            (Some((before, _)), _) if relation != *before => rank(relation) > rank(*before),
            (Some((_, facts)), _) if Arc::ptr_eq(facts, &row.facts) => false,
            (Some((_, facts)), Some(this)) => !this.is(&facts.name) && this.is(&row.facts.name),
            (Some(_), None) => {
                self.depends_on_name = true;
                false
            }
        };
        if is_nearer {
            self.nearest = Some((relation, row.facts.clone()));
        }
    }
}

/// The next of kin of the current process.
struct Ancestors {
    noted: [TaskKey; NOTED_ANCESTORS],
    /// Whether there are no others that were looked up.
    are_all: bool,
    /// Whether there are no others at all.
    end: bool,
}

impl Ancestors {
    fn of(current: Process<'_>) -> Self {
        let mut ancestors = Self {
            noted: [TaskKey::FIRST; NOTED_ANCESTORS],
            are_all: true,
            end: false,
        };
        let mut at = current;
        for i in 0..MAX_ANCESTORS {
            let Some(parent) = at.parent() else {
                ancestors.end = true;
                break;
            };
            match ancestors.noted.get_mut(i) {
                Some(slot) => *slot = parent.key(),
                None => ancestors.are_all = false,
            }
            at = parent;
        }
        ancestors
    }

    fn have(&self, process: Process<'_>) -> bool {
        self.noted.contains(&process.key())
    }
}

/// Whether `process` is an ancestor of the current one, as far as these are looked up.
fn is_above(current: Process<'_>, process: Process<'_>, _rcu: &rcu::Guard) -> bool {
    successors(current.parent(), Process::parent)
        .take(MAX_ANCESTORS)
        .any(|ancestor| ancestor == process)
}

/// The leader of a row's process if that runs the file: it lives, what its exec only asks for counts
/// while that goes on, and what a leader ran in whose place another thread's exec has come does not.
fn runner<'a>(process: Process<'a>, row: &Row) -> Option<Process<'a>> {
    if !process.is_living() {
        return None;
    }
    let leader = process.leader();
    let runs = if row.asked {
        process.in_exec()
    } else {
        process == leader
    };
    runs.then_some(leader)
}
