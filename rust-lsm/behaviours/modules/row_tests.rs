// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of `row.rs`.

use kernel::prelude::*;

#[kunit_tests(krsi_module_row)]
mod tests {
    use crate::{
        behaviours::modules::{
            compare::{
                samples,
                Baseline,
                Finding,
                Phase, //
            },
            row::{
                Row,
                Stage,
                LEAVING_SOON,
                MS, //
            }, //
        },
        boundary::module::{
            Look,
            ModuleAddr,
            State,
            VIEWS_OF_ALL, //
        },
        bpf::abi, //
    };

    const SECOND: u64 = 1_000 * MS;
    const LIST: u32 = abi::KRSI_VIEW_LIST;
    const CHAIN: u32 = abi::KRSI_ALTERED_CHAIN;

    fn coming() -> Row {
        let was = Baseline::new(&samples::record(State::Coming));
        let loader = abi::ModuleLoader::default();
        Row::new(ModuleAddr::new(0x1000), was, loader, SECOND)
    }

    fn live() -> Row {
        let mut row = coming();
        row.live(VIEWS_OF_ALL, 2 * SECOND);
        row
    }

    /// A row whose module is being unloaded.
    fn leaving() -> Row {
        let mut row = live();
        let mut record = samples::record(State::Going);
        record.references = 0;
        row.going(Some(&record), false, 3 * SECOND);
        let _ = row.take_news(3 * SECOND);
        row
    }

    /// A look after which these views have it.
    fn look(state: State, views: u32) -> Look {
        let mut look = samples::look(state);
        look.views = views;
        look
    }

    fn gone() -> Look {
        let mut look = look(State::Live, 0);
        look.record = None;
        look
    }

    fn hidden(row: &mut Row, now: u64) -> Option<Finding> {
        row.take_news(now)?.hidden.map(|(found, _)| found)
    }

    #[test]
    fn a_whole_life_tells_live_and_gone_once() {
        let mut row = live();
        assert!(row.take_news(SECOND).is_some_and(|news| news.live));
        row.live(VIEWS_OF_ALL, 3 * SECOND);
        assert!(row.take_news(SECOND).is_none());

        let mut row = leaving();
        row.look(&gone(), 4 * SECOND);
        assert!(row.stage == Stage::Closed);
        assert!(row.take_news(SECOND).is_some_and(|news| news.gone));
        assert!(row.take_news(SECOND).is_none());
    }

    #[test]
    fn what_never_was_live_tells_neither() {
        let mut row = coming();
        row.going(Some(&samples::record(State::Going)), false, 2 * SECOND);
        row.look(&gone(), 3 * SECOND);
        assert!(row.stage == Stage::Closed);
        assert!(row.take_news(3 * SECOND).is_none());
    }

    #[test]
    fn each_change_is_told_once_and_with_its_times() {
        let mut row = live();
        row.look(&look(State::Live, VIEWS_OF_ALL), 4 * SECOND);
        assert!(hidden(&mut row, 4 * SECOND).is_none());
        let missing = look(State::Live, VIEWS_OF_ALL & !LIST);
        row.look(&missing, 10 * SECOND);
        row.look(&missing, 11 * SECOND);
        let news = row.take_news(12 * SECOND);
        assert!(news
            .as_ref()
            .is_some_and(|news| news.hidden_for == 2 * SECOND));
        assert!(news
            .as_ref()
            .is_some_and(|news| news.unseen_for == 8 * SECOND));
        assert!(news.is_some_and(|news| news.age == 10 * SECOND));
        row.look(&missing, 13 * SECOND);
        assert!(row.take_news(13 * SECOND).is_none());

        row.look(&look(State::Live, VIEWS_OF_ALL), 20 * SECOND);
        let back = row.take_news(20 * SECOND);
        assert!(back
            .as_ref()
            .is_some_and(|news| news.hidden_for == 10 * SECOND));
        assert!(back
            .and_then(|news| news.hidden)
            .is_some_and(|(found, before)| found.is_nothing() && before.missing == LIST));
    }

    #[test]
    fn going_of_what_is_live_by_its_record_is_a_lie() {
        let mut row = live();
        let _ = row.take_news(SECOND);
        row.going(Some(&samples::record(State::Live)), false, 3 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
        // It is kept: a look that finds all in order doesn't clear it.
        row.look(&look(State::Live, VIEWS_OF_ALL), 4 * SECOND);
        assert!(row.take_news(SECOND).is_none());
        // And so is that of one in use, though its state says the same.
        let mut row = live();
        row.going(Some(&samples::record(State::Going)), false, 3 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
    }

    #[test]
    fn live_opens_a_row_whose_coming_was_taken_back() {
        let mut row = coming();
        row.going(Some(&samples::record(State::Coming)), false, 2 * SECOND);
        row.look(&look(State::Coming, VIEWS_OF_ALL), 30 * SECOND);
        row.live(VIEWS_OF_ALL, 31 * SECOND);
        let news = row.take_news(31 * SECOND);
        assert!(news.as_ref().is_some_and(|news| news.live && news.reopened));
        assert!(news.is_some_and(|news| news.hidden.is_none()));
    }

    #[test]
    fn one_that_leaves_may_take_its_time_in_the_list() {
        let mut row = leaving();
        let mut unloads = look(State::Going, VIEWS_OF_ALL);
        for second in 4..100 {
            row.look(&unloads, second * SECOND);
        }
        // The last part of it: unformed, then nowhere, its memory not yet given back.
        unloads.record = Some(samples::record(State::Unformed));
        row.look(&unloads, 100 * SECOND);
        unloads.views = 0;
        row.look(&unloads, 101 * SECOND);
        assert!(matches!(row.stage, Stage::Leaving(..)));
        row.look(&gone(), 102 * SECOND);
        assert!(row.stage == Stage::Closed);
        assert!(hidden(&mut row, SECOND).is_none());
    }

    #[test]
    fn one_that_leaves_and_stays_is_a_forgery() {
        for stays in [
            look(State::Going, 0),
            look(State::Going, VIEWS_OF_ALL & !LIST),
            // In the list still: lsmod shows it, as one that is being unloaded.
            look(State::Going, VIEWS_OF_ALL & !abi::KRSI_VIEW_SYSFS),
            look(State::Unformed, VIEWS_OF_ALL),
        ] {
            let mut row = leaving();
            row.look(&stays, 4 * SECOND);
            row.look(&stays, 13 * SECOND);
            assert!(matches!(row.stage, Stage::Leaving(..)));
            row.look(&stays, 14 * SECOND);
            assert!(row.stage == Stage::Here(Phase::Live));
            assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered & CHAIN != 0));
        }
        let mut row = leaving();
        row.look(&look(State::Live, VIEWS_OF_ALL), 4 * SECOND);
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
    }

    /// As after `ftrace_kill()`.
    #[test]
    fn records_that_ftrace_keeps_keep_no_row() {
        let mut row = leaving();
        let mut left = gone();
        left.views = abi::KRSI_VIEW_FTRACE;
        row.look(&left, 4 * SECOND);
        assert!(row.stage == Stage::Closed);
        assert!(hidden(&mut row, SECOND).is_none());
    }

    #[test]
    fn a_name_that_changes_while_it_leaves_closes_nothing() {
        let mut row = leaving();
        let mut renamed = look(State::Going, abi::KRSI_VIEW_TREE);
        let mut record = samples::record(State::Going);
        record.name[0] = 0;
        renamed.record = Some(record);
        row.look(&renamed, 4 * SECOND);
        assert!(matches!(row.stage, Stage::Leaving(..)));
    }

    #[test]
    fn a_new_module_closes_the_row_of_the_one_before() {
        let record = samples::record(State::Coming);
        let mut row = leaving();
        assert!(!row.replaced_by(row.module, &record, 4 * SECOND));
        assert!(row.stage == Stage::Closed);
        assert!(row.take_news(SECOND).is_some_and(|news| news.gone));
    }

    #[test]
    fn coming_of_what_is_here_is_a_lie() {
        let record = samples::record(State::Coming);
        let mut row = live();
        let _ = row.take_news(SECOND);
        assert!(row.replaced_by(row.module, &record, 4 * SECOND));
        assert!(row.stage == Stage::Here(Phase::Live));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
        // Another one in its memory: nobody said that it went.
        let other = ModuleAddr::new(0x1100);
        assert!(!row.replaced_by(other, &record, 5 * SECOND));
        assert!(row.stage == Stage::Closed);
    }

    #[test]
    fn a_live_module_is_looked_at_after_1_5_and_30_seconds() {
        let mut row = live();
        let fine = look(State::Live, VIEWS_OF_ALL);
        for after in [1, 5, 30] {
            let due = (2 + after) * SECOND;
            assert!(row.next == Some(due));
            row.look(&fine, due);
        }
        assert!(row.next.is_none());
    }

    #[test]
    fn one_that_leaves_is_looked_at_ever_more_seldom() {
        let mut row = leaving();
        assert!(row.next == Some(3 * SECOND + LEAVING_SOON));
        let stays = look(State::Going, VIEWS_OF_ALL);
        row.look(&stays, 4 * SECOND);
        assert!(row.next == Some(5 * SECOND));
        row.look(&stays, 60 * SECOND);
        assert!(row.next == Some(65 * SECOND));
    }
}
