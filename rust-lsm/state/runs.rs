// SPDX-License-Identifier: GPL-2.0

//! What each process runs: the side of the record's rows by which a process finds its files.

use super::file_rows::Started;
use crate::boundary::process::TaskKey;
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    }, //
};

/// An exec has six rounds at most, each with a file and the one below an overlay; two more for
/// what a program loader maps.
const MAX: usize = 14;

/// Files that one process runs.
pub(crate) struct Runs<F>([Option<Started<F>>; MAX]);

impl<F> Clone for Runs<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> Runs<F> {
    /// None.
    pub(crate) const fn new() -> Self {
        Self([const { None }; MAX])
    }

    /// The files.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Started<F>> {
        self.0.iter().flatten()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether a file is among them.
    pub(crate) fn include(&self, number: u64) -> bool {
        self.iter().any(|started| started.number == number)
    }

    /// Adds a file, in the place of what was known of it; `E2BIG` if there is no room.
    pub(crate) fn add(&mut self, new: Started<F>) -> Result {
        let same = |slot: &&mut Option<Started<F>>| {
            slot.as_ref()
                .is_some_and(|started| started.number == new.number)
        };
        let slot = match self.0.iter_mut().find(same) {
            Some(slot) => slot,
            None => self.0.iter_mut().find(|slot| slot.is_none()).ok_or(E2BIG)?,
        };
        *slot = Some(new);
        Ok(())
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
    pub(super) fn get_or_add(
        &mut self,
        task: TaskKey,
        space: ProcessSpace<F>,
    ) -> Option<&mut Process<F>> {
        if self.0.get(&task).is_none() {
            self.0.insert(space.into_node(task, Process::NEW));
        }
        self.0.get_mut(&task)
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
    use kernel::sync::Arc;

    fn started(number: u64, facts: u32) -> Result<Started<u32>> {
        let facts = Arc::new(facts, GFP_KERNEL)?;
        Ok(Started { number, facts })
    }

    #[test]
    fn a_file_is_added_once() -> Result {
        let mut runs = Runs::new();
        assert!(runs.is_empty());
        runs.add(started(7, 1)?)?;
        runs.add(started(9, 2)?)?;
        runs.add(started(7, 3)?)?;
        assert_eq!(runs.iter().count(), 2);
        assert!(runs.include(9) && !runs.include(8));
        assert_eq!(runs.iter().next().map(|started| *started.facts), Some(3));
        Ok(())
    }

    #[test]
    fn what_has_no_room_is_refused() -> Result {
        let mut runs = Runs::new();
        for number in 0..MAX as u64 {
            runs.add(started(number, 0)?)?;
        }
        assert!(runs.add(started(50, 0)?).is_err());
        assert!(runs.add(started(3, 0)?).is_ok());
        Ok(())
    }

    #[test]
    fn a_process_is_known_until_it_is_forgotten() -> Result {
        let task = TaskKey::new(0x1000);
        let mut processes = Processes::new();
        let space = ProcessSpace::new(GFP_KERNEL)?;
        let process = processes.get_or_add(task, space).ok_or(ENOENT)?;
        process.program.add(started(7, 1)?)?;
        let space = ProcessSpace::new(GFP_KERNEL)?;
        let process = processes.get_or_add(task, space).ok_or(ENOENT)?;
        assert!(process.program.include(7));
        assert!(processes.remove(task).is_some() && processes.get(task).is_none());
        Ok(())
    }
}
