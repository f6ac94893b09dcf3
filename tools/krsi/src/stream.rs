// SPDX-License-Identifier: GPL-2.0

//! The events of what is applied, for as many as want them. Whoever gets the lock reads the kernel's
//! buffers and tells the others (`hub.rs`); when it ends, one of them takes over.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{
    event::{Event, Line, SCHEMA},
    hub,
    output::say,
    pins,
};

/// Where the hub is.
const DIR: &str = "/run/krsi";

/// Who holds it reads the kernel's buffers.
const LOCK: &str = "/run/krsi/reader.lock";

/// Where the hub tells the others.
pub const SOCKET: &str = "/run/krsi/events.sock";

/// How many events wait for who asked for them here.
const QUEUE: usize = 4096;

/// How long to wait before something is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// The events, from now on.
pub struct Stream {
    events: Receiver<Event>,
    closed: Arc<AtomicBool>,
}

/// Where the thread that reads puts them. It waits for nobody: what finds no room is counted.
pub struct Out {
    events: SyncSender<Event>,
    closed: Arc<AtomicBool>,
    lost: u64,
}

impl Stream {
    /// Begins to read. An error if nothing is applied.
    pub fn open() -> Result<Self> {
        ensure!(
            pins::exists(&pins::shared("reports"))?,
            "nothing is applied that could report: krsi apply"
        );
        fs::create_dir_all(DIR).context(DIR)?;
        let (sender, events) = sync_channel(QUEUE);
        let closed = Arc::new(AtomicBool::new(false));
        let mut out = Out {
            events: sender,
            closed: closed.clone(),
            lost: 0,
        };
        thread::spawn(move || {
            while !out.is_closed() {
                if let Err(e) = read(&mut out) {
                    say(&format!("krsi: reading events: {e:#}"));
                    thread::sleep(Duration::from_secs(1));
                }
                thread::sleep(PAUSE);
            }
        });
        Ok(Self { events, closed })
    }

    /// The next event, if it comes within this time.
    pub fn next(&self, wait: Duration) -> Option<Event> {
        self.events.recv_timeout(wait).ok()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.closed.store(true, Relaxed);
    }
}

impl Out {
    /// Whether nobody wants events any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    /// Hands an event over, or counts it as lost.
    pub fn send(&mut self, event: Event) {
        if self.lost > 0 {
            let lost = Event::lost("", self.lost, "reader");
            if self.events.try_send(lost).is_ok() {
                self.lost = 0;
            }
        }
        match self.events.try_send(event) {
            Ok(()) => (),
            Err(TrySendError::Full(_)) => self.lost += 1,
            Err(TrySendError::Disconnected(_)) => self.closed.store(true, Relaxed),
        }
    }
}

/// As the hub, or as one who is told by it.
fn read(out: &mut Out) -> Result<()> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(LOCK)
        .context(LOCK)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => hub::run(out),
        Err(Errno::WOULDBLOCK) => listen(out),
        Err(e) => Err(e).context(LOCK),
    }
}

/// Until the hub ends.
fn listen(out: &mut Out) -> Result<()> {
    // It is not there yet, or no more: whoever has the lock by then is.
    let Ok(stream) = UnixStream::connect(SOCKET) else {
        return Ok(());
    };
    for line in BufReader::new(stream).lines() {
        // The end may come in the middle of a line.
        let Ok(line) = line else { break };
        if let Ok(line) = serde_json::from_str::<Line<'_>>(&line) {
            if line.schema == SCHEMA {
                out.send(line.event.into_owned());
            }
        }
        if out.is_closed() {
            break;
        }
    }
    Ok(())
}
