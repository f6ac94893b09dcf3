// SPDX-License-Identifier: GPL-2.0

//! How long a module has been in a state that an honest one passes in moments.
//!
//! Only what was seen counts: time in which the machine stood still, or in which nobody looked,
//! proves nothing. And as an unload waits for RCU's readers, of its own and, behind
//! `module_mutex`, of others, a step counts only if a grace period has passed in it.

use super::MS;
use crate::boundary::grace::GracePeriod;

/// The most that counts between two looks.
pub(crate) const STEP: u64 = 2_000 * MS;

/// This much is no moment: five looks at least.
const ENOUGH: u64 = 10_000 * MS;

/// What is known of it.
#[derive(Default)]
pub(crate) struct Doubt {
    seen: u64,
    /// The beginning of the step that is under way.
    step: Option<(u64, GracePeriod)>,
}

impl Doubt {
    /// A look finds it in that state; `graced` says that a grace period has passed in the step.
    /// Whether that is enough.
    pub(crate) fn again(&mut self, graced: bool, now: u64) -> bool {
        match &self.step {
            Some(_) if !graced => {}
            Some((from, _)) => {
                self.seen += now.saturating_sub(*from).min(STEP);
                self.step = Some((now, GracePeriod::begin()));
            }
            None => self.step = Some((now, GracePeriod::begin())),
        }
        self.seen >= ENOUGH
    }

    /// A look finds it in another state. What was seen before is not forgotten.
    pub(crate) fn pause(&mut self) {
        self.step = None;
    }

    /// What the step waits for.
    pub(crate) fn grace(&self) -> Option<&GracePeriod> {
        self.step.as_ref().map(|(_, grace)| grace)
    }
}
