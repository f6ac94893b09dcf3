// SPDX-License-Identifier: GPL-2.0

//! The table of the record: which files count as executed, since when, and what is remembered of
//! each. Files are their inodes' numbers.

use crate::boundary::task;
use kernel::{
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::Arc, //
};

/// Since when a file counts as executed, or would if the exec that noted it got that far.
#[derive(Clone, Copy)]
pub(super) struct Since {
    /// Nanoseconds since boot.
    pub(super) time: u64,
    /// Whether it ran already when the record began.
    pub(super) seeded: bool,
}

/// What is known of a file.
pub(super) struct Entry<F> {
    facts: Arc<F>,
    since: Since,
    /// Whether it was executed, not just noted.
    executed: bool,
    /// What the next exec found; it counts when that is committed.
    pending: Option<Arc<F>>,
}

/// The table.
pub(super) struct Files<F>(RBTree<u64, Entry<F>>);

/// Memory for an entry.
pub(super) type Space<F> = RBTreeNodeReservation<u64, Entry<F>>;

impl Since {
    /// Since now.
    pub(super) fn now(seeded: bool) -> Self {
        Self {
            time: task::boot_ns(),
            seeded,
        }
    }
}

impl<F> Files<F> {
    /// None.
    pub(super) fn new() -> Self {
        Self(RBTree::new())
    }

    /// Notes what is found of a file, with space for its entry if it has none: that it is
    /// executed, or will be when it is committed.
    pub(super) fn note(
        &mut self,
        number: u64,
        space: Space<F>,
        facts: Arc<F>,
        since: Since,
        executed: bool,
    ) {
        match self.0.get_mut(&number) {
            // An exec since the record began says more.
            Some(entry) if entry.executed && since.seeded => (),
            Some(entry) if entry.executed && !executed => entry.pending = Some(facts),
            found => {
                let entry = Entry {
                    facts,
                    since,
                    executed,
                    pending: None,
                };
                match found {
                    Some(old) => *old = entry,
                    None => {
                        self.0.insert(space.into_node(number, entry));
                    }
                }
            }
        }
    }

    /// What was noted of a file counts from now on.
    pub(super) fn commit(&mut self, number: u64, since: Since) {
        if let Some(entry) = self.0.get_mut(&number) {
            if let Some(facts) = entry.pending.take() {
                entry.facts = facts;
            }
            entry.since = since;
            entry.executed = true;
        }
    }

    /// Forgets a file; what was known of it is to be freed without the lock.
    pub(super) fn remove(&mut self, number: u64) -> Option<Entry<F>> {
        self.0.remove(&number)
    }

    /// What counts of a file, which may be in an exec that is not committed.
    pub(super) fn get(&self, number: u64, in_exec: bool) -> Option<(Since, &Arc<F>)> {
        let entry = self.0.get(&number)?;
        (entry.executed || in_exec).then_some((entry.since, &entry.facts))
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_record)]
mod tests {
    use super::*;

    const FILE: u64 = 7;

    fn note(files: &mut Files<u32>, facts: u32, since: Since, executed: bool) -> Result {
        let (facts, space) = (Arc::new(facts, GFP_KERNEL)?, Space::new(GFP_KERNEL)?);
        files.note(FILE, space, facts, since, executed);
        Ok(())
    }

    /// A round of an exec notes the file.
    fn ask(files: &mut Files<u32>, facts: u32) -> Result {
        note(files, facts, Since::now(false), false)
    }

    /// It is executed, or was when the record began.
    fn execute(files: &mut Files<u32>, facts: u32, seeded: bool) -> Result {
        note(files, facts, Since::now(seeded), true)
    }

    /// The facts that count while no exec is under way, and whether they are seeded.
    fn known(files: &Files<u32>) -> Option<(u32, bool)> {
        known_in_exec(files, false)
    }

    fn known_in_exec(files: &Files<u32>, in_exec: bool) -> Option<(u32, bool)> {
        files
            .get(FILE, in_exec)
            .map(|(since, facts)| (**facts, since.seeded))
    }

    #[test]
    fn what_a_round_finds_counts_when_the_exec_is_committed() -> Result {
        let mut files = Files::new();
        ask(&mut files, 1)?;
        assert_eq!(known(&files), None);
        files.commit(FILE, Since::now(false));
        assert_eq!(known(&files), Some((1, false)));
        Ok(())
    }

    #[test]
    fn it_counts_before_while_the_exec_is_under_way() -> Result {
        let mut files = Files::new();
        ask(&mut files, 1)?;
        ask(&mut files, 2)?;
        assert_eq!(known_in_exec(&files, true), Some((2, false)));
        execute(&mut files, 3, true)?;
        assert_eq!(known(&files), Some((3, true)));
        Ok(())
    }

    #[test]
    fn an_exec_that_fails_leaves_what_counted() -> Result {
        let mut files = Files::new();
        execute(&mut files, 1, false)?;
        ask(&mut files, 2)?;
        assert_eq!(known(&files), Some((1, false)));
        Ok(())
    }

    #[test]
    fn the_last_exec_counts() -> Result {
        let mut files = Files::new();
        for facts in [1, 2] {
            ask(&mut files, facts)?;
            files.commit(FILE, Since::now(false));
        }
        assert_eq!(known(&files), Some((2, false)));
        // Two execs at once: the second commit finds nothing new.
        files.commit(FILE, Since::now(false));
        assert_eq!(known(&files), Some((2, false)));
        Ok(())
    }

    #[test]
    fn an_exec_says_more_than_what_is_seeded() -> Result {
        let mut files = Files::new();
        execute(&mut files, 1, true)?;
        assert_eq!(known(&files), Some((1, true)));
        execute(&mut files, 2, false)?;
        execute(&mut files, 3, true)?;
        assert_eq!(known(&files), Some((2, false)));
        Ok(())
    }

    #[test]
    fn a_file_that_was_forgotten_is_not_committed() -> Result {
        let mut files = Files::new();
        ask(&mut files, 1)?;
        files.remove(FILE);
        files.commit(FILE, Since::now(false));
        assert_eq!(known(&files), None);
        Ok(())
    }
}
