// SPDX-License-Identifier: GPL-2.0-or-later

//! Who reads the kernel's buffers, of which each has one reader, and tells all others: it serves every
//! event as a line of JSON on a socket that root alone may connect to. It is a process of its own
//! (`krsi hub`), which the first who wants events starts and which ends when nobody does any more: so
//! one who watches and is stopped, or killed, takes nothing from others. It never waits for anybody: a
//! listener that is slow loses events, and is told how many (`queue.rs`).

use std::{
    cell::RefCell,
    collections::HashMap,
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::{
        fs::{OpenOptionsExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FlockOperation, flock},
    io::Errno,
    process::setsid,
    time::{ClockId, clock_gettime},
};

use crate::{
    Status,
    events::{
        buffers::{Buffer, Maps},
        burst::Bursts,
        event::{Event, Reported},
        losses::Losses,
        queue::Queue,
        report::Report,
        stream::SOCKET,
    },
    in_force::applied::Applied,
    machine::{kernel::Mode, sys},
    output::{End, WAIT, say},
};

/// Who holds it reads the kernel's buffers.
const LOCK: &str = "/run/krsi/reader.lock";

/// How long to wait for the first who wants events.
const FIRST: Duration = Duration::from_secs(5);

/// How long for the next one, when nobody does any more.
const ALONE: Duration = Duration::from_secs(1);

/// How long what the kernel says of the applied policies' modes is believed.
const MODES: Duration = Duration::from_millis(250);

/// How often is looked whether other buffers are pinned by now.
const PINS: Duration = Duration::from_secs(1);

/// How long listeners are still written to at the end.
const LAST: Duration = Duration::from_secs(1);

/// Reads the buffers until others are pinned in their places, it is interrupted, or nobody listens.
pub fn run() -> Result<Status> {
    // Who started it may end long before: it must hold no lock or pipe of his.
    sys::close_inherited();
    // His terminal may stop and end him, and not this.
    let _ = setsid();
    let end = End::on_signal()?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(LOCK)
        .context(LOCK)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => (),
        Err(Errno::WOULDBLOCK) => return Ok(Status::Done),
        Err(e) => return Err(e).context(LOCK),
    }
    let Some(maps) = Maps::open()? else {
        return Ok(Status::Done);
    };
    let mut hub = Hub::new()?;
    let taken = RefCell::new(Vec::new());
    let keep = |bytes: &[u8]| taken.borrow_mut().push(Report::parse(bytes));
    let (denials, reports) = (maps.denials(keep)?, maps.reports(keep)?);
    let take = |buffer: &Buffer<'_>, hub: &mut Hub| {
        buffer.take();
        hub.take_all(&mut taken.borrow_mut())
    };
    let mut looked = Instant::now();
    let mut alone = Instant::now() + FIRST;
    while !end.is_here() {
        hub.wait(&denials, &reports);
        if hub.listeners.is_empty() {
            // What nobody is told of is left for the next one.
            hub.accept();
            if Instant::now() >= alone {
                break;
            }
            continue;
        }
        alone = Instant::now() + ALONE;
        // What is refused is read first, and all of it: somebody may see to it that it never ends.
        while take(&denials, &mut hub) && !hub.listeners.is_empty() && !end.is_here() {
            hub.turn(&maps);
        }
        if !hub.listeners.is_empty() {
            take(&reports, &mut hub);
        }
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
    for buffer in [&denials, &reports] {
        buffer.take_last();
    }
    match hub.listeners.is_empty() {
        true => hub.losses.give_up(taken.borrow_mut().drain(..).flatten()),
        false => {
            hub.take_all(&mut taken.borrow_mut());
            hub.finish(&maps);
        }
    }
    Ok(Status::Done)
}

struct Hub {
    socket: UnixListener,
    listeners: Vec<Listener>,
    bursts: Bursts,
    losses: Losses,
    modes: HashMap<String, Mode>,
    asked: Option<Instant>,
}

impl Hub {
    fn new() -> Result<Self> {
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
            losses: Losses::new(),
            modes: HashMap::new(),
            asked: None,
        })
    }

    /// Until there is a report, somebody to talk to, or nothing for a moment.
    fn wait(&self, denials: &Buffer<'_>, reports: &Buffer<'_>) {
        let mut fds = vec![PollFd::new(&self.socket, PollFlags::IN)];
        if !self.listeners.is_empty() {
            fds.push(PollFd::new(denials, PollFlags::IN));
            fds.push(PollFd::new(reports, PollFlags::IN));
        }
        fds.extend(self.listeners.iter().map(|listener| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, !listener.leaves);
            flags.set(PollFlags::OUT, !listener.has_nothing());
            PollFd::new(&listener.stream, flags)
        }));
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: WAIT.subsec_nanos().into(),
        };
        // An interrupted wait is no error.
        let _ = poll(&mut fds, Some(&wait));
    }

    /// Whether an applied policy runs in enforce mode.
    fn enforces(&mut self, policy: &str) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() >= MODES) {
            self.asked = Some(Instant::now());
            // Somebody else's policy may have the same name. What is gone was judged by its last mode.
            let applied = Applied::all().unwrap_or_default().into_iter();
            let applied = applied.map(|policy| policy.kernel);
            self.modes
                .extend(applied.map(|policy| (policy.name, policy.mode)));
        }
        self.modes.get(policy) == Some(&Mode::Enforce)
    }

    /// Takes what was read; false if that is nothing.
    fn take_all(&mut self, taken: &mut Vec<Result<Report>>) -> bool {
        let took = !taken.is_empty();
        for report in taken.drain(..) {
            match report {
                Ok(report) => self.take(&report),
                Err(e) => say(&format!("krsi: {e:#}")),
            }
        }
        took
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
        self.accept();
        // Who leaves is told all that it would be told later.
        let leaves = self.listeners.iter_mut().map(Listener::read);
        if leaves.fold(false, |any, leaves| any | leaves) {
            self.tell_rest(maps);
            self.listeners.iter_mut().for_each(Listener::let_go);
        }
        self.listeners.retain_mut(Listener::write);
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.socket.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.listeners.push(Listener::new(stream));
            }
        }
    }

    fn tell(&mut self, event: Event) {
        let event = Arc::new(event);
        for listener in self.listeners.iter_mut().filter(|l| !l.is_let_go) {
            listener.queue.push(event.clone());
        }
    }

    /// Tells what would be told a moment later.
    fn tell_rest(&mut self, maps: &Maps) {
        for report in self.bursts.all() {
            self.tell(Event::Report(Box::new(report)));
        }
        for lost in self.losses.look_now(&maps.lost) {
            self.tell(lost);
        }
    }

    /// Tells what is still to be told.
    fn finish(&mut self, maps: &Maps) {
        self.tell_rest(maps);
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
    queue: Queue,
    /// What is left of a line.
    line: Vec<u8>,
    /// It wants no more than it is owed.
    leaves: bool,
    /// And that is in its queue.
    is_let_go: bool,
}

impl Listener {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            queue: Queue::default(),
            line: Vec::new(),
            leaves: false,
            is_let_go: false,
        }
    }

    fn has_nothing(&self) -> bool {
        self.line.is_empty() && self.queue.is_empty()
    }

    /// Whether it says now that it leaves: it has closed its side. It has nothing else to say.
    fn read(&mut self) -> bool {
        let left = self.leaves;
        if !left {
            self.leaves = match self.stream.read(&mut [0; 64]) {
                Ok(n) => n == 0,
                Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
            };
        }
        self.leaves && !left
    }

    fn let_go(&mut self) {
        self.is_let_go = self.leaves;
    }

    /// Writes what can be written without waiting; false if nobody reads any more.
    fn write(&mut self) -> bool {
        loop {
            if self.line.is_empty() {
                let Some(event) = self.queue.pop() else {
                    return !self.is_let_go;
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
