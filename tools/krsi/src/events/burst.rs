// SPDX-License-Identifier: GPL-2.0-or-later

//! Identical reports in a burst are told once at once, and once more, with how many more there
//! were, when the burst ends: the counts of all that is told add up to the reports.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::events::event::{Reported, Verdict};

/// How long after its first report a burst ends.
const TIME: Duration = Duration::from_secs(1);

/// How many bursts there can be at once; what is beyond is told as it comes.
const MAX: usize = 4096;

/// What is the same in all reports of a burst.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    policy: String,
    signal: String,
    verdict: Verdict,
    exe: (u64, u64),
    uid: u32,
    object: String,
    value: String,
}

impl Key {
    fn of(report: &Reported) -> Self {
        Self {
            policy: report.policy.clone(),
            signal: report.signal.clone(),
            verdict: report.verdict,
            exe: report.process.exe,
            uid: report.process.uid,
            object: report.object.clone(),
            value: report.value.clone(),
        }
    }
}

struct Burst {
    began: Instant,
    /// The one with the highest number of those after the first, with how many there were.
    rest: Option<Reported>,
}

/// The bursts of this moment.
#[derive(Default)]
pub struct Bursts(HashMap<Key, Burst>);

impl Bursts {
    /// Takes a report; gives it back if it is to be told now.
    pub fn take(&mut self, mut report: Reported, now: Instant) -> Option<Reported> {
        let is_full = self.0.len() >= MAX;
        match self.0.get_mut(&Key::of(&report)) {
            Some(burst) => {
                if let Some(rest) = burst.rest.take() {
                    let count = report.count + rest.count;
                    // Those of several processors come out of order.
                    report = if report.seq > rest.seq { report } else { rest };
                    report.count = count;
                }
                burst.rest = Some(report);
                None
            }
            None if is_full => Some(report),
            None => {
                let burst = Burst {
                    began: now,
                    rest: None,
                };
                self.0.insert(Key::of(&report), burst);
                Some(report)
            }
        }
    }

    /// What is to be told of the bursts that have ended.
    pub fn ended(&mut self, now: Instant) -> Vec<Reported> {
        self.end(|burst| now.duration_since(burst.began) >= TIME)
    }

    /// What is to be told of all bursts: they end.
    pub fn all(&mut self) -> Vec<Reported> {
        self.end(|_| true)
    }

    fn end(&mut self, has_ended: impl Fn(&Burst) -> bool) -> Vec<Reported> {
        let mut ended = Vec::new();
        self.0.retain(|_, burst| {
            let ends = has_ended(burst);
            if ends {
                ended.extend(burst.rest.take());
            }
            !ends
        });
        ended.sort_by_key(|report| report.boot_ns);
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_twice_and_its_counts_add_up() {
        let report = crate::events::event::tests::report("env_audit");
        let (mut bursts, now) = (Bursts::default(), Instant::now());
        let mut told: Vec<_> = (1..=100)
            .filter_map(|seq| {
                let report = Reported {
                    seq,
                    ..report.clone()
                };
                bursts.take(report, now)
            })
            .collect();
        assert!(bursts.ended(now).is_empty());
        told.extend(bursts.ended(now + TIME));
        let counts: Vec<_> = told
            .iter()
            .map(|report| (report.seq, report.count))
            .collect();
        assert_eq!(counts, [(1, 1), (100, 99)]);
        assert!(bursts.take(report, now + TIME).is_some());
    }

    #[test]
    fn a_burst_has_the_highest_number_in_whatever_order_it_came() {
        let report = crate::events::event::tests::report("env_audit");
        let (mut bursts, now) = (Bursts::default(), Instant::now());
        for seq in [2, 4, 5, 1, 3] {
            let report = Reported {
                seq,
                ..report.clone()
            };
            bursts.take(report, now);
        }
        let ended = bursts.ended(now + TIME);
        assert_eq!((ended[0].seq, ended[0].count), (5, 4));
    }

    #[test]
    fn what_differs_is_no_burst() {
        let (mut bursts, now) = (Bursts::default(), Instant::now());
        for policy in ["a", "b"] {
            assert!(
                bursts
                    .take(crate::events::event::tests::report(policy), now)
                    .is_some()
            );
        }
    }
}
