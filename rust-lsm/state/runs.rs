// SPDX-License-Identifier: GPL-2.0

//! What each process runs: the side of the record's rows by which a process finds its files.

use crate::boundary::process::TaskKey;
use core::iter::successors;
use kernel::{
    prelude::*,
    rbtree::{
        Entry,
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};

/// An exec has six rounds at most, each with a file and the one below an overlay; two more for
/// what a program loader maps.
const MAX: usize = 14;

/// A file that is started, and what is remembered of that.
pub(crate) struct Started<F> {
    pub(crate) number: u64,
    pub(crate) facts: Arc<F>,
}

impl<F> Clone for Started<F> {
    fn clone(&self) -> Self {
        Self {
            number: self.number,
            facts: self.facts.clone(),
        }
    }
}

/// Files that a process runs, the last first. Copies share what they have in common.
pub(crate) struct Runs<F>(Option<Arc<Run<F>>>);

/// One of them, and those before.
struct Run<F> {
    started: Started<F>,
    before: Runs<F>,
}

impl<F> Clone for Runs<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> Default for Runs<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F> Runs<F> {
    /// None.
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// The files.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Started<F>> {
        self.each().filter_map(Self::last)
    }

    /// These, these without the last, and so on to the first alone.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |runs| runs.before()).take_while(|runs| !runs.is_empty())
    }

    fn before(&self) -> Option<&Self> {
        self.0.as_ref().map(|run| &run.before)
    }

    /// The last of the files.
    pub(crate) fn last(&self) -> Option<&Started<F>> {
        self.0.as_ref().map(|run| &run.started)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether both are the same copy.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether a file is among them.
    pub(crate) fn include(&self, number: u64) -> bool {
        self.iter().any(|started| started.number == number)
    }

    /// These and one more file, in the place of what was known of it; `E2BIG` if there is no room.
    /// Allocates.
    pub(crate) fn and(&self, new: Started<F>) -> Result<Self> {
        if !self.include(new.number) {
            return self.and_other(new);
        }
        let mut others = Self::new();
        for old in self.iter().filter(|old| old.number != new.number) {
            others = others.and_other(old.clone())?;
        }
        others.and_other(new)
    }

    fn and_other(&self, started: Started<F>) -> Result<Self> {
        if self.iter().count() >= MAX {
            return Err(E2BIG);
        }
        let run = Run {
            started,
            before: self.clone(),
        };
        Ok(Self(Some(Arc::new(run, GFP_KERNEL_ACCOUNT)?)))
    }

    /// The same as [`Runs::and`], by a copy that is known from another time if it is just this.
    pub(crate) fn and_as(&self, new: &Started<F>, known: &Self) -> Result<Self> {
        match &known.0 {
            Some(run)
                if run.before.is(self)
                    && run.started.number == new.number
                    && Arc::ptr_eq(&run.started.facts, &new.facts) =>
            {
                Ok(known.clone())
            }
            _ => self.and(new.clone()),
        }
    }
}

/// What is known of a process.
pub(super) struct Process<F> {
    /// What it runs; of its leader.
    pub(super) program: Runs<F>,
    /// What it would run next; of the task that is in an exec.
    pub(super) asked: Runs<F>,
    /// Whether it has mapped a file executable since its program began, if that has no interpreter.
    pub(super) has_mapped: bool,
}

impl<F> Process<F> {
    const NEW: Self = Self {
        program: Runs::new(),
        asked: Runs::new(),
        has_mapped: false,
    };
}

/// Processes by their tasks.
pub(super) struct Processes<F>(RBTree<TaskKey, Process<F>>);

/// Memory for one of them.
pub(super) type ProcessSpace<F> = RBTreeNodeReservation<TaskKey, Process<F>>;

impl<F> Processes<F> {
    /// None.
    pub(super) fn new() -> Self {
        Self(RBTree::new())
    }

    /// What is known of a process.
    pub(super) fn get(&mut self, task: TaskKey) -> Option<&mut Process<F>> {
        self.0.get_mut(&task)
    }

    /// The same, with space should nothing be known of it.
    pub(super) fn get_or_add(&mut self, task: TaskKey, space: ProcessSpace<F>) -> &mut Process<F> {
        match self.0.entry(task) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(slot) => slot.insert(Process::NEW, space),
        }
    }

    /// Forgets a process.
    pub(super) fn remove(&mut self, task: TaskKey) -> Option<Process<F>> {
        self.0.remove(&task)
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_runs)]
mod tests {
    use super::*;

    fn started(number: u64, facts: u32) -> Result<Started<u32>> {
        let facts = Arc::new(facts, GFP_KERNEL)?;
        Ok(Started { number, facts })
    }

    #[test]
    fn a_file_is_added_once() -> Result {
        let none = Runs::new();
        assert!(none.is_empty());
        let runs = none.and(started(7, 1)?)?.and(started(9, 2)?)?;
        let runs = runs.and(started(7, 3)?)?;
        assert_eq!(runs.iter().count(), 2);
        assert!(runs.include(9) && !runs.include(8));
        assert_eq!(runs.last().map(|started| *started.facts), Some(3));
        Ok(())
    }

    #[test]
    fn a_copy_stays_as_it_is() -> Result {
        let runs = Runs::new().and(started(7, 1)?)?;
        let copy = runs.clone();
        let more = runs.and(started(9, 2)?)?;
        assert!(copy.is(&runs) && !copy.is(&more));
        assert_eq!((copy.iter().count(), more.iter().count()), (1, 2));
        assert_eq!(more.each().nth(1).map(|runs| runs.is(&copy)), Some(true));
        Ok(())
    }

    #[test]
    fn what_is_known_is_used_only_if_it_is_the_same() -> Result {
        let (script, shell) = (started(7, 1)?, started(9, 2)?);
        let before = Runs::new().and(script)?;
        let known = before.and(shell.clone())?;
        assert!(before.and_as(&shell, &known)?.is(&known));
        // Other facts, another file, another script before.
        assert!(!before.and_as(&started(9, 2)?, &known)?.is(&known));
        assert!(!before.and_as(&started(8, 2)?, &known)?.is(&known));
        assert!(!Runs::new().and_as(&shell, &known)?.is(&known));
        Ok(())
    }

    #[test]
    fn what_has_no_room_is_refused() -> Result {
        let mut runs = Runs::new();
        for number in 0..MAX as u64 {
            runs = runs.and(started(number, 0)?)?;
        }
        assert!(runs.and(started(50, 0)?).is_err());
        assert!(runs.and(started(3, 0)?).is_ok());
        Ok(())
    }

    #[test]
    fn a_process_is_known_until_it_is_forgotten() -> Result {
        let task = TaskKey::new(0x1000);
        let mut processes = Processes::new();
        let space = ProcessSpace::new(GFP_KERNEL)?;
        let process = processes.get_or_add(task, space);
        process.program = Runs::new().and(started(7, 1)?)?;
        let space = ProcessSpace::new(GFP_KERNEL)?;
        let process = processes.get_or_add(task, space);
        assert!(process.program.include(7));
        assert!(processes.remove(task).is_some() && processes.get(task).is_none());
        Ok(())
    }
}
