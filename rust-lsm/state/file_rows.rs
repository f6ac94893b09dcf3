// SPDX-License-Identifier: GPL-2.0

//! Which processes run a file: the side of the record's rows by which a file finds its processes,
//! and what is remembered of its last exec. Files are their inodes' numbers.

use super::runs::{
    Runs,
    Started, //
};
use crate::boundary::process::TaskKey;
use kernel::{
    prelude::*,
    rbtree::{
        Entry,
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};

/// What is remembered of the last exec of a file.
pub(crate) struct Last<F> {
    /// This file, the last of those that were started together.
    pub(crate) runs: Runs<F>,
    /// When, in nanoseconds since boot.
    pub(crate) time: u64,
}

/// A process that runs a file.
pub(crate) struct Row<F> {
    /// What is remembered of how it was started.
    pub(crate) facts: Arc<F>,
    /// Whether it is only asked for by an exec that is not committed.
    pub(crate) asked: bool,
}

/// The rows of some files.
pub(super) struct FileRows<F> {
    executed: RBTree<u64, Last<F>>,
    rows: RBTree<(u64, TaskKey), Row<F>>,
}

/// Memory for a row of a file.
pub(super) type RowSpace<F> = RBTreeNodeReservation<(u64, TaskKey), Row<F>>;

/// The same, and for what is remembered of the file.
pub(super) struct FileSpace<F>(RBTreeNodeReservation<u64, Last<F>>, RowSpace<F>);

impl<F> FileSpace<F> {
    /// Allocates it, charged to the current task.
    pub(super) fn new() -> Result<Self> {
        Ok(Self(
            RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?,
            RowSpace::new(GFP_KERNEL_ACCOUNT)?,
        ))
    }
}

/// How many rows are removed under one hold of the lock.
const AT_ONCE: usize = 64;

impl<F> FileRows<F> {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            executed: RBTree::new(),
            rows: RBTree::new(),
        }
    }

    /// An exec asks for a file. What already runs goes on running if it fails.
    pub(super) fn ask(&mut self, started: Started<F>, task: TaskKey, space: RowSpace<F>) {
        if let Entry::Vacant(slot) = self.rows.entry((started.number, task)) {
            let row = Row {
                facts: started.facts,
                asked: true,
            };
            slot.insert(row, space);
        }
    }

    /// A process runs the last of these files from now on. False if that takes memory, and nothing
    /// was done.
    pub(super) fn run_known(&mut self, runs: &Runs<F>, task: TaskKey, time: u64) -> bool {
        let Some(started) = runs.last() else {
            return true;
        };
        let row = self.rows.get_mut(&(started.number, task));
        let last = self.executed.get_mut(&started.number);
        let (Some(row), Some(last)) = (row, last) else {
            return false;
        };
        row.asked = false;
        if !Arc::ptr_eq(&row.facts, &started.facts) {
            row.facts = started.facts.clone();
        }
        last.time = time;
        if !last.runs.is(runs) {
            last.runs = runs.clone();
        }
        true
    }

    /// The same with memory. The process executes it, or did when the record began.
    pub(super) fn run(
        &mut self,
        runs: &Runs<F>,
        task: TaskKey,
        time: u64,
        seeded: bool,
        space: FileSpace<F>,
    ) {
        let Some(started) = runs.last() else {
            return;
        };
        // An exec since the record began says more.
        if !(seeded && self.executed.get(&started.number).is_some()) {
            let last = Last {
                runs: runs.clone(),
                time,
            };
            self.executed
                .insert(space.0.into_node(started.number, last));
        }
        self.put(started.clone(), task, space.1);
    }

    /// A process that is being made runs what its parent does.
    pub(super) fn inherit(&mut self, started: Started<F>, task: TaskKey, space: RowSpace<F>) {
        self.put(started, task, space);
    }

    fn put(&mut self, started: Started<F>, task: TaskKey, space: RowSpace<F>) {
        let row = Row {
            facts: started.facts,
            asked: false,
        };
        self.rows
            .insert(space.into_node((started.number, task), row));
    }

    /// The row of a process.
    pub(super) fn row(&self, number: u64, task: TaskKey) -> Option<&Row<F>> {
        self.rows.get(&(number, task))
    }

    /// Whether any process runs a file.
    pub(super) fn has_any(&self, number: u64) -> bool {
        self.rows
            .cursor_lower_bound(&(number, TaskKey::FIRST))
            .is_some_and(|at| at.current().0 .0 == number)
    }

    /// Calls `look` with each row of a file, until it answers false.
    pub(super) fn for_each(&mut self, number: u64, mut look: impl FnMut(TaskKey, &Row<F>) -> bool) {
        let mut cursor = self.rows.cursor_lower_bound_mut(&(number, TaskKey::FIRST));
        while let Some(at) = cursor {
            let ((of, task), row) = at.current();
            if *of != number || !look(*task, row) {
                return;
            }
            cursor = at.move_next();
        }
    }

    /// What is remembered of a file's last exec.
    pub(super) fn executed(&self, number: u64) -> Option<&Last<F>> {
        self.executed.get(&number)
    }

    /// A process runs a file no more.
    pub(super) fn end(&mut self, number: u64, task: TaskKey) {
        self.rows.remove(&(number, task));
    }

    /// An exec that asked for a file is over.
    pub(super) fn end_asked(&mut self, number: u64, task: TaskKey) {
        if self.row(number, task).is_some_and(|row| row.asked) {
            self.end(number, task);
        }
    }

    /// Forgets a file. Whether that is done, or another call is needed.
    pub(super) fn forget(&mut self, number: u64) -> bool {
        self.executed.remove(&number);
        for _ in 0..AT_ONCE {
            match self.rows.cursor_lower_bound_mut(&(number, TaskKey::FIRST)) {
                Some(cursor) if cursor.current().0 .0 == number => drop(cursor.remove_current()),
                _ => return true,
            }
        }
        false
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_file_rows)]
mod tests {
    use super::*;

    const FIRST: u64 = 7;
    const ONE: TaskKey = TaskKey::new(0x1000);
    const TWO: TaskKey = TaskKey::new(0x2000);

    fn started(facts: u32) -> Result<Started<u32>> {
        let facts = Arc::new(facts, GFP_KERNEL)?;
        Ok(Started {
            number: FIRST,
            facts,
        })
    }

    fn ask(files: &mut FileRows<u32>, facts: u32, task: TaskKey) -> Result {
        files.ask(started(facts)?, task, RowSpace::new(GFP_KERNEL)?);
        Ok(())
    }

    fn run(files: &mut FileRows<u32>, facts: u32, task: TaskKey, seeded: bool) -> Result {
        let runs = Runs::new().and(started(facts)?)?;
        files.run(&runs, task, 0, seeded, FileSpace::new()?);
        Ok(())
    }

    fn executed(files: &FileRows<u32>) -> Option<u32> {
        let last = files.executed(FIRST)?.runs.last()?;
        Some(*last.facts)
    }

    /// The facts of a process's row, and whether it is only asked for.
    fn row(files: &FileRows<u32>, task: TaskKey) -> Option<(u32, bool)> {
        files.row(FIRST, task).map(|row| (*row.facts, row.asked))
    }

    #[test]
    fn an_exec_that_fails_leaves_nothing() -> Result {
        let mut files = FileRows::new();
        ask(&mut files, 1, ONE)?;
        assert_eq!(row(&files, ONE), Some((1, true)));
        files.end_asked(FIRST, ONE);
        assert_eq!((row(&files, ONE), executed(&files)), (None, None));
        Ok(())
    }

    #[test]
    fn an_exec_of_what_runs_that_fails_leaves_what_runs() -> Result {
        let mut files = FileRows::new();
        run(&mut files, 1, ONE, false)?;
        ask(&mut files, 2, ONE)?;
        files.end_asked(FIRST, ONE);
        assert_eq!(row(&files, ONE), Some((1, false)));
        Ok(())
    }

    #[test]
    fn each_process_keeps_the_name_by_which_it_was_started() -> Result {
        let mut files = FileRows::new();
        run(&mut files, 1, ONE, false)?;
        run(&mut files, 2, TWO, false)?;
        assert_eq!(row(&files, ONE), Some((1, false)));
        assert_eq!(row(&files, TWO), Some((2, false)));
        assert_eq!(executed(&files), Some(2));
        files.end(FIRST, TWO);
        // What was executed is remembered when nobody runs it any more.
        assert_eq!((row(&files, TWO), executed(&files)), (None, Some(2)));
        Ok(())
    }

    #[test]
    fn an_exec_says_more_than_what_is_seeded() -> Result {
        let mut files = FileRows::new();
        run(&mut files, 1, ONE, true)?;
        assert_eq!(executed(&files), Some(1));
        run(&mut files, 2, TWO, false)?;
        run(&mut files, 3, ONE, true)?;
        assert_eq!(executed(&files), Some(2));
        Ok(())
    }

    #[test]
    fn what_runs_again_takes_no_memory() -> Result {
        let mut files = FileRows::new();
        let again = Runs::new().and(started(2)?)?;
        // Neither is known, then the file alone, then the row, too.
        assert!(!files.run_known(&again, ONE, 5));
        run(&mut files, 1, TWO, false)?;
        assert!(!files.run_known(&again, ONE, 5));
        assert_eq!(executed(&files), Some(1));
        ask(&mut files, 2, ONE)?;
        assert!(files.run_known(&again, ONE, 5));
        assert_eq!(row(&files, ONE), Some((2, false)));
        assert_eq!(executed(&files), Some(2));
        assert_eq!(files.executed(FIRST).map(|last| last.time), Some(5));
        Ok(())
    }

    #[test]
    fn a_file_is_forgotten_with_all_its_rows() -> Result {
        let mut files = FileRows::new();
        for i in 1..=2 * AT_ONCE {
            run(&mut files, 1, TaskKey::new(i), false)?;
        }
        let mut other = started(5)?;
        other.number = FIRST + 1;
        files.inherit(other, ONE, RowSpace::new(GFP_KERNEL)?);
        while !files.forget(FIRST) {}
        assert!(!files.has_any(FIRST) && files.has_any(FIRST + 1));
        let mut left = 0;
        files.for_each(FIRST, |_, _| {
            left += 1;
            true
        });
        assert_eq!((left, executed(&files)), (0, None));
        assert!(files.row(FIRST + 1, ONE).is_some());
        Ok(())
    }
}
