// SPDX-License-Identifier: GPL-2.0

//! What a module must look like, and in what it doesn't. Decides only: `row.rs` asks.

use crate::{
    boundary::module::{
        HeldPage,
        Look,
        Range,
        Record,
        State,
        CORE,
        NAME_SIZE,
        VIEWS_OF_ALL, //
    },
    bpf::abi, //
};
#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
use kernel::prelude::*;

/// What a module was when it was first heard of, before any of its code ran.
pub(crate) struct Baseline {
    /// NUL-padded.
    pub(crate) name: [u8; NAME_SIZE],
    /// The memory that it keeps.
    pub(crate) core: [Range; CORE],
    symbols: [usize; 4],
    symbols_in_use: usize,
    /// The views that this module is in, though not every one is.
    pub(crate) own_views: u32,
    page: usize,
    /// The same one, so that it becomes no other module's.
    _held: Option<HeldPage>,
}

impl Baseline {
    /// Takes a module's word for it.
    pub(crate) fn new(record: &Record, held: Option<HeldPage>) -> Self {
        Self {
            name: record.name,
            core: record.core,
            symbols: record.symbols,
            symbols_in_use: record.symbols_in_use,
            own_views: 0,
            page: held.as_ref().map_or(record.page, HeldPage::address),
            _held: held,
        }
    }

    /// Whether a record is where that of this module was, whatever it says now: a module that
    /// hides can write to its own.
    pub(crate) fn is_in_place(&self, record: &Record) -> bool {
        record.page == self.page
    }
}

/// How far a module is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// COMING was heard, LIVE was not.
    Coming,
    /// LIVE was heard, GOING was not.
    Live,
}

/// What is wrong with a module.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `KRSI_VIEW_*` that must have it and don't.
    pub(crate) missing: u32,
    /// `KRSI_ALTERED_*`.
    pub(crate) altered: u32,
}

impl Finding {
    /// Whether nothing is wrong.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// The views that must have it.
pub(crate) fn expected(was: &Baseline, phase: Phase) -> u32 {
    let views = VIEWS_OF_ALL | was.own_views;
    match phase {
        // Its parameters are set, which runs its code, before it enters sysfs.
        Phase::Coming => views & !(abi::KRSI_VIEW_SYSFS | abi::KRSI_VIEW_BTF),
        Phase::Live => views,
    }
}

/// Whether this is what a module looks like whose exit runs: nobody uses it any more, unless it
/// is unloaded by force.
pub(crate) fn is_unloading(record: &Record, forced_unloads: bool) -> bool {
    record.state == State::Going && (record.references == 0 || forced_unloads)
}

/// Whether this is what a module looks like when it comes: the loader has entered it into these,
/// and enters it into sysfs only later.
pub(crate) fn is_loading(record: &Record, views: u32) -> bool {
    let first = VIEWS_OF_ALL & !abi::KRSI_VIEW_SYSFS;
    record.state == State::Coming && views & VIEWS_OF_ALL == first
}

/// Whether a module of which only COMING was heard is in a state that it passes in moments: LIVE
/// is told right after the one, GOING soon after the other.
pub(crate) fn is_passing(look: &Look) -> bool {
    look.record
        .is_some_and(|record| matches!(record.state, State::Live | State::Going))
}

/// Compares a look with what must be.
pub(crate) fn compare(was: &Baseline, phase: Phase, look: &Look) -> Finding {
    let missing = expected(was, phase) & !look.views;
    let mut altered = match &look.record {
        Some(record) => compare_record(was, phase, record, look.forced_unloads),
        None => abi::KRSI_ALTERED_MEMORY,
    };
    if missing & look.broken_links != 0 {
        altered |= abi::KRSI_ALTERED_LINKS;
    }
    if phase == Phase::Live && !look.directory {
        altered |= abi::KRSI_ALTERED_SYSFS;
    }
    Finding { missing, altered }
}

fn compare_record(was: &Baseline, phase: Phase, record: &Record, forced_unloads: bool) -> u32 {
    let symbols = record.symbols == was.symbols
        && (record.keeps_symbols_in_use || record.symbols_in_use == was.symbols_in_use);
    let facts = [
        (
            abi::KRSI_ALTERED_STATE,
            has_state(phase, record, forced_unloads),
        ),
        (abi::KRSI_ALTERED_NAME, record.name == was.name),
        (abi::KRSI_ALTERED_MEMORY, record.core == was.core),
        (abi::KRSI_ALTERED_SYMBOLS, symbols),
    ];
    facts
        .into_iter()
        .filter(|(_, holds)| !holds)
        .fold(0, |altered, (bit, _)| altered | bit)
}

/// Whether a module may have this state.
fn has_state(phase: Phase, record: &Record, forced_unloads: bool) -> bool {
    match (phase, record.state) {
        // The state changes before LIVE is told, and when init fails before GOING is.
        (Phase::Coming, State::Coming | State::Live | State::Going) => true,
        (Phase::Live, State::Live) => true,
        (Phase::Live, State::Going) => is_unloading(record, forced_unloads),
        _ => false,
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
pub(crate) mod samples {
    //! A module as it must be, for the tests here and of the row.

    use super::*;

    pub(crate) fn record(state: State) -> Record {
        let mut name = [0; NAME_SIZE];
        name[..4].copy_from_slice(b"test");
        Record {
            state,
            references: 1,
            name,
            core: [Range {
                start: 0x1000,
                size: 0x1000,
            }; CORE],
            symbols: [1, 2, 3, 4],
            symbols_in_use: 7,
            keeps_symbols_in_use: false,
            page: 0x40,
        }
    }

    pub(crate) fn look(state: State) -> Look {
        Look {
            record: Some(record(state)),
            views: VIEWS_OF_ALL,
            broken_links: 0,
            directory: true,
            forced_unloads: false,
            graced: true,
        }
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_compare)]
mod tests {
    use super::{
        samples::*,
        *, //
    };

    fn was() -> Baseline {
        Baseline::new(&record(State::Coming), None)
    }

    fn altered(phase: Phase, look: &Look) -> u32 {
        let finding = compare(&was(), phase, look);
        assert_eq!(finding.missing, 0);
        finding.altered
    }

    /// What is altered in a live module's record after `alter`.
    fn altered_by(alter: impl FnOnce(&mut Record)) -> u32 {
        let mut look = look(State::Live);
        let mut record = record(State::Live);
        alter(&mut record);
        look.record = Some(record);
        altered(Phase::Live, &look)
    }

    #[test]
    fn a_module_as_it_must_be_is_no_finding() {
        for state in [State::Coming, State::Live, State::Going] {
            assert_eq!(altered(Phase::Coming, &look(state)), 0);
        }
        assert_eq!(altered(Phase::Live, &look(State::Live)), 0);
    }

    #[test]
    fn sysfs_is_expected_of_live_modules_only() {
        let mut look = look(State::Live);
        look.views &= !abi::KRSI_VIEW_SYSFS;
        look.directory = false;
        assert!(compare(&was(), Phase::Coming, &look).is_nothing());
        let finding = compare(&was(), Phase::Live, &look);
        assert_eq!(finding.missing, abi::KRSI_VIEW_SYSFS);
        assert_eq!(finding.altered, abi::KRSI_ALTERED_SYSFS);
    }

    #[test]
    fn each_view_is_missed_by_itself() {
        let mut was = was();
        was.own_views = abi::KRSI_VIEW_BTF | abi::KRSI_VIEW_FTRACE;
        for bit in 0..6 {
            let mut look = look(State::Live);
            look.views = expected(&was, Phase::Live) & !(1 << bit);
            assert_eq!(compare(&was, Phase::Live, &look).missing, 1 << bit);
        }
    }

    #[test]
    fn views_that_not_every_module_is_in_are_expected_where_it_was() {
        assert_eq!(expected(&was(), Phase::Live) & abi::KRSI_VIEW_FTRACE, 0);
    }

    #[test]
    fn states_that_a_module_cannot_have_are_altered() {
        let state = abi::KRSI_ALTERED_STATE;
        for wrong in [State::Unformed, State::Wrong] {
            assert_eq!(altered(Phase::Coming, &look(wrong)), state);
            assert_eq!(altered(Phase::Live, &look(wrong)), state);
        }
        assert_eq!(altered(Phase::Live, &look(State::Coming)), state);
    }

    #[test]
    fn going_is_a_state_of_what_nobody_uses() {
        assert_eq!(
            altered(Phase::Live, &look(State::Going)),
            abi::KRSI_ALTERED_STATE
        );
        assert_eq!(
            altered_by(|record| {
                record.state = State::Going;
                record.references = 0;
            }),
            0
        );
        let mut forced = look(State::Going);
        forced.forced_unloads = true;
        assert_eq!(altered(Phase::Live, &forced), 0);
    }

    #[test]
    fn what_was_altered_is_named() {
        assert_eq!(
            altered_by(|record| record.name[0] = 0),
            abi::KRSI_ALTERED_NAME
        );
        assert_eq!(
            altered_by(|record| record.core[CORE - 1].size = 0),
            abi::KRSI_ALTERED_MEMORY
        );
        assert_eq!(
            altered_by(|record| record.symbols[1] = 0),
            abi::KRSI_ALTERED_SYMBOLS
        );
        assert_eq!(
            altered_by(|record| record.symbols_in_use = 8),
            abi::KRSI_ALTERED_SYMBOLS
        );
        assert_eq!(
            altered_by(|record| {
                record.symbols_in_use = 8;
                record.keeps_symbols_in_use = true;
            }),
            0
        );
    }

    #[test]
    fn a_record_that_cannot_be_read_is_altered() {
        let mut look = look(State::Live);
        look.record = None;
        assert_eq!(altered(Phase::Live, &look), abi::KRSI_ALTERED_MEMORY);
    }

    #[test]
    fn links_are_of_interest_where_a_view_is_missing() {
        let mut look = look(State::Live);
        look.broken_links = abi::KRSI_VIEW_LIST;
        assert_eq!(altered(Phase::Live, &look), 0);
        look.views &= !abi::KRSI_VIEW_LIST;
        let finding = compare(&was(), Phase::Live, &look);
        assert_eq!(finding.missing, abi::KRSI_VIEW_LIST);
        assert_eq!(finding.altered, abi::KRSI_ALTERED_LINKS);
    }
}
