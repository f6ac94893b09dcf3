// SPDX-License-Identifier: GPL-2.0

//! Who reads the ring buffers, of which each has one reader, and tells all others: it serves every
//! event as a line of JSON on a socket. It never waits for anybody: a listener that is slow loses
//! lines, and is told how many.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    fs,
    io::{ErrorKind, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use libbpf_rs::{MapCore, MapFlags, MapHandle, RingBufferBuilder};
use rustix::time::{ClockId, clock_gettime};

use crate::{
    burst::Bursts,
    event::{Event, Reported},
    kernel::{self, Mode},
    output::WAIT,
    pins,
    report::{BEHAVIOURS, Report},
    stream::{Out, SOCKET},
};

/// How many lines wait for a listener.
const QUEUE: usize = 4096;

/// How long what the kernel says of the policies' modes is believed.
const MODES: Duration = Duration::from_millis(250);

/// How often is looked whether other buffers are pinned by now.
const PINS: Duration = Duration::from_secs(1);

/// Reads the buffers until others are pinned in their places, or nobody here listens.
pub fn run(out: &mut Out) -> Result<()> {
    let Some(maps) = open()? else {
        return Ok(());
    };
    let mut hub = Hub::new(&maps.lost)?;
    let reports = RefCell::new(Vec::new());
    let keep = |bytes: &[u8]| {
        reports.borrow_mut().push(Report::parse(bytes));
        0
    };
    let mut rings = RingBufferBuilder::new();
    // What is refused is read first.
    rings.add(&maps.denials, keep)?.add(&maps.reports, keep)?;
    let rings = rings.build()?;
    let mut looked = Instant::now();
    while !out.is_closed() {
        // An interrupted wait is no error.
        let _ = rings.poll_raw(WAIT);
        rings.consume()?;
        for report in reports.borrow_mut().drain(..) {
            match report {
                Ok(report) => hub.take(&report, out),
                Err(e) => crate::output::say(&format!("krsi: {e:#}")),
            }
        }
        hub.turn(&maps.lost, out);
        if looked.elapsed() >= PINS {
            looked = Instant::now();
            if !maps.are_pinned()? {
                break;
            }
        }
    }
    Ok(())
}

/// The maps that all policies share.
struct Maps {
    denials: MapHandle,
    reports: MapHandle,
    lost: MapHandle,
}

/// Those that are pinned; None if there are none.
fn open() -> Result<Option<Maps>> {
    let open = |name| pins::open(&pins::shared(name));
    let maps = (open("denials")?, open("reports")?, open("lost")?);
    Ok(match maps {
        (Some(denials), Some(reports), Some(lost)) => Some(Maps {
            denials,
            reports,
            lost,
        }),
        _ => None,
    })
}

impl Maps {
    /// Whether they are in their places still.
    fn are_pinned(&self) -> Result<bool> {
        let id = |map: &MapHandle| Ok::<_, anyhow::Error>(map.info()?.info.id);
        let Some(now) = open()? else {
            return Ok(true);
        };
        Ok(id(&now.denials)? == id(&self.denials)? && id(&now.reports)? == id(&self.reports)?)
    }
}

struct Hub {
    socket: UnixListener,
    listeners: Vec<Listener>,
    bursts: Bursts,
    /// Reports that found no room, by behaviour, as far as that was told.
    lost: Vec<u64>,
    modes: HashMap<String, Mode>,
    asked: Option<Instant>,
}

impl Hub {
    fn new(lost: &MapHandle) -> Result<Self> {
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
            lost: counts(lost),
            modes: HashMap::new(),
            asked: None,
        })
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

    fn take(&mut self, report: &Report, out: &mut Out) {
        let enforced = self.enforces(&String::from_utf8_lossy(&report.policy));
        let report = Reported::new(report, enforced, epoch());
        if let Some(report) = self.bursts.take(report, Instant::now()) {
            self.tell(&Event::Report(Box::new(report)), out);
        }
    }

    /// What is to be done whether there was a report or not.
    fn turn(&mut self, lost: &MapHandle, out: &mut Out) {
        for report in self.bursts.ended(Instant::now()) {
            self.tell(&Event::Report(Box::new(report)), out);
        }
        let now = counts(lost);
        for (i, count) in now.iter().enumerate() {
            let more = count.saturating_sub(self.lost[i]);
            if more > 0 {
                self.tell(&Event::lost(BEHAVIOURS[i], more, "kernel"), out);
            }
        }
        self.lost = now;
        while let Ok((stream, _)) = self.socket.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.listeners.push(Listener::new(stream));
            }
        }
        self.listeners.retain_mut(Listener::write);
    }

    fn tell(&mut self, event: &Event, out: &mut Out) {
        let line = event.to_json();
        for listener in &mut self.listeners {
            listener.push(&line);
        }
        out.send(event.clone());
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

/// How many reports found no room, by behaviour.
pub fn counts(lost: &impl MapCore) -> Vec<u64> {
    (0..BEHAVIOURS.len() as u32)
        .map(|key| {
            let value = lost
                .lookup(&key.to_ne_bytes(), MapFlags::ANY)
                .ok()
                .flatten();
            value
                .and_then(|value| value.try_into().ok())
                .map_or(0, u64::from_ne_bytes)
        })
        .collect()
}

/// Who is told by the socket.
struct Listener {
    stream: UnixStream,
    lines: VecDeque<Vec<u8>>,
    /// How much of the first line is written.
    written: usize,
    lost: u64,
}

impl Listener {
    fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            lines: VecDeque::new(),
            written: 0,
            lost: 0,
        }
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() >= QUEUE {
            self.lost += 1;
            return;
        }
        if self.lost > 0 {
            let event = Event::lost("", std::mem::take(&mut self.lost), "reader");
            self.lines
                .push_back(format!("{}\n", event.to_json()).into());
        }
        self.lines.push_back(format!("{line}\n").into());
    }

    /// Writes what can be written without waiting; false if nobody reads any more.
    fn write(&mut self) -> bool {
        while let Some(line) = self.lines.front() {
            match self.stream.write(&line[self.written..]) {
                Ok(n) if self.written + n == line.len() => {
                    self.written = 0;
                    self.lines.pop_front();
                }
                Ok(n) => self.written += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
                Err(e) if e.kind() == ErrorKind::Interrupted => (),
                Err(_) => return false,
            }
        }
        true
    }
}
