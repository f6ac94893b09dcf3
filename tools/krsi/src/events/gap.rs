// SPDX-License-Identifier: GPL-2.0-or-later

//! What was lost when the reader of the kernel's buffers ended: it had taken reports that it told
//! nobody. Reports have numbers, so what was neither told nor counted as lost shows as a gap.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::events::event::{Event, Reported};

/// When nothing came for so long, no burst is open and all losses were told.
const QUIET: Duration = Duration::from_millis(1500);

/// A number that is lower than another's though its report was made so much later is of a policy
/// that was loaded anew: numbers are taken in their order but for a moment, nanoseconds.
const LATER: u64 = 1_000_000_000;

/// The numbers of a policy's reports.
struct Numbers {
    first: u64,
    last: u64,
    last_ns: u64,
    told: u64,
}

impl Numbers {
    fn missing(&self) -> i64 {
        (self.last - self.first + 1) as i64 - self.told as i64
    }
}

/// What was told, and what is missing.
pub struct Gaps {
    policies: HashMap<String, Numbers>,
    /// What is missing of policies that were loaded anew, without what was told as lost.
    others: i64,
    /// What was missing when all had been told.
    before: i64,
    /// There was another reader. What it lost of a policy shows with the next report of that one.
    changed: bool,
    came: Instant,
}

impl Gaps {
    /// From now on.
    pub fn new(now: Instant) -> Self {
        Self {
            policies: HashMap::new(),
            others: 0,
            before: 0,
            changed: false,
            came: now,
        }
    }

    /// Takes an event that is told.
    pub fn take(&mut self, event: &Event, now: Instant) {
        self.came = now;
        match event {
            Event::Report(report) => self.take_report(report),
            Event::Lost { count, .. } => self.others -= *count as i64,
        }
    }

    fn take_report(&mut self, report: &Reported) {
        let &Reported {
            seq,
            count,
            boot_ns,
            ..
        } = report;
        let Some(numbers) = self.policies.get_mut(&report.policy) else {
            let numbers = Numbers {
                // Who comes in the middle of a burst is told of all of it.
                first: (seq + 1).saturating_sub(count),
                last: seq,
                last_ns: boot_ns,
                told: count,
            };
            self.policies.insert(report.policy.clone(), numbers);
            return;
        };
        if seq < numbers.last && boot_ns > numbers.last_ns + LATER {
            self.others += numbers.missing();
            (numbers.first, numbers.last, numbers.told) = (1, 0, 0);
        }
        numbers.told += count;
        numbers.first = numbers.first.min((seq + 1).saturating_sub(count));
        if seq >= numbers.last {
            (numbers.last, numbers.last_ns) = (seq, boot_ns);
        }
    }

    /// Another reads the buffers by now.
    pub fn change(&mut self) {
        self.changed = true;
    }

    /// How many were lost between the readers, when that can be said: it is quiet, or the end.
    pub fn lost(&mut self, now: Instant, is_end: bool) -> Option<u64> {
        if !is_end && now.duration_since(self.came) < QUIET {
            return None;
        }
        let missing = self.others + self.policies.values().map(Numbers::missing).sum::<i64>();
        let lost = missing - self.before;
        // Losses whose gap shows with the next report only make it less for a while.
        self.before = self.before.max(missing);
        if !self.changed || lost <= 0 {
            return None;
        }
        self.before = missing - lost;
        Some(lost as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event::tests::report;

    fn event(seq: u64, count: u64) -> Event {
        let mut report = report("env_audit");
        (report.seq, report.count) = (seq, count);
        Event::Report(Box::new(report))
    }

    /// What is lost after these events, with another reader before the last of them.
    fn lost(events: &[Event]) -> Option<u64> {
        let now = Instant::now();
        let mut gaps = Gaps::new(now);
        let (last, events) = events.split_last().unwrap();
        for event in events {
            gaps.take(event, now);
        }
        gaps.change();
        gaps.take(last, now);
        assert_eq!(gaps.lost(now, false), None);
        let lost = gaps.lost(now + QUIET, false);
        if let Some(count) = lost {
            gaps.take(&Event::lost("", count, "reader"), now);
        }
        assert_eq!(gaps.lost(now, true), None, "what was said is said once");
        lost
    }

    #[test]
    fn a_gap_is_told_once() {
        assert_eq!(lost(&[event(5, 1), event(6, 1), event(10, 1)]), Some(3));
        assert_eq!(lost(&[event(5, 1), event(6, 1), event(7, 1)]), None);
    }

    #[test]
    fn a_burst_and_a_loss_that_was_told_make_no_gap() {
        assert_eq!(lost(&[event(5, 1), event(10, 5)]), None);
        assert_eq!(lost(&[event(100, 99), event(101, 1)]), None);
        let told = Event::lost("process_exec", 4, "kernel");
        assert_eq!(lost(&[event(5, 1), told.clone(), event(10, 1)]), None);
        assert_eq!(lost(&[event(5, 1), told, event(12, 1)]), Some(2));
    }

    #[test]
    fn a_gap_may_show_long_after_the_change() {
        let now = Instant::now();
        let mut gaps = Gaps::new(now);
        gaps.take(&event(5, 1), now);
        gaps.change();
        assert_eq!(gaps.lost(now + QUIET, false), None);
        gaps.take(&event(7, 1), now + QUIET);
        assert_eq!(gaps.lost(now + 2 * QUIET, false), Some(1));
    }

    #[test]
    fn numbers_may_come_out_of_order() {
        assert_eq!(lost(&[event(6, 1), event(5, 1), event(7, 1)]), None);
    }

    #[test]
    fn a_policy_that_is_loaded_anew_counts_anew() {
        let mut anew = report("env_audit");
        (anew.seq, anew.boot_ns) = (3, anew.boot_ns + 2 * LATER);
        let anew = Event::Report(Box::new(anew));
        assert_eq!(lost(&[event(50, 1), anew]), Some(2));
    }
}
