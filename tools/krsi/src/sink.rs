// SPDX-License-Identifier: GPL-2.0-or-later

//! Where `krsi serve` puts events. Each sink has a thread and a bounded queue of its own, so that one
//! that is slow, full or gone holds up no other; what it lost is counted, and said.

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
    event::{Event, Verdict},
    output::say,
};

/// How many events wait for a sink.
const QUEUE: usize = 4096;

/// How long a sink may take to write what waits when the service ends.
const LAST: Duration = Duration::from_secs(3);

/// How often a sink is asked to write out what it keeps.
const FLUSH: Duration = Duration::from_secs(1);

/// What takes events.
pub trait Sink: Send {
    /// Takes one; an error if it is lost.
    fn take(&mut self, event: &Event) -> Result<()>;

    /// Writes out what it keeps.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// How many events it has lost of those that it took, since it was last asked.
    fn lost(&mut self) -> u64 {
        0
    }
}

/// A sink with its thread.
pub struct Worker {
    name: &'static str,
    queue: Option<SyncSender<Arc<Event>>>,
    lost: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the thread.
    pub fn start(name: &'static str, mut sink: Box<dyn Sink>) -> Result<Self> {
        let (queue, events) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(name, sink.as_mut(), &events, &counter))
            .with_context(|| format!("starting {name}"))?;
        Ok(Self {
            name,
            queue: Some(queue),
            lost,
            thread,
        })
    }

    /// Hands an event over, or counts it as lost.
    pub fn send(&self, event: &Arc<Event>) {
        let sent = self
            .queue
            .as_ref()
            .map(|queue| queue.try_send(event.clone()));
        if !matches!(sent, Some(Ok(()))) {
            self.lost.fetch_add(event.count(), Relaxed);
        }
    }

    /// How many reports it lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Waits a moment until it has written what waits, and returns how many reports it lost.
    pub fn finish(mut self) -> u64 {
        self.queue = None;
        let end = Instant::now() + LAST;
        while !self.thread.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        self.lost()
    }
}

/// Until there are no more events. What was lost here is told here when it can be.
fn work(name: &str, sink: &mut dyn Sink, events: &Receiver<Arc<Event>>, lost: &AtomicU64) {
    let mut failed = false;
    let mut told = 0;
    let mut flushed = Instant::now();
    loop {
        let event = match events.recv_timeout(FLUSH) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut result = tell_lost(name, sink, lost, &mut told);
        if let Some(event) = event {
            result = sink.take(&event);
            if result.is_err() {
                lost.fetch_add(event.count(), Relaxed);
            }
        }
        if flushed.elapsed() >= FLUSH {
            flushed = Instant::now();
            result = result.and(sink.flush());
        }
        lost.fetch_add(sink.lost(), Relaxed);
        match &result {
            Err(e) if !failed => say(&format!("krsi: {name}: {e:#}; events are lost there")),
            Ok(()) if failed => say(&format!(
                "krsi: {name}: writing again; lost: {}",
                lost.load(Relaxed)
            )),
            _ => (),
        }
        failed = result.is_err();
    }
    let result = tell_lost(name, sink, lost, &mut told).and(sink.flush());
    lost.fetch_add(sink.lost(), Relaxed);
    if let Err(e) = result {
        say(&format!("krsi: {name}: {e:#}"));
    }
}

/// Tells the sink itself what it has lost since that was last told.
fn tell_lost(name: &str, sink: &mut dyn Sink, lost: &AtomicU64, told: &mut u64) -> Result<()> {
    let missing = lost.load(Relaxed) - *told;
    if missing > 0 {
        sink.take(&Event::lost("", missing, name))?;
        *told += missing;
    }
    Ok(())
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
    use std::sync::mpsc::Receiver;

    /// A sink that waits for leave before each event.
    struct Slow(Receiver<()>);

    impl Sink for Slow {
        fn take(&mut self, _: &Event) -> Result<()> {
            Ok(self.0.recv()?)
        }
    }

    #[test]
    fn a_sink_that_stands_still_loses_events_and_holds_nobody_up() {
        let (leave, wait) = sync_channel(1);
        let worker = Worker::start("slow", Box::new(Slow(wait))).unwrap();
        let event = Arc::new(Event::lost("", 1, "kernel"));
        for _ in 0..QUEUE + 100 {
            worker.send(&event);
        }
        assert!((99..=100).contains(&worker.lost()), "{}", worker.lost());
        drop(leave);
        // What waits is refused then, and counted.
        assert_eq!(worker.finish(), QUEUE as u64 + 100);
    }
}
