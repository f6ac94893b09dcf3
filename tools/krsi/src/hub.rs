// SPDX-License-Identifier: GPL-2.0-or-later

//! Who reads the ring buffers, of which each has one reader, and tells all others: it serves every
//! event as a line of JSON on a socket. It never waits for anybody: a listener that is slow loses
//! events, and is told how many (`queue.rs`).

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    io::{ErrorKind, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use libbpf_rs::{RingBuffer, RingBufferBuilder};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    time::{ClockId, clock_gettime},
};

use crate::{
    burst::Bursts,
    event::{Event, Reported},
    gap::Gaps,
    kernel::{self, Mode},
    losses::Losses,
    output::{WAIT, say},
    report::Report,
    rings::Maps,
    stream::{Out, SOCKET, tell, tell_gap},
};

/// How many reports are taken before others have their turn.
const BATCH: usize = 256;

/// How long what the kernel says of the policies' modes is believed.
const MODES: Duration = Duration::from_millis(250);

/// How often is looked whether other buffers are pinned by now.
const PINS: Duration = Duration::from_secs(1);

/// How long listeners are still written to at the end.
const LAST: Duration = Duration::from_secs(1);

/// Reads the buffers until others are pinned in their places, or nobody here listens.
pub fn run(out: &Out, gaps: &mut Gaps) -> Result<()> {
    let Some(maps) = Maps::open()? else {
        return Ok(());
    };
    let mut hub = Hub::new(Losses::new(), out, gaps)?;
    let taken = RefCell::new(Vec::new());
    let keep = |bytes: &[u8]| {
        taken.borrow_mut().push(Report::parse(bytes));
        0
    };
    let (mut denials, mut reports) = (RingBufferBuilder::new(), RingBufferBuilder::new());
    denials.add(&maps.denials, keep)?;
    reports.add(&maps.reports, keep)?;
    let (denials, reports) = (denials.build()?, reports.build()?);
    let take = |ring: &RingBuffer<'_>, hub: &mut Hub<'_>| {
        let took = ring.consume_raw_n(BATCH);
        for report in taken.borrow_mut().drain(..) {
            match report {
                Ok(report) => hub.take(&report),
                Err(e) => say(&format!("krsi: {e:#}")),
            }
        }
        took > 0
    };
    let mut looked = Instant::now();
    while !out.is_closed() {
        hub.wait(&maps);
        // What is refused is read first, and all of it.
        while take(&denials, &mut hub) && !out.is_closed() {
            hub.turn(&maps);
        }
        take(&reports, &mut hub);
        hub.turn(&maps);
        if looked.elapsed() >= PINS {
            looked = Instant::now();
            if !maps.are_pinned()? {
                // Nobody fills them any more.
                while take(&denials, &mut hub) || take(&reports, &mut hub) {}
                break;
            }
        }
    }
    hub.finish(&maps);
    Ok(())
}

struct Hub<'a> {
    socket: UnixListener,
    listeners: Vec<Listener>,
    bursts: Bursts,
    losses: Losses,
    modes: HashMap<String, Mode>,
    asked: Option<Instant>,
    out: &'a Out,
    gaps: &'a mut Gaps,
}

impl<'a> Hub<'a> {
    fn new(losses: Losses, out: &'a Out, gaps: &'a mut Gaps) -> Result<Self> {
        // Who had it before has ended: the lock is ours.
        match fs::remove_file(SOCKET) {
            Err(e) if e.kind() == ErrorKind::NotFound => (),
            result => result.context(SOCKET)?,
        }
        let socket = UnixListener::bind(SOCKET).context(SOCKET)?;
        fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o600)).context(SOCKET)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            listeners: Vec::new(),
            bursts: Bursts::default(),
            losses,
            modes: HashMap::new(),
            asked: None,
            out,
            gaps,
        })
    }

    /// Until there is a report, somebody to talk to, or nothing for a moment.
    fn wait(&self, maps: &Maps) {
        let mut fds = vec![
            PollFd::new(&maps.denials, PollFlags::IN),
            PollFd::new(&maps.reports, PollFlags::IN),
            PollFd::new(&self.socket, PollFlags::IN),
        ];
        fds.extend(self.listeners.iter().map(|listener| {
            // A listener that has ended is told of without being asked for.
            let flags = match listener.has_nothing() {
                true => PollFlags::empty(),
                false => PollFlags::OUT,
            };
            PollFd::new(&listener.stream, flags)
        }));
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: WAIT.subsec_nanos().into(),
        };
        // An interrupted wait is no error.
        let _ = poll(&mut fds, Some(&wait));
    }

    /// Whether a policy runs in enforce mode.
    fn enforces(&mut self, policy: &str) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() >= MODES) {
            self.asked = Some(Instant::now());
            let policies = kernel::policies().unwrap_or_default();
            self.modes = policies.into_iter().map(|p| (p.name, p.mode)).collect();
        }
        self.modes.get(policy) == Some(&Mode::Enforce)
    }

    fn take(&mut self, report: &Report) {
        let enforced = self.enforces(&String::from_utf8_lossy(&report.policy));
        let report = Reported::new(report, enforced, epoch());
        if let Some(report) = self.bursts.take(report, Instant::now()) {
            self.tell(Event::Report(Box::new(report)));
        }
    }

    /// What is to be done whether there was a report or not.
    fn turn(&mut self, maps: &Maps) {
        for report in self.bursts.ended(Instant::now()) {
            self.tell(Event::Report(Box::new(report)));
        }
        for lost in self.losses.look(&maps.lost) {
            self.tell(lost);
        }
        while let Ok((stream, _)) = self.socket.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.listeners.push(Listener::new(stream));
            }
        }
        self.listeners.retain_mut(Listener::write);
        tell_gap(self.out, self.gaps, false);
    }

    fn tell(&mut self, event: Event) {
        let event = Arc::new(event);
        for listener in &mut self.listeners {
            listener.queue.push(event.clone());
        }
        tell(event, self.out, self.gaps);
    }

    /// Tells what is still to be told.
    fn finish(&mut self, maps: &Maps) {
        for report in self.bursts.all() {
            self.tell(Event::Report(Box::new(report)));
        }
        for lost in self.losses.look_now(&maps.lost) {
            self.tell(lost);
        }
        let end = Instant::now() + LAST;
        self.listeners.retain_mut(Listener::write);
        while !self.listeners.iter().all(Listener::has_nothing) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
            self.listeners.retain_mut(Listener::write);
        }
    }
}

/// The epoch's time at boot, by the machine's clock of this moment.
pub fn epoch() -> Duration {
    let time = |clock| {
        let now = clock_gettime(clock);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
    };
    time(ClockId::Realtime).saturating_sub(time(ClockId::Boottime))
}

/// Who is told by the socket.
struct Listener {
    stream: UnixStream,
    queue: crate::queue::Queue,
    /// What is left of a line.
    line: Vec<u8>,
}

impl Listener {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            queue: crate::queue::Queue::default(),
            line: Vec::new(),
        }
    }

    fn has_nothing(&self) -> bool {
        self.line.is_empty() && self.queue.is_empty()
    }

    /// Writes what can be written without waiting; false if nobody reads any more.
    fn write(&mut self) -> bool {
        loop {
            if self.line.is_empty() {
                let Some(event) = self.queue.pop() else {
                    return true;
                };
                self.line = event.to_json().into();
                self.line.push(b'\n');
            }
            match self.stream.write(&self.line) {
                Ok(n) => drop(self.line.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
                Err(e) if e.kind() == ErrorKind::Interrupted => (),
                Err(_) => return false,
            }
        }
    }
}
