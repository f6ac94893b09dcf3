// SPDX-License-Identifier: GPL-2.0-or-later

//! The events of what is applied, for as many as want them. Whoever gets the lock reads the kernel's
//! buffers and tells the others (`hub.rs`); when it ends, one of them takes over, and what was lost
//! between the two is told (`gap.rs`).

use std::{
    fs::{DirBuilder, File},
    io::{ErrorKind, Read},
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt},
        net::UnixStream,
    },
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{
    event::{Event, Line, SCHEMA},
    gap::Gaps,
    hub,
    output::{WAIT, say},
    pins,
    queue::Queue,
};

/// Where the hub is.
const DIR: &str = "/run/krsi";

/// Who holds it reads the kernel's buffers.
const LOCK: &str = "/run/krsi/reader.lock";

/// Where the hub tells the others.
pub const SOCKET: &str = "/run/krsi/events.sock";

/// How long to wait before something is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// How long what the hub has sent is still read when this is to end.
const LAST: Duration = Duration::from_secs(1);

/// The events, from now on.
pub struct Stream {
    out: Out,
    thread: JoinHandle<()>,
}

/// Where the thread that reads puts them. It waits for nobody: what finds no room is counted.
#[derive(Clone)]
pub struct Out(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    closed: AtomicBool,
}

impl Stream {
    /// Begins to read. An error if nothing is applied.
    pub fn open() -> Result<Self> {
        ensure!(
            !pins::policies()?.is_empty(),
            "nothing is applied that could report: krsi apply"
        );
        let made = DirBuilder::new().recursive(true).mode(0o700).create(DIR);
        made.context(DIR)?;
        let out = Out(Arc::default());
        let to = out.clone();
        let thread = thread::Builder::new()
            .name("reader".into())
            .spawn(move || read_all(&to))
            .context("starting a thread")?;
        Ok(Self { out, thread })
    }

    /// The next event, if it comes within this time.
    pub fn next(&self, wait: Duration) -> Option<Arc<Event>> {
        let shared = &*self.out.0;
        let queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut queue, _) = shared
            .filled
            .wait_timeout_while(queue, wait, |queue| queue.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        queue.pop()
    }

    /// Ends to read, and gives what was read; the rest is in the kernel's buffers for the next one.
    pub fn finish(self) -> impl Iterator<Item = Arc<Event>> {
        self.out.0.closed.store(true, Relaxed);
        // A panic was told when it happened.
        let _ = self.thread.join();
        let out = self.out;
        std::iter::from_fn(move || {
            let queue = out.0.queue.lock();
            queue.unwrap_or_else(PoisonError::into_inner).pop()
        })
    }
}

impl Out {
    /// Whether nobody wants events any more.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Relaxed)
    }

    /// Hands an event over, or counts it as lost.
    pub fn send(&self, event: Arc<Event>) {
        let queue = self.0.queue.lock();
        queue.unwrap_or_else(PoisonError::into_inner).push(event);
        self.0.filled.notify_one();
    }
}

/// Until it is closed.
fn read_all(out: &Out) {
    let mut gaps = Gaps::new(Instant::now());
    while !out.is_closed() {
        if let Err(e) = read(out, &mut gaps) {
            say(&format!("krsi: reading events: {e:#}"));
            thread::sleep(Duration::from_secs(1));
        }
        thread::sleep(PAUSE);
    }
    tell_gap(out, &mut gaps, true);
}

/// As the hub, or as one who is told by it.
fn read(out: &Out, gaps: &mut Gaps) -> Result<()> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(LOCK)
        .context(LOCK)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => hub::run(out, gaps),
        Err(Errno::WOULDBLOCK) => listen(out, gaps),
        Err(e) => Err(e).context(LOCK),
    }
}

/// Hands an event over, which is new to this process.
pub fn tell(event: Arc<Event>, out: &Out, gaps: &mut Gaps) {
    gaps.take(&event, Instant::now());
    out.send(event);
}

/// Tells what was lost between two hubs, when that is known.
pub fn tell_gap(out: &Out, gaps: &mut Gaps, is_end: bool) {
    if let Some(count) = gaps.lost(Instant::now(), is_end) {
        tell(Arc::new(Event::lost("", count, "reader")), out, gaps);
    }
}

/// Until the hub ends.
fn listen(out: &Out, gaps: &mut Gaps) -> Result<()> {
    // It is not there yet, or no more: whoever has the lock by then is.
    let Ok(mut stream) = UnixStream::connect(SOCKET) else {
        return Ok(());
    };
    stream.set_read_timeout(Some(WAIT))?;
    let (mut text, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    let mut end = None;
    loop {
        match stream.read(&mut buffer) {
            // What follows the last line's end is a line that the hub had no time for.
            Ok(0) => break,
            Ok(n) => {
                text.extend_from_slice(buffer.get(..n).unwrap_or_default());
                take_lines(&mut text, out, gaps)?;
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock && out.is_closed() => return Ok(()),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => (),
            Err(_) => break,
        }
        tell_gap(out, gaps, false);
        if out.is_closed() {
            let end = *end.get_or_insert(Instant::now() + LAST);
            stream.set_read_timeout(Some(Duration::from_millis(1)))?;
            if Instant::now() >= end {
                return Ok(());
            }
        }
    }
    gaps.change();
    Ok(())
}

/// Takes the whole lines from the front of a text.
fn take_lines(text: &mut Vec<u8>, out: &Out, gaps: &mut Gaps) -> Result<()> {
    let Some(last) = text.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(());
    };
    let rest = text.split_off(last + 1);
    let lines = std::mem::replace(text, rest);
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: Line<'_> = serde_json::from_slice(line)
            .context("the process that reads the kernel's buffers is of another version")?;
        if line.schema != SCHEMA {
            bail!("events of schema {} are told, not {SCHEMA}", line.schema);
        }
        tell(Arc::new(line.event.into_owned()), out, gaps);
    }
    Ok(())
}
