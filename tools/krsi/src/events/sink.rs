// SPDX-License-Identifier: GPL-2.0-or-later

//! Where `krsi serve` puts events. Each sink has a thread and a bounded queue of its own, so that one
//! that is slow, full or gone holds up no other; what it lost is counted, and said by all of them.

mod datagrams;
pub mod file;
pub mod journald;
pub mod otlp;
pub mod syslog;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{
    events::event::{Event, Verdict},
    output::say,
};

/// How many events wait for a sink.
const QUEUE: usize = 4096;

/// How long sinks may take to write what waits when the service ends.
const LAST: Duration = Duration::from_secs(3);

/// How often a sink is asked to write out what it keeps, and told what others lost.
const FLUSH: Duration = Duration::from_secs(1);

/// For so long nothing is said of a sink after something was: it may fail for each other event.
const SILENCE: Duration = Duration::from_secs(10);

/// What takes events.
pub trait Sink: Send {
    /// Takes one; an error if it is lost.
    fn take(&mut self, event: &Event) -> Result<()>;

    /// Writes out what it keeps.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// How many reports it keeps that it took, and has not written out.
    fn kept(&self) -> u64 {
        0
    }

    /// How many reports it has lost of those that it kept, since it was last asked.
    fn lost(&mut self) -> u64 {
        0
    }
}

/// What became of the reports for a sink.
struct Account {
    name: &'static str,
    lost: AtomicU64,
    waiting: AtomicU64,
    kept: AtomicU64,
}

/// All sinks.
pub struct Sinks {
    accounts: Arc<[Account]>,
    queues: Vec<SyncSender<Arc<Event>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Sinks {
    /// Starts them, each with its name.
    pub fn start(sinks: Vec<(&'static str, Box<dyn Sink>)>) -> Result<Self> {
        let accounts = sinks.iter().map(|&(name, _)| Account {
            name,
            lost: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            kept: AtomicU64::new(0),
        });
        let accounts: Arc<[Account]> = accounts.collect();
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for (own, (name, sink)) in sinks.into_iter().enumerate() {
            let (queue, events) = sync_channel(QUEUE);
            let mut work = Work {
                own,
                told: vec![0; accounts.len()],
                accounts: accounts.clone(),
                sink,
                has_failed: false,
                said: None,
            };
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work.run(&events))
                .with_context(|| format!("starting {name}"))?;
            queues.push(queue);
            threads.push(thread);
        }
        Ok(Self {
            accounts,
            queues,
            threads,
        })
    }

    /// Hands an event to each, or counts it as lost there.
    pub fn send(&self, event: &Arc<Event>) {
        for (account, queue) in self.accounts.iter().zip(&self.queues) {
            let count = event.reports();
            account.waiting.fetch_add(count, Relaxed);
            if queue.try_send(event.clone()).is_err() {
                account.waiting.fetch_sub(count, Relaxed);
                account.lost.fetch_add(count, Relaxed);
            }
        }
    }

    /// Waits a moment until they have written what waits; the names of those that lost reports, and
    /// how many.
    pub fn finish(self) -> Vec<(&'static str, u64)> {
        drop(self.queues);
        let end = Instant::now() + LAST;
        while !self.threads.iter().all(JoinHandle::is_finished) && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        let lost = self
            .accounts
            .iter()
            .zip(&self.threads)
            .map(|(account, thread)| {
                let mut lost = account.lost.load(Relaxed);
                if !thread.is_finished() {
                    lost += account.waiting.load(Relaxed) + account.kept.load(Relaxed);
                }
                (account.name, lost)
            });
        lost.filter(|&(_, lost)| lost > 0).collect()
    }
}

/// A sink in its thread.
struct Work {
    /// Which of the accounts is its own.
    own: usize,
    accounts: Arc<[Account]>,
    sink: Box<dyn Sink>,
    /// What was told of each account's losses.
    told: Vec<u64>,
    /// That it has failed, or writes again, was said last.
    has_failed: bool,
    /// When.
    said: Option<Instant>,
}

impl Work {
    /// Until there are no more events.
    fn run(&mut self, events: &Receiver<Arc<Event>>) {
        let mut flushed = Instant::now();
        loop {
            let event = match events.recv_timeout(FLUSH) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut result = self.tell_lost(self.own);
            if let Some(event) = event {
                result = self.take(&event);
            }
            if flushed.elapsed() >= FLUSH {
                flushed = Instant::now();
                result = result.and(self.tell_others()).and(self.flush());
            }
            self.say(result);
        }
        let result = self.tell_lost(self.own).and(self.tell_others());
        if let Err(e) = result.and(self.flush()) {
            say(&format!("krsi: {}: {e:#}", self.account().name));
        }
    }

    fn account(&self) -> &Account {
        &self.accounts[self.own]
    }

    fn take(&mut self, event: &Event) -> Result<()> {
        let result = self.sink.take(event);
        if result.is_err() {
            self.account().lost.fetch_add(event.reports(), Relaxed);
        }
        self.account().waiting.fetch_sub(event.reports(), Relaxed);
        self.settle();
        result
    }

    fn flush(&mut self) -> Result<()> {
        let result = self.sink.flush();
        self.settle();
        result
    }

    /// Brings the account to what the sink says.
    fn settle(&mut self) {
        let lost = self.sink.lost();
        self.account().lost.fetch_add(lost, Relaxed);
        self.account().kept.store(self.sink.kept(), Relaxed);
    }

    /// Tells the sink what one of them has lost since that was last told.
    fn tell_lost(&mut self, which: usize) -> Result<()> {
        let account = &self.accounts[which];
        let missing = account.lost.load(Relaxed) - self.told[which];
        if missing > 0 {
            self.sink.take(&Event::lost("", missing, account.name))?;
            self.told[which] += missing;
        }
        Ok(())
    }

    fn tell_others(&mut self) -> Result<()> {
        let own = self.own;
        let mut others = (0..self.accounts.len()).filter(|which| *which != own);
        others.try_for_each(|which| self.tell_lost(which))
    }

    /// Says that the sink has failed, or writes again.
    fn say(&mut self, result: Result<()>) {
        let is_silent = self.said.is_some_and(|said| said.elapsed() < SILENCE);
        if result.is_err() == self.has_failed || is_silent {
            return;
        }
        self.has_failed = result.is_err();
        self.said = Some(Instant::now());
        let Account { name, lost, .. } = self.account();
        say(&match result {
            Err(e) => format!("krsi: {name}: {e:#}; events are lost there"),
            Ok(()) => format!("krsi: {name}: writing again; lost: {}", lost.load(Relaxed)),
        });
    }
}

/// How grave an event is, as syslog(3) counts.
pub fn priority(event: &Event) -> u8 {
    match event {
        Event::Lost { .. } => 3,
        Event::Report(report) => match report.verdict {
            Verdict::Denied => 4,
            Verdict::WouldDeny => 5,
            Verdict::Reported => 6,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, mpsc::Receiver};

    /// A sink that waits for leave before each event.
    struct Slow(Receiver<()>);

    impl Sink for Slow {
        fn take(&mut self, _: &Event) -> Result<()> {
            Ok(self.0.recv()?)
        }
    }

    /// One that shows what it took.
    struct Shown(Arc<Mutex<Vec<Event>>>);

    impl Sink for Shown {
        fn take(&mut self, event: &Event) -> Result<()> {
            self.0.lock().unwrap().push(event.clone());
            Ok(())
        }
    }

    fn report() -> Arc<Event> {
        let mut report = crate::events::event::tests::report("env_audit");
        report.count = 3;
        Arc::new(Event::Report(Box::new(report)))
    }

    #[test]
    fn a_sink_that_stands_still_loses_events_and_the_others_tell_it() {
        let (leave, wait) = sync_channel(1);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sinks: Vec<(_, Box<dyn Sink>)> = vec![
            ("slow", Box::new(Slow(wait))),
            ("shown", Box::new(Shown(taken.clone()))),
        ];
        let sinks = Sinks::start(sinks).unwrap();
        let all = QUEUE + 100;
        for n in 0..all {
            sinks.send(&report());
            while taken.lock().unwrap().len() <= n {
                thread::yield_now();
            }
        }
        thread::sleep(2 * FLUSH);
        sinks.send(&report());
        thread::sleep(FLUSH / 2);
        let told: u64 = taken.lock().unwrap().iter().map(lost_by_slow).sum();
        assert!((3 * 99..=3 * 101).contains(&told), "{told}");
        drop(leave);
        // What waits is refused then, and counted.
        assert_eq!(sinks.finish(), [("slow", 3 * (all as u64 + 1))]);
    }

    fn lost_by_slow(event: &Event) -> u64 {
        match event {
            Event::Lost { count, place, .. } if place == "slow" => *count,
            _ => 0,
        }
    }

    #[test]
    fn what_waits_when_it_ends_is_counted_though_the_sink_stands_still() {
        let (leave, wait) = sync_channel(1);
        let sinks = Sinks::start(vec![("slow", Box::new(Slow(wait)) as Box<dyn Sink>)]).unwrap();
        for _ in 0..10 {
            sinks.send(&report());
        }
        assert_eq!(sinks.finish(), [("slow", 30)]);
        drop(leave);
    }

    #[test]
    fn what_was_lost_is_no_report_to_be_lost_again() {
        struct Broken;
        impl Sink for Broken {
            fn take(&mut self, _: &Event) -> Result<()> {
                anyhow::bail!("broken")
            }
        }
        let sinks: Vec<(_, Box<dyn Sink>)> =
            vec![("one", Box::new(Broken)), ("other", Box::new(Broken))];
        let sinks = Sinks::start(sinks).unwrap();
        sinks.send(&report());
        thread::sleep(3 * FLUSH);
        assert_eq!(sinks.finish(), [("one", 3), ("other", 3)]);
    }
}
