// SPDX-License-Identifier: GPL-2.0-or-later

//! Events that wait for somebody who may be slow: a bounded queue that counts what it has no room
//! for, by behaviour, and tells that in its turn. What was refused, or would have been, finds room
//! when other reports find none.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::events::event::{Event, Verdict};

/// How many events wait.
const ROOM: usize = 8192;

/// How many places of these are kept for what was refused.
const KEPT: usize = 2048;

/// The queue.
#[derive(Default)]
pub struct Queue {
    events: VecDeque<Arc<Event>>,
    lost: BTreeMap<String, u64>,
}

impl Queue {
    /// Takes an event, or counts it as lost.
    pub fn push(&mut self, event: Arc<Event>) {
        let room = match &*event {
            Event::Report(report) if report.verdict != Verdict::Reported => ROOM,
            _ => ROOM - KEPT,
        };
        if self.events.len() >= room {
            let (behaviour, count) = match &*event {
                Event::Report(report) => (&report.behaviour, report.count),
                Event::Lost {
                    behaviour, count, ..
                } => (behaviour, *count),
            };
            *self.lost.entry(behaviour.clone()).or_default() += count;
            return;
        }
        if self.events.len() < ROOM - KEPT {
            while let Some(lost) = self.pop_lost() {
                self.events.push_back(lost);
            }
        }
        self.events.push_back(event);
    }

    /// The next event.
    pub fn pop(&mut self) -> Option<Arc<Event>> {
        self.events.pop_front().or_else(|| self.pop_lost())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.lost.is_empty()
    }

    fn pop_lost(&mut self) -> Option<Arc<Event>> {
        let (behaviour, count) = self.lost.pop_first()?;
        Some(Arc::new(Event::lost(&behaviour, count, "reader")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event::tests::report;

    fn event(verdict: Verdict, count: u64) -> Arc<Event> {
        let mut report = report("env_audit");
        (report.verdict, report.count) = (verdict, count);
        Arc::new(Event::Report(Box::new(report)))
    }

    #[test]
    fn what_finds_no_room_is_counted_and_a_denial_finds_some() {
        let mut queue = Queue::default();
        for _ in 0..ROOM {
            queue.push(event(Verdict::Reported, 3));
        }
        for _ in 0..KEPT {
            queue.push(event(Verdict::Denied, 1));
        }
        queue.push(event(Verdict::Denied, 7));
        queue.push(Arc::new(Event::lost("mount", 5, "kernel")));
        let (mut reports, mut denials, mut lost) = (0, 0, Vec::new());
        while let Some(event) = queue.pop() {
            match &*event {
                Event::Report(report) if report.verdict == Verdict::Denied => denials += 1,
                Event::Report(report) => reports += report.count,
                Event::Lost {
                    behaviour, count, ..
                } => lost.push((behaviour.clone(), *count)),
            }
        }
        let told = (ROOM - KEPT) as u64 * 3;
        assert_eq!((reports, denials), (told, KEPT));
        let execs = KEPT as u64 * 3 + 7;
        assert_eq!(lost, [("mount".into(), 5), ("process_exec".into(), execs)]);
    }

    #[test]
    fn a_loss_is_told_before_what_came_after_it() {
        let mut queue = Queue::default();
        for _ in 0..=ROOM - KEPT {
            queue.push(event(Verdict::Reported, 1));
        }
        queue.pop();
        queue.pop();
        queue.push(event(Verdict::WouldDeny, 1));
        let left: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert!(matches!(
            &*left[left.len() - 2],
            Event::Lost { count: 1, .. }
        ));
        assert!(queue.is_empty());
    }
}
