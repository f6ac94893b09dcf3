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
    /// The row of one exec that asks for the file as it was started then, which takes no memory: of
    /// a task that has no other row of it.
    asking: Option<(TaskKey, Row<F>)>,
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

/// What is known of one file.
pub(super) struct OfFile<'a, F> {
    number: u64,
    last: Option<&'a Last<F>>,
    rows: &'a mut RBTree<(u64, TaskKey), Row<F>>,
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

    /// An exec asks for a file with these facts, if it was started last with the same. False if it
    /// takes memory to remember that, and nothing was done.
    pub(super) fn ask_known(&mut self, started: &Started<F>, task: TaskKey) -> bool {
        if self.rows.get(&(started.number, task)).is_some() {
            return true;
        }
        let Some(last) = self.executed.get_mut(&started.number) else {
            return false;
        };
        if last.is_asked_by(task) {
            return true;
        }
        let is_same = |same: &Started<F>| Arc::ptr_eq(&same.facts, &started.facts);
        if last.asking.is_some() || !last.runs.last().is_some_and(is_same) {
            return false;
        }
        let row = Row {
            facts: started.facts.clone(),
            asked: true,
        };
        last.asking = Some((task, row));
        true
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
    /// was done; `space` may serve for a row.
    pub(super) fn run_known(
        &mut self,
        runs: &Runs<F>,
        task: TaskKey,
        time: u64,
        space: &mut Option<RowSpace<F>>,
    ) -> bool {
        let Some(started) = runs.last() else {
            return true;
        };
        let Some(last) = self.executed.get_mut(&started.number) else {
            return false;
        };
        if last.is_asked_by(task) {
            let Some(space) = space.take() else {
                return false;
            };
            last.asking = None;
            let row = Row {
                facts: started.facts.clone(),
                asked: false,
            };
            self.rows
                .insert(space.into_node((started.number, task), row));
        } else {
            let Some(row) = self.rows.get_mut(&(started.number, task)) else {
                return false;
            };
            row.asked = false;
            if !Arc::ptr_eq(&row.facts, &started.facts) {
                row.facts = started.facts.clone();
            }
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
        match self.executed.entry(started.number) {
            Entry::Occupied(known) => {
                let last = known.into_mut();
                // An exec since the record began says more.
                if !seeded {
                    last.runs = runs.clone();
                    last.time = time;
                }
                last.end_asking(task);
            }
            Entry::Vacant(slot) => {
                let last = Last {
                    runs: runs.clone(),
                    time,
                    asking: None,
                };
                slot.insert(last, space.0);
            }
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

    /// What is known of one file.
    pub(super) fn of(&mut self, number: u64) -> OfFile<'_, F> {
        OfFile {
            number,
            last: self.executed.get(&number),
            rows: &mut self.rows,
        }
    }

    /// What is remembered of a file's last exec.
    pub(super) fn executed(&self, number: u64) -> Option<&Last<F>> {
        self.executed.get(&number)
    }

    /// A process runs a file no more. The memory of its row, if it had one.
    pub(super) fn end(&mut self, number: u64, task: TaskKey) -> Option<RowSpace<F>> {
        if let Some(row) = self.rows.remove_node(&(number, task)) {
            return Some(row.into_reservation());
        }
        self.end_asking(number, task);
        None
    }

    /// An exec that asked for a file is over.
    pub(super) fn end_asked(&mut self, number: u64, task: TaskKey) {
        match self.rows.get(&(number, task)) {
            Some(row) if row.asked => drop(self.rows.remove(&(number, task))),
            Some(_) => {}
            None => self.end_asking(number, task),
        }
    }

    fn end_asking(&mut self, number: u64, task: TaskKey) {
        if let Some(last) = self.executed.get_mut(&number) {
            last.end_asking(task);
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

impl<F> Last<F> {
    fn is_asked_by(&self, task: TaskKey) -> bool {
        matches!(&self.asking, Some((asking, _)) if *asking == task)
    }

    fn end_asking(&mut self, task: TaskKey) {
        if self.is_asked_by(task) {
            self.asking = None;
        }
    }
}

impl<F> OfFile<'_, F> {
    /// What is remembered of its last exec.
    pub(super) fn executed(&self) -> Option<&Last<F>> {
        self.last
    }

    fn asking(&self) -> Option<&(TaskKey, Row<F>)> {
        self.last?.asking.as_ref()
    }

    /// Whether any process runs it.
    pub(super) fn has_any(&self) -> bool {
        self.asking().is_some()
            || self
                .rows
                .cursor_lower_bound(&(self.number, TaskKey::FIRST))
                .is_some_and(|at| at.current().0 .0 == self.number)
    }

    /// The row of a process.
    pub(super) fn row(&self, task: TaskKey) -> Option<&Row<F>> {
        self.rows.get(&(self.number, task)).or_else(|| {
            let (asking, row) = self.asking()?;
            (*asking == task).then_some(row)
        })
    }

    /// Calls `look` with each row, until it answers false.
    pub(super) fn for_each(&mut self, mut look: impl FnMut(TaskKey, &Row<F>) -> bool) {
        if let Some((task, row)) = self.asking() {
            if !look(*task, row) {
                return;
            }
        }
        let first = (self.number, TaskKey::FIRST);
        let mut cursor = self.rows.cursor_lower_bound_mut(&first);
        while let Some(at) = cursor {
            let ((of, task), row) = at.current();
            if *of != self.number || !look(*task, row) {
                return;
            }
            cursor = at.move_next();
        }
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
    fn row(files: &mut FileRows<u32>, task: TaskKey) -> Option<(u32, bool)> {
        let of = files.of(FIRST);
        of.row(task).map(|row| (*row.facts, row.asked))
    }

    /// How many rows there are of the file.
    fn count(files: &mut FileRows<u32>) -> usize {
        let mut count = 0;
        files.of(FIRST).for_each(|_, _| {
            count += 1;
            true
        });
        count
    }

    #[test]
    fn an_exec_that_fails_leaves_nothing() -> Result {
        let mut files = FileRows::new();
        ask(&mut files, 1, ONE)?;
        assert_eq!(row(&mut files, ONE), Some((1, true)));
        files.end_asked(FIRST, ONE);
        assert_eq!((row(&mut files, ONE), executed(&files)), (None, None));
        Ok(())
    }

    #[test]
    fn an_exec_of_what_runs_that_fails_leaves_what_runs() -> Result {
        let mut files = FileRows::new();
        run(&mut files, 1, ONE, false)?;
        ask(&mut files, 2, ONE)?;
        files.end_asked(FIRST, ONE);
        assert_eq!(row(&mut files, ONE), Some((1, false)));
        Ok(())
    }

    #[test]
    fn each_process_keeps_the_name_by_which_it_was_started() -> Result {
        let mut files = FileRows::new();
        run(&mut files, 1, ONE, false)?;
        run(&mut files, 2, TWO, false)?;
        assert_eq!(row(&mut files, ONE), Some((1, false)));
        assert_eq!(row(&mut files, TWO), Some((2, false)));
        assert_eq!(executed(&files), Some(2));
        assert!(files.end(FIRST, TWO).is_some());
        // What was executed is remembered when nobody runs it any more.
        assert_eq!((row(&mut files, TWO), executed(&files)), (None, Some(2)));
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
        let none = &mut None;
        // Neither is known, then the file alone, then the row, too.
        assert!(!files.run_known(&again, ONE, 5, none));
        run(&mut files, 1, TWO, false)?;
        assert!(!files.run_known(&again, ONE, 5, none));
        assert_eq!(executed(&files), Some(1));
        ask(&mut files, 2, ONE)?;
        assert!(files.run_known(&again, ONE, 5, none));
        assert_eq!(row(&mut files, ONE), Some((2, false)));
        assert_eq!(executed(&files), Some(2));
        assert_eq!(files.executed(FIRST).map(|last| last.time), Some(5));
        Ok(())
    }

    #[test]
    fn one_asks_without_memory_for_what_was_started_just_so() -> Result {
        let mut files = FileRows::new();
        let again = Runs::new().and(started(1)?)?;
        let same = again.last().ok_or(EINVAL)?;
        assert!(!files.ask_known(same, ONE));
        files.run(&again, TWO, 0, false, FileSpace::new()?);
        // By another name; by the same; and no second one meanwhile.
        assert!(!files.ask_known(&started(1)?, ONE));
        assert!(files.ask_known(same, ONE));
        assert!(!files.ask_known(same, TaskKey::new(0x3000)));
        assert_eq!(row(&mut files, ONE), Some((1, true)));
        assert_eq!(count(&mut files), 2);
        files.end_asked(FIRST, ONE);
        assert_eq!((row(&mut files, ONE), count(&mut files)), (None, 1));
        // Its task ends; or it runs in the memory of what it ran before.
        assert!(files.ask_known(same, ONE));
        assert!(files.end(FIRST, ONE).is_none() && count(&mut files) == 1);
        assert!(files.ask_known(same, ONE));
        assert!(!files.run_known(&again, ONE, 5, &mut None));
        let mut space = Some(RowSpace::new(GFP_KERNEL)?);
        assert!(files.run_known(&again, ONE, 5, &mut space) && space.is_none());
        assert_eq!(
            (row(&mut files, ONE), count(&mut files)),
            (Some((1, false)), 2)
        );
        Ok(())
    }

    #[test]
    fn who_asked_without_memory_is_there_once() -> Result {
        for seeded in [false, true] {
            let mut files = FileRows::new();
            let again = Runs::new().and(started(1)?)?;
            let same = again.last().ok_or(EINVAL)?;
            files.run(&again, TWO, 0, false, FileSpace::new()?);
            // Asked for in two rounds; then it runs with memory after all.
            assert!(files.ask_known(same, ONE) && files.ask_known(same, ONE));
            files.run(&again, ONE, 5, seeded, FileSpace::new()?);
            assert_eq!(
                (row(&mut files, ONE), count(&mut files)),
                (Some((1, false)), 2)
            );
            assert!(files.end(FIRST, ONE).is_some() && count(&mut files) == 1);
        }
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
        assert!(!files.of(FIRST).has_any() && files.of(FIRST + 1).has_any());
        assert_eq!((count(&mut files), executed(&files)), (0, None));
        assert!(files.of(FIRST + 1).row(ONE).is_some());
        Ok(())
    }
}
