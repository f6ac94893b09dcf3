// SPDX-License-Identifier: GPL-2.0

//! One module in the ledger: how far it is, what was found and what of it has been told.
//!
//! A row changes by what its module's notifier tells and by looks. Both can lie or be withheld:
//!
//! - LIVE on a row that was told to be going opens it again. Any loaded module can have GOING
//!   told of one that goes on loading, by answering NOTIFY_STOP to its COMING, and need not even
//!   mean harm.
//! - GOING of a live module is believed only if its record says the same. It is looked at again
//!   until its memory is gone; a record that stays though it has left a view is a forgery.
//! - A row is closed when no view has the module and its record isn't there any more, or when
//!   another module comes to its memory.

use super::{
    compare::{
        compare,
        expected,
        is_unloading,
        Baseline,
        Finding,
        Phase, //
    },
    news::News, //
};
use crate::{
    boundary::module::{
        Look,
        ModuleAddr,
        Range,
        Record,
        State,
        CORE, //
    },
    bpf::abi, //
};

pub(crate) const MS: u64 = 1_000_000;

/// When a live module is looked at besides the period, after it became live.
const AFTER_LIVE: [u64; 3] = [1_000 * MS, 5_000 * MS, 30_000 * MS];

/// How long a module may be out of a view with its record still there.
const LEAVES_WITHIN: u64 = 10_000 * MS;

/// How soon, and how late, one that is leaving is looked at again.
pub(crate) const LEAVING_SOON: u64 = 50 * MS;
const LEAVING_LATE: u64 = 5_000 * MS;

/// How far a module is, as far as was heard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It is in one of its phases.
    Here(Phase),
    /// GOING was heard in this phase, at this time; since then it is out of sight.
    Leaving(Phase, u64, Option<u64>),
    /// It is gone.
    Closed,
}

/// Whether no view has it. Where ftrace has disabled itself its records stay.
fn is_nowhere(look: &Look) -> bool {
    look.views & !abi::KRSI_VIEW_FTRACE == 0
}

/// The row.
pub(crate) struct Row {
    pub(crate) module: ModuleAddr,
    pub(crate) was: Baseline,
    pub(crate) loader: abi::ModuleLoader,
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
        now: u64,
    ) -> Self {
        Self {
            module,
            was,
            loader,
            stage: Stage::Here(Phase::Coming),
            came: now,
            lived: None,
            views: 0,
            found: Finding::default(),
            told: Finding::default(),
            fine_at: now,
            hidden_since: now,
            forged: false,
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

    /// A module comes to the place of this one. Whether that is this module itself, so that its
    /// coming is a lie and it needs no new row.
    pub(crate) fn replaced_by(&mut self, module: ModuleAddr, record: &Record, now: u64) -> bool {
        if let Stage::Here(_) = self.stage {
            self.forge(now);
            if module == self.module && self.was.is_of(Some(record)) {
                return true;
            }
        }
        self.close();
        false
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
        self.was.own_views |= views & abi::KRSI_VIEW_BTF;
        self.lived = Some(now);
        self.tell_live = true;
        self.next = self.due(now);
    }

    /// GOING is heard.
    pub(crate) fn going(&mut self, record: Option<&Record>, forced_unloads: bool, now: u64) {
        let Stage::Here(phase) = self.stage else {
            return;
        };
        let unloads = record.is_some_and(|record| is_unloading(record, forced_unloads));
        if phase == Phase::Live && !unloads {
            self.forge(now);
        } else {
            self.stage = Stage::Leaving(phase, now, None);
            self.next = self.due(now);
        }
    }

    /// Takes a look at it.
    pub(crate) fn look(&mut self, look: &Look, now: u64) {
        self.looks += 1;
        self.views = look.views;
        if let Stage::Leaving(phase, since, unseen) = self.stage {
            self.stage = self.leaving(phase, since, unseen, look, now);
        }
        if let Stage::Here(phase) = self.stage {
            let found = compare(&self.was, phase, look);
            self.find(found, now);
            if self.forged && is_nowhere(look) && look.record.is_none() {
                self.close();
            }
        }
        self.next = self.due(now);
    }

    /// What has become of one that is leaving.
    fn leaving(
        &mut self,
        phase: Phase,
        since: u64,
        unseen: Option<u64>,
        look: &Look,
        now: u64,
    ) -> Stage {
        let record = look.record.as_ref();
        let is_this = self.was.is_of(record);
        if is_nowhere(look) && !is_this {
            self.close();
            return Stage::Closed;
        }
        let has_state = |state| record.is_some_and(|record| record.state == state);
        let listed = look.views & abi::KRSI_VIEW_LIST != 0;
        // An unload takes these away at once, at its end.
        let held = expected(&self.was, phase) & !(abi::KRSI_VIEW_BTF | abi::KRSI_VIEW_FTRACE);
        // One that is freed is unformed at the end, one that is loaded at the beginning, before
        // it is in the list of bug tables.
        let unformed = has_state(State::Unformed) && look.views & abi::KRSI_VIEW_BUGS != 0;
        if phase == Phase::Live && listed && has_state(State::Live) {
            self.forge(now);
            return Stage::Here(phase);
        }
        if look.views & held == held && !unformed {
            return Stage::Leaving(phase, since, None);
        }
        let unseen = unseen.unwrap_or(now);
        if now - unseen < LEAVES_WITHIN {
            return Stage::Leaving(phase, since, Some(unseen));
        }
        self.forge(now);
        Stage::Here(phase)
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

    /// The chain told what isn't so.
    fn forge(&mut self, now: u64) {
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
            Stage::Leaving(_, since, _) => {
                let wait = now.saturating_sub(since).clamp(LEAVING_SOON, LEAVING_LATE);
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
