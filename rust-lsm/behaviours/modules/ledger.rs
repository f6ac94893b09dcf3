// SPDX-License-Identifier: GPL-2.0

//! The ledger: one row for each module, from before any of its code runs until it is gone.
//!
//! Its mutex is what makes a look exact. The notifier takes it for COMING, LIVE and GOING, and a
//! look at a row holds it: while a live row is compared, GOING can't be heard, so the loader can't
//! begin to take the module out of anything, and nothing but tampering can take it out. It is
//! held for one row at a time, so that a load or unload waits for one comparison.
//!
//! Lock order: the notifier chain's lock if it is held, the ledger's mutex, then what a look takes
//! (`boundary::module`). Never under it: allocations, programs, and `module_mutex`, which is held
//! over whole grace periods. The loader calls the chain without `module_mutex`.

use super::{
    compare::Baseline,
    loads::{
        Loads,
        Origin, //
    },
    news::News,
    row::{
        Row,
        Stage, //
    }, //
};
use crate::{
    boundary::module::{
        has_ftrace_records,
        ModuleAddr,
        Record,
        TEXT, //
    },
    bpf::abi, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode,
        RBTreeNodeReservation, //
    },
    sync::{
        lock::mutex::MutexGuard,
        Mutex,
        SetOnce, //
    }, //
};

static LEDGER: SetOnce<Pin<KBox<Mutex<Ledger>>>> = SetOnce::new();

/// The rows, in the order of loading.
pub(crate) struct Ledger {
    rows: RBTree<u64, Row>,
    last_id: u64,
    /// Of modules that have no row yet.
    pub(crate) loads: Loads,
    /// Looks at rows since boot.
    pub(crate) looks: u64,
    /// Modules for which there was no memory.
    pub(crate) lost: u64,
}

/// Memory for a row, taken before the ledger is locked.
pub(crate) struct Vacancy(RBTreeNodeReservation<u64, Row>);

impl Vacancy {
    /// Allocates it.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(RBTreeNodeReservation::new(GFP_KERNEL)?))
    }
}

/// What a visit to a row brought.
pub(crate) struct Visit {
    /// The row's number.
    pub(crate) id: u64,
    /// What was to be told before the look, and what after it; each time first of who explains it.
    pub(crate) news: [Option<News>; 4],
    /// When the row is to be visited besides the period.
    pub(crate) next: Option<u64>,
    _closed: Option<RBTreeNode<u64, Row>>,
}

/// Makes the ledger. Once, at boot.
pub(crate) fn init() -> Result {
    LEDGER.populate(KBox::pin_init(
        new_mutex!(Ledger::new(), "krsi_ledger"),
        GFP_KERNEL,
    )?);
    Ok(())
}

/// Locks it.
pub(crate) fn lock() -> Result<MutexGuard<'static, Ledger>> {
    Ok(LEDGER.as_ref().ok_or(ENODEV)?.lock())
}

impl Ledger {
    fn new() -> Self {
        Self {
            rows: RBTree::new(),
            last_id: 0,
            loads: Loads::new(),
            looks: 0,
            lost: 0,
        }
    }

    /// All rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Adds a module that comes, in the place of those whose memory it has now, unless it is here
    /// already. The vacancy is given back if it isn't needed, to be freed when the ledger is
    /// unlocked.
    pub(crate) fn add(
        &mut self,
        vacancy: Vacancy,
        module: ModuleAddr,
        record: &Record,
        loader: abi::ModuleLoader,
        origin: Origin,
        now: u64,
    ) -> Option<Vacancy> {
        let mut known = false;
        for row in self.rows.values_mut() {
            if row.module == module || row.overlaps(&record.core) {
                // At the same address it is the one that comes that can be in the tree.
                let look = if row.module == module {
                    module.look(&record.name, &record.core, None)
                } else {
                    row.look_at()
                };
                known |= row.said_to_come(module, record, &look, now);
            }
        }
        if known {
            return Some(vacancy);
        }
        let mut was = Baseline::new(record, module.hold_page());
        if has_ftrace_records(&was.core[TEXT]) {
            was.own_views = abi::KRSI_VIEW_FTRACE;
        }
        self.last_id += 1;
        let row = Row::new(module, was, loader, origin, now);
        self.rows.insert(vacancy.0.into_node(self.last_id, row));
        None
    }

    fn find(&mut self, module: ModuleAddr) -> Option<&mut Row> {
        self.rows
            .values_mut()
            .find(|row| row.module == module && row.stage != Stage::Closed)
    }

    /// LIVE is heard. Takes the first look if `scan`. Whether there is a row.
    pub(crate) fn live(&mut self, module: ModuleAddr, scan: bool, now: u64) -> bool {
        let Some(row) = self.find(module) else {
            return false;
        };
        let look = row.look_at();
        row.live(look.views, now);
        if scan {
            row.look(&look, now);
            self.looks += 1;
        }
        true
    }

    /// GOING is heard. What is wrong at that moment is told, a lie or not.
    pub(crate) fn going(&mut self, module: ModuleAddr, now: u64) {
        let Some(row) = self.find(module) else {
            return;
        };
        if row.is_here() {
            let look = row.look_at();
            row.going(&look, now);
            self.looks += 1;
        }
    }

    /// Visits the first row after number `after`: takes its news, and looks at it if it is time
    /// or `all` are to be looked at. `None` after the last.
    pub(crate) fn visit(&mut self, after: u64, all: bool, scan: bool, now: u64) -> Option<Visit> {
        let id = *self.rows.cursor_lower_bound(&(after + 1))?.current().0;
        let [other_before, before] = self.take_news(id, now);
        let row = self.rows.get_mut(&id)?;
        let due = row.next.is_some_and(|next| next <= now) && (scan || !row.is_here());
        if (all || due) && row.stage != Stage::Closed {
            let look = row.look_at();
            row.look(&look, now);
            self.looks += 1;
        }
        let [other, own] = self.take_news(id, now);
        let row = self.rows.get(&id)?;
        let next = row.next.filter(|_| scan || !row.is_here());
        let closed = row.stage == Stage::Closed;
        Some(Visit {
            id,
            news: [other_before, before, other, own],
            next,
            _closed: if closed {
                self.rows.remove_node(&id)
            } else {
                None
            },
        })
    }

    /// What is to be told of this row; before it, of the one that explains it.
    fn take_news(&mut self, id: u64, now: u64) -> [Option<News>; 2] {
        let other = self.blame(id, now);
        let own = self.rows.get_mut(&id).and_then(|row| row.take_news(now));
        [other, own]
    }

    /// If the tree has lost this module: looks at the one whose altered ranges explain it.
    fn blame(&mut self, id: u64, now: u64) -> Option<News> {
        if !self.rows.get(&id)?.is_lost_in_tree() {
            return None;
        }
        let mut others = self.rows.iter_mut().filter(|(other, _)| **other != id);
        let (_, other) = others.find(|(_, row)| row.has_other_ranges())?;
        let look = other.look_at();
        other.look(&look, now);
        let news = other.take_news(now);
        self.looks += 1;
        self.rows.get_mut(&id)?.blame_other();
        news
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_ledger)]
mod tests {
    use super::*;
    use crate::{
        behaviours::modules::compare::samples,
        boundary::module::State, //
    };

    /// The `n`-th module; what stands at its address can't be read.
    fn module(n: usize) -> ModuleAddr {
        ModuleAddr::new(n)
    }

    /// What it says of itself, with memory of its own.
    fn record(n: usize) -> Record {
        let mut record = samples::record(State::Coming);
        for range in &mut record.core {
            range.start += n * range.size;
        }
        record
    }

    /// A module comes; whether it gets a row.
    fn comes(ledger: &mut Ledger, module: ModuleAddr, record: &Record) -> Result<bool> {
        let loader = abi::ModuleLoader::default();
        let unused = ledger.add(
            Vacancy::new()?,
            module,
            record,
            loader,
            Origin::default(),
            1,
        );
        Ok(unused.is_none())
    }

    fn visited(ledger: &mut Ledger, after: u64, all: bool) -> Option<u64> {
        Some(ledger.visit(after, all, true, 2)?.id)
    }

    #[test]
    fn each_module_has_a_row_and_is_visited_in_turn() -> Result {
        let mut ledger = Ledger::new();
        assert!(comes(&mut ledger, module(1), &record(1))?);
        assert!(comes(&mut ledger, module(2), &record(2))?);
        assert!(ledger.live(module(2), false, 2) && !ledger.live(module(3), false, 2));
        assert_eq!(visited(&mut ledger, 0, false), Some(1));
        assert_eq!(visited(&mut ledger, 1, false), Some(2));
        assert_eq!(visited(&mut ledger, 2, false), None);
        Ok(())
    }

    #[test]
    fn all_are_looked_at_when_that_is_asked_for() -> Result {
        let mut ledger = Ledger::new();
        comes(&mut ledger, module(1), &record(1))?;
        visited(&mut ledger, 0, false);
        assert_eq!(ledger.looks, 0);
        visited(&mut ledger, 0, true);
        assert_eq!(ledger.looks, 1);
        Ok(())
    }

    #[test]
    fn one_that_comes_to_the_memory_of_another_takes_its_place() -> Result {
        let mut ledger = Ledger::new();
        comes(&mut ledger, module(1), &record(1))?;
        assert!(comes(&mut ledger, module(2), &record(1))?);
        assert!(!ledger.live(module(1), false, 2) && ledger.live(module(2), false, 2));
        // The row that was closed is there until it has told so.
        assert_eq!(ledger.rows().count(), 2);
        assert_eq!(visited(&mut ledger, 0, false), Some(1));
        assert_eq!(ledger.rows().count(), 1);
        Ok(())
    }

    #[test]
    fn one_that_comes_twice_keeps_its_row() -> Result {
        let mut ledger = Ledger::new();
        comes(&mut ledger, module(1), &record(1))?;
        assert!(!comes(&mut ledger, module(1), &record(1))?);
        assert_eq!(ledger.rows().count(), 1);
        Ok(())
    }
}
