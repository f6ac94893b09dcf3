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
            loads::Origin,
            row::{
                Row,
                Stage,
                LEAVING_SOON, //
            },
            MS, //
        },
        boundary::module::{
            Look,
            ModuleAddr,
            State,
            NAME_SIZE,
            VIEWS_OF_ALL, //
        },
        bpf::abi, //
    };

    const SECOND: u64 = 1_000 * MS;
    const LIST: u32 = abi::KRSI_VIEW_LIST;
    const CHAIN: u32 = abi::KRSI_ALTERED_CHAIN;

    fn coming() -> Row {
        let was = Baseline::new(&samples::record(State::Coming), None);
        let loader = abi::ModuleLoader::default();
        Row::new(
            ModuleAddr::new(0x1000),
            was,
            loader,
            Origin::default(),
            SECOND,
        )
    }

    fn live() -> Row {
        let mut row = coming();
        row.live(VIEWS_OF_ALL, 2 * SECOND);
        row
    }

    /// A row whose module is being unloaded.
    fn leaving() -> Row {
        let mut row = live();
        row.going(&unloads(), 3 * SECOND);
        let _ = row.take_news(3 * SECOND);
        row
    }

    /// A look at it while its exit runs.
    fn unloads() -> Look {
        let mut look = look(State::Going, VIEWS_OF_ALL);
        if let Some(record) = &mut look.record {
            record.references = 0;
        }
        look
    }

    /// A look at one that was just loaded, and at one of which that isn't known.
    fn loads() -> Look {
        look(State::Coming, VIEWS_OF_ALL & !abi::KRSI_VIEW_SYSFS)
    }

    /// What comes to the same address when the memory was freed.
    fn elsewhere(mut look: Look) -> Look {
        if let Some(record) = &mut look.record {
            record.page += 0x40;
        }
        look
    }

    /// COMING of one at this address.
    fn comes(row: &mut Row, module: usize, look: &Look, now: u64) -> bool {
        let record = look.record.unwrap_or(samples::record(State::Coming));
        row.said_to_come(ModuleAddr::new(module), &record, look, now)
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
        row.going(&look(State::Going, VIEWS_OF_ALL), 2 * SECOND);
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
        row.going(&look(State::Live, VIEWS_OF_ALL), 3 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
        // It is kept: a look that finds all in order doesn't clear it.
        row.look(&look(State::Live, VIEWS_OF_ALL), 4 * SECOND);
        assert!(row.take_news(SECOND).is_none());
        // And so is that of one in use, though its state says the same.
        let mut row = live();
        row.going(&look(State::Going, VIEWS_OF_ALL), 3 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
    }

    #[test]
    fn live_opens_a_row_whose_coming_was_taken_back() {
        let mut row = coming();
        row.going(&look(State::Coming, VIEWS_OF_ALL), 2 * SECOND);
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
            for second in 4..14 {
                row.look(&stays, second * SECOND);
            }
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

    /// A rootkit may write what it likes to its own record.
    #[test]
    fn a_record_that_changes_closes_nothing() {
        for views in [0, abi::KRSI_VIEW_TREE] {
            let mut row = leaving();
            let mut wiped = look(State::Wrong, views);
            if let Some(record) = &mut wiped.record {
                record.name = [0; NAME_SIZE];
                record.core = Default::default();
            }
            for second in 4..14 {
                row.look(&wiped, second * SECOND);
                assert!(matches!(row.stage, Stage::Leaving(..)));
            }
            row.look(&wiped, 14 * SECOND);
            assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered & CHAIN != 0));
        }
        let mut row = leaving();
        row.look(&elsewhere(look(State::Wrong, 0)), 4 * SECOND);
        assert!(row.stage == Stage::Closed);
    }

    /// A machine that stood still: no look in between.
    #[test]
    fn time_that_nobody_saw_proves_nothing() {
        let mut row = leaving();
        let freed = look(State::Unformed, 0);
        for hour in 1..5 {
            row.look(&freed, hour * 3600 * SECOND);
        }
        assert!(matches!(row.stage, Stage::Leaving(..)));
        row.look(&gone(), 5 * 3600 * SECOND);
        assert!(row.stage == Stage::Closed);
        assert!(hidden(&mut row, SECOND).is_none());
    }

    /// Readers hold up the grace period that the unload waits for.
    #[test]
    fn time_without_a_grace_period_proves_nothing() {
        for views in [0, VIEWS_OF_ALL & !abi::KRSI_VIEW_SYSFS] {
            let mut row = leaving();
            let mut waits = look(State::Going, views);
            row.look(&waits, 4 * SECOND);
            waits.graced = false;
            for second in 5..60 {
                row.look(&waits, second * SECOND);
            }
            waits.graced = true;
            row.look(&waits, 60 * SECOND);
            assert!(matches!(row.stage, Stage::Leaving(..)));
            row.look(&gone(), 61 * SECOND);
            assert!(row.stage == Stage::Closed);
            assert!(hidden(&mut row, SECOND).is_none());
        }
    }

    #[test]
    fn one_that_leaves_and_comes_back_is_a_forgery() {
        let mut row = leaving();
        row.look(&look(State::Going, VIEWS_OF_ALL & !LIST), 4 * SECOND);
        assert!(matches!(row.stage, Stage::Leaving(..)));
        row.look(&unloads(), 5 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
    }

    /// Also where it looks like one that is loaded to the same place.
    #[test]
    fn one_that_hides_by_turns_is_a_forgery() {
        let mut row = leaving();
        let mut now = 4;
        for _ in 0..2 {
            for _ in 0..8 {
                row.look(&look(State::Coming, 0), now * SECOND);
                now += 1;
            }
            for _ in 0..5 {
                row.look(&look(State::Coming, VIEWS_OF_ALL), now * SECOND);
                now += 1;
            }
        }
        assert!(row.stage == Stage::Here(Phase::Live));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered & CHAIN != 0));
    }

    /// It can't be missing anywhere yet.
    #[test]
    fn one_that_is_hidden_when_it_leaves_is_told() {
        let mut row = live();
        let mut missing = unloads();
        missing.views &= !LIST;
        row.going(&missing, 3 * SECOND);
        assert!(matches!(row.stage, Stage::Leaving(..)));
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.missing == LIST));
    }

    #[test]
    fn a_new_module_closes_the_row_of_the_one_before() {
        // At the same address.
        let mut row = leaving();
        assert!(!comes(&mut row, 0x1000, &loads(), 4 * SECOND));
        assert!(row.stage == Stage::Closed);
        assert!(row
            .take_news(SECOND)
            .is_some_and(|news| news.gone && news.hidden.is_none()));
        // At another one, in its memory.
        let mut row = leaving();
        assert!(!comes(&mut row, 0x1100, &gone(), 4 * SECOND));
        assert!(row.stage == Stage::Closed);
        // In memory of it that was freed before its record.
        let mut row = leaving();
        assert!(!comes(
            &mut row,
            0x1100,
            &look(State::Unformed, 0),
            4 * SECOND
        ));
        assert!(matches!(row.stage, Stage::Leaving(..)));
        assert!(row.take_news(SECOND).is_none());
    }

    /// By itself or by a copy of its record, live or when GOING was told before.
    #[test]
    fn coming_of_what_is_here_is_a_lie_and_closes_nothing() {
        for module in [0x1000, 0x1100] {
            for seen in [unloads(), look(State::Live, VIEWS_OF_ALL), loads()] {
                let same = module == 0x1000;
                let mut row = live();
                let _ = row.take_news(SECOND);
                assert!(comes(&mut row, module, &seen, 4 * SECOND) == same);
                assert!(row.stage == Stage::Here(Phase::Live));
                assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
            }
            let mut row = leaving();
            assert!(comes(&mut row, module, &unloads(), 4 * SECOND) == (module == 0x1000));
            assert!(row.stage == Stage::Here(Phase::Live));
            assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
        }
    }

    /// What was said falsely is told as long as it is there, and no longer.
    #[test]
    fn what_was_forged_stays_until_the_memory_is_gone() {
        let mut row = live();
        row.going(&look(State::Live, VIEWS_OF_ALL), 3 * SECOND);
        row.look(&look(State::Wrong, 0), 4 * SECOND);
        assert!(row.stage == Stage::Here(Phase::Live));
        row.look(&look(State::Live, VIEWS_OF_ALL), 5 * SECOND);
        assert!(row.found.altered == CHAIN);
        row.look(&gone(), 6 * SECOND);
        assert!(row.stage == Stage::Closed);
        let mut row = live();
        let _ = row.take_news(SECOND);
        assert!(!comes(&mut row, 0x1000, &elsewhere(loads()), 4 * SECOND));
        assert!(row.stage == Stage::Closed);
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == CHAIN));
    }

    /// LIVE and GOING are told right after the state has changed.
    #[test]
    fn one_of_which_live_is_not_told_is_found() {
        for state in [State::Live, State::Going] {
            let mut row = coming();
            for second in 2..12 {
                row.look(&look(state, VIEWS_OF_ALL), second * SECOND);
            }
            assert!(hidden(&mut row, SECOND).is_none());
            row.look(&look(state, VIEWS_OF_ALL), 12 * SECOND);
            let state = abi::KRSI_ALTERED_STATE;
            assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == state));
        }
        let mut row = coming();
        for second in 2..100 {
            row.look(&loads(), second * SECOND);
        }
        assert!(hidden(&mut row, SECOND).is_none());
    }

    #[test]
    fn what_the_tree_lost_by_another_is_told_so_once() {
        let mut row = live();
        let _ = row.take_news(SECOND);
        for _ in 0..2 {
            row.look(
                &look(State::Live, VIEWS_OF_ALL & !abi::KRSI_VIEW_TREE),
                4 * SECOND,
            );
            assert!(row.is_lost_in_tree());
            row.blame_other();
        }
        let other = abi::KRSI_ALTERED_OTHER;
        assert!(hidden(&mut row, SECOND).is_some_and(|found| found.altered == other));
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
