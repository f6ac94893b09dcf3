// SPDX-License-Identifier: GPL-2.0

//! One module in the ledger: how far it is, what was found and what of it has been told.
//!
//! A row changes by what its module's notifier tells and by looks. Both can lie or be withheld:
//!
//! - LIVE on a row that was told to be going opens it again. Any loaded module can have GOING
//!   told of one that goes on loading, by answering NOTIFY_STOP to its COMING, and need not even
//!   mean harm.
//! - GOING of a live module is believed only if its record says the same. It is looked at again
//!   until its memory is gone; one that stays though it has left a view, or that comes back into
//!   it, is a forgery.
//! - COMING of a module that is here, or of another one in its memory, is a lie.
//! - A row is closed by what is seen alone: no view has the module, and its memory is no longer
//!   the one that it had.

use super::{
    compare::{
        compare,
        expected,
        is_loading,
        is_passing,
        is_unloading,
        Baseline,
        Finding,
        Phase, //
    },
    doubt::{
        Doubt,
        STEP, //
    },
    loads::Origin,
    news::News,
    MS, //
};
use crate::{
    boundary::module::{
        Look,
        ModuleAddr,
        Range,
        Record,
        State,
        CORE,
        VIEWS_OF_ALL, //
    },
    bpf::abi, //
};

/// When a live module is looked at besides the period, after it became live.
const AFTER_LIVE: [u64; 3] = [1_000 * MS, 5_000 * MS, 30_000 * MS];

/// How soon, and how late, one that is leaving is looked at again.
pub(crate) const LEAVING_SOON: u64 = 50 * MS;
const LEAVING_LATE: u64 = 5_000 * MS;

/// How far a module is, as far as was heard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is in one of its phases.
    Here(Phase),
    /// GOING was heard in this phase, at this time.
    Leaving(Phase, u64),
    /// It is gone.
    Closed,
}

/// Whether no view has it. Where ftrace has disabled itself its records stay, and its BTF where
/// another notifier stopped the chain.
fn is_nowhere(look: &Look) -> bool {
    look.views & VIEWS_OF_ALL == 0
}

/// The row.
pub(crate) struct Row {
    pub(crate) module: ModuleAddr,
    pub(crate) was: Baseline,
    pub(crate) loader: abi::ModuleLoader,
    pub(crate) origin: Origin,
    pub(crate) stage: Stage,
    /// When it came, and since when it is live.
    pub(crate) came: u64,
    lived: Option<u64>,
    /// The views that had it at the last look.
    pub(crate) views: u32,
    pub(crate) found: Finding,
    told: Finding,
    /// The last look that found nothing wrong, and the first since that did.
    fine_at: u64,
    hidden_since: u64,
    /// The chain told what isn't so: kept for ever.
    forged: bool,
    /// Since it first was where an honest module is for a moment only.
    doubt: Option<Doubt>,
    pub(crate) looks: u64,
    /// When it is to be looked at besides the period.
    pub(crate) next: Option<u64>,
    tell_live: bool,
    tell_gone: bool,
    tell_reopened: bool,
}

impl Row {
    /// A module that comes.
    pub(crate) fn new(
        module: ModuleAddr,
        was: Baseline,
        loader: abi::ModuleLoader,
        origin: Origin,
        now: u64,
    ) -> Self {
        Self {
            module,
            was,
            loader,
            origin,
            stage: Stage::Here(Phase::Coming),
            came: now,
            lived: None,
            views: 0,
            found: Finding::default(),
            told: Finding::default(),
            fine_at: now,
            hidden_since: now,
            forged: false,
            doubt: None,
            looks: 0,
            next: None,
            tell_live: false,
            tell_gone: false,
            tell_reopened: false,
        }
    }

    /// Since when it is live, or else since when it is here.
    pub(crate) fn born(&self) -> u64 {
        self.lived.unwrap_or(self.came)
    }

    /// Whether it has memory there.
    pub(crate) fn overlaps(&self, core: &[Range; CORE]) -> bool {
        let own = self.was.core.iter();
        own.into_iter()
            .any(|own| core.iter().any(|range| own.overlaps(range)))
    }

    /// COMING is heard of a module at the place of this one; `look` is what is seen of this one,
    /// or at the same address of the one that comes.
    /// Whether it is said of this module itself, so that it needs no new row.
    ///
    /// What is said closes nothing. This one is gone if no view has it and its memory is another's
    /// or, where the other stands at its very address, if that is in all that the loader enters
    /// first and in nothing that it enters later.
    pub(crate) fn said_to_come(
        &mut self,
        module: ModuleAddr,
        record: &Record,
        look: &Look,
        now: u64,
    ) -> bool {
        let (Stage::Here(phase) | Stage::Leaving(phase, _)) = self.stage else {
            return false;
        };
        let leaves = !self.is_here();
        let is_same = module == self.module;
        let is_gone = if is_same {
            is_loading(record, look.views) && (leaves || !self.was.is_in_place(record))
        } else {
            // What stands at its address may be a third one by now, which is in the list already.
            self.is_gone(look) || leaves && !self.is_in_place(look)
        };
        // Its record is freed after the rest of its memory.
        if !is_gone && !is_same && leaves && is_nowhere(look) {
            return false;
        }
        if is_gone && leaves {
            self.close();
            return false;
        }
        self.forge(phase, now);
        if is_gone {
            self.close();
        }
        is_same && !is_gone
    }

    /// LIVE is heard; `views` are those that have it.
    pub(crate) fn live(&mut self, views: u32, now: u64) {
        match self.stage {
            Stage::Here(Phase::Coming) => {}
            Stage::Leaving(Phase::Coming, ..) => self.tell_reopened = true,
            // Said twice, or of what was live before: nothing new.
            _ => return,
        }
        self.stage = Stage::Here(Phase::Live);
        self.doubt = None;
        self.was.own_views |= views & abi::KRSI_VIEW_BTF;
        self.lived = Some(now);
        self.tell_live = true;
        self.next = self.due(now);
    }

    /// GOING is heard, before anything of it is taken away: what is missing now is hidden.
    pub(crate) fn going(&mut self, look: &Look, now: u64) {
        let Stage::Here(phase) = self.stage else {
            return;
        };
        self.look(look, now);
        if !self.is_here() {
            return;
        }
        let record = look.record.as_ref();
        let unloads = record.is_some_and(|record| is_unloading(record, look.forced_unloads));
        if phase == Phase::Live && !unloads {
            self.forge(phase, now);
        } else {
            self.stage = Stage::Leaving(phase, now);
            self.doubt = None;
            self.next = self.due(now);
        }
    }

    /// Takes a look at it.
    pub(crate) fn look(&mut self, look: &Look, now: u64) {
        self.looks += 1;
        self.views = look.views;
        if let Stage::Leaving(phase, _) = self.stage {
            self.leaving(phase, look, now);
        }
        if let Stage::Here(phase) = self.stage {
            self.here(phase, look, now);
        }
        self.next = self.due(now);
    }

    /// What is wrong with one that is here.
    fn here(&mut self, phase: Phase, look: &Look, now: u64) {
        let mut found = compare(&self.was, phase, look);
        if phase == Phase::Coming && is_passing(look) {
            if self.doubts(look, now) {
                found.altered |= abi::KRSI_ALTERED_STATE;
            }
        } else {
            self.trusts();
        }
        self.find(found, now);
        if self.forged && self.is_gone(look) {
            self.close();
        }
    }

    /// What has become of one that is leaving.
    fn leaving(&mut self, phase: Phase, look: &Look, now: u64) {
        if self.is_gone(look) {
            self.close();
            return;
        }
        let record = look.record.as_ref();
        let has_state = |state| record.is_some_and(|record| record.state == state);
        let listed = look.views & abi::KRSI_VIEW_LIST != 0;
        // An unload takes these away at once, at its end.
        let held = expected(&self.was, phase) & !(abi::KRSI_VIEW_BTF | abi::KRSI_VIEW_FTRACE);
        // One that is freed is unformed at the end, one that is loaded at the beginning, before
        // it is in the list of bug tables.
        let unformed = has_state(State::Unformed) && look.views & abi::KRSI_VIEW_BUGS != 0;
        let is_whole = look.views & held == held && !unformed;
        let lies = if is_whole {
            // None that is unloaded comes back into a view; one that is loaded to the same place
            // is not going.
            let was_away = self.doubt.is_some();
            self.trusts();
            was_away && has_state(State::Going)
        } else {
            self.doubts(look, now)
        };
        if lies || (phase == Phase::Live && listed && has_state(State::Live)) {
            self.forge(phase, now);
        }
    }

    /// It is where an honest module is for a moment only. Whether it has been for longer.
    fn doubts(&mut self, look: &Look, now: u64) -> bool {
        let doubt = self.doubt.get_or_insert_default();
        doubt.again(look.graced, now)
    }

    /// It is not there now.
    fn trusts(&mut self) {
        if let Some(doubt) = &mut self.doubt {
            doubt.pause();
        }
    }

    /// A look at it now.
    pub(crate) fn look_at(&self) -> Look {
        let grace = self.doubt.as_ref().and_then(Doubt::grace);
        self.module.look(&self.was.name, &self.was.core, grace)
    }

    /// Whether no view has it and what was its memory isn't its any more.
    fn is_gone(&self, look: &Look) -> bool {
        is_nowhere(look) && !self.is_in_place(look)
    }

    /// Whether what stands at its address is in its memory.
    fn is_in_place(&self, look: &Look) -> bool {
        let record = look.record.as_ref();
        record.is_some_and(|record| self.was.is_in_place(record))
    }

    /// Whether the tree of addresses has lost it, and by no doing of its own record.
    pub(crate) fn is_lost_in_tree(&self) -> bool {
        self.is_here()
            && self.found.missing & abi::KRSI_VIEW_TREE != 0
            && self.found.altered & abi::KRSI_ALTERED_MEMORY == 0
    }

    /// Whether its record has other ranges than the tree was built from, so that the tree may
    /// lose its neighbours.
    pub(crate) fn has_other_ranges(&self) -> bool {
        let record = self.module.record();
        self.is_here() && record.is_some_and(|record| record.core != self.was.core)
    }

    /// Another module's ranges explain what the tree has lost.
    pub(crate) fn blame_other(&mut self) {
        self.found.altered |= abi::KRSI_ALTERED_OTHER;
    }

    /// Notes what a look found.
    fn find(&mut self, mut found: Finding, now: u64) {
        if self.forged {
            found.altered |= abi::KRSI_ALTERED_CHAIN;
        }
        if found.is_nothing() {
            // What is told about its return needs to know since when it was away.
            if self.told.is_nothing() {
                self.fine_at = now;
            }
        } else if self.found.is_nothing() {
            self.hidden_since = now;
        }
        self.found = found;
    }

    /// The chain told what isn't so: it is still in this phase.
    fn forge(&mut self, phase: Phase, now: u64) {
        self.stage = Stage::Here(phase);
        self.doubt = None;
        self.forged = true;
        self.find(self.found, now);
    }

    /// It is gone.
    pub(crate) fn close(&mut self) {
        if self.stage != Stage::Closed {
            self.stage = Stage::Closed;
            self.tell_gone = self.lived.is_some();
        }
    }

    fn due(&self, now: u64) -> Option<u64> {
        match self.stage {
            Stage::Here(Phase::Live) => {
                let times = AFTER_LIVE.into_iter().map(|after| self.born() + after);
                times.into_iter().find(|time| *time > now)
            }
            Stage::Leaving(_, since) => {
                let late = if self.doubt.is_some() {
                    STEP
                } else {
                    LEAVING_LATE
                };
                let wait = now.saturating_sub(since).clamp(LEAVING_SOON, late);
                Some(now + wait)
            }
            _ => None,
        }
    }

    /// Whether a look at it is for what it may hide, not for when it is gone.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.stage, Stage::Here(_))
    }

    /// The views that must have it.
    pub(crate) fn expected(&self) -> u32 {
        match self.stage {
            Stage::Here(phase) | Stage::Leaving(phase, ..) => expected(&self.was, phase),
            Stage::Closed => 0,
        }
    }

    /// What is to be told and hasn't been.
    pub(crate) fn take_news(&mut self, now: u64) -> Option<News> {
        let changed = self.found != self.told;
        if !(changed || self.tell_live || self.tell_gone || self.tell_reopened) {
            return None;
        }
        let news = News {
            live: core::mem::take(&mut self.tell_live),
            gone: core::mem::take(&mut self.tell_gone),
            reopened: core::mem::take(&mut self.tell_reopened),
            hidden: changed.then_some((self.found, self.told)),
            name: self.was.name,
            core: self.was.core,
            loader: self.loader,
            expected: self.expected(),
            age: now.saturating_sub(self.born()),
            hidden_for: now.saturating_sub(self.hidden_since),
            unseen_for: now.saturating_sub(self.fine_at),
        };
        self.told = self.found;
        if self.found.is_nothing() {
            self.fine_at = now;
        }
        Some(news)
    }
}
