// SPDX-License-Identifier: GPL-2.0-or-later

//! The events of what is applied, for as many as want them, from the process that reads the kernel's
//! buffers (`hub.rs`). Whoever finds none starts one; what was lost between two is told (`gap.rs`).

use std::{
    env,
    ffi::OsStr,
    fs::{self, DirBuilder},
    io::{BufRead, BufReader, ErrorKind, Read},
    net::Shutdown,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
        net::UnixStream,
    },
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    events::{
        buffers::Maps,
        event::{Event, Line, SCHEMA},
        gap::Gaps,
        queue::Queue,
    },
    in_force::pins,
    output::{WAIT, say},
};

/// Where the hub is: nobody but root may enter.
const DIR: &str = "/run/krsi";

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
    /// Begins to read. An error if nothing is applied, or who asks may not read the buffers.
    pub fn open() -> Result<Self> {
        let applied = pins::policies().context("reading events needs root")?;
        ensure!(
            !applied.is_empty(),
            "nothing is applied that could report: krsi apply"
        );
        Maps::open().context("reading events needs root")?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(DIR);
        made.context(DIR)?;
        let dir = fs::metadata(DIR).context(DIR)?;
        ensure!(
            dir.uid() == 0 && dir.mode() & 0o022 == 0,
            "{DIR} must belong to root and be written by nobody else: who can change it could tell \
             events that never were"
        );
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
    fn is_closed(&self) -> bool {
        self.0.closed.load(Relaxed)
    }

    /// Hands an event over, or counts it as lost.
    fn send(&self, event: Arc<Event>) {
        let queue = self.0.queue.lock();
        queue.unwrap_or_else(PoisonError::into_inner).push(event);
        self.0.filled.notify_one();
    }
}

/// Until it is closed.
fn read_all(out: &Out) {
    let mut gaps = Gaps::new(Instant::now());
    let mut hub = None;
    while !out.is_closed() {
        let result = match UnixStream::connect(SOCKET) {
            Ok(stream) => listen(stream, out, &mut gaps),
            Err(_) => start_hub(&mut hub),
        };
        if let Err(e) = result {
            say(&format!("krsi: reading events: {e:#}"));
            thread::sleep(Duration::from_secs(1));
        }
        tell_gap(out, &mut gaps, false);
        thread::sleep(PAUSE);
    }
    tell_gap(out, &mut gaps, true);
}

/// Starts the process that reads the buffers, if there are any and the last one has ended.
fn start_hub(hub: &mut Option<Child>) -> Result<()> {
    if let Some(hub) = hub {
        if hub.try_wait()?.is_none() {
            return Ok(());
        }
    }
    if Maps::open()?.is_none() {
        return Ok(());
    }
    let program = env::current_exe().context("finding this program")?;
    // After an upgrade, the new one is in its place.
    let bytes = program.as_os_str().as_bytes();
    let path = OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes));
    let mut child = Command::new(path)
        .arg("hub")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| path.to_string_lossy().into_owned())?;
    // It may outlive this process, and must not hold what that writes to.
    if let Some(errors) = child.stderr.take() {
        let lines = BufReader::new(errors).lines();
        thread::Builder::new()
            .name("errors".into())
            .spawn(move || lines.map_while(Result::ok).for_each(|line| say(&line)))?;
    }
    *hub = Some(child);
    Ok(())
}

/// Hands an event over, which is new to this process.
fn tell(event: Arc<Event>, out: &Out, gaps: &mut Gaps) {
    gaps.take(&event, Instant::now());
    out.send(event);
}

/// Tells what was lost between two hubs, when that is known.
fn tell_gap(out: &Out, gaps: &mut Gaps, is_end: bool) {
    if let Some(count) = gaps.lost(Instant::now(), is_end) {
        tell(Arc::new(Event::lost("", count, "reader")), out, gaps);
    }
}

/// Until the hub ends.
fn listen(mut stream: UnixStream, out: &Out, gaps: &mut Gaps) -> Result<()> {
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
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => (),
            Err(_) => break,
        }
        tell_gap(out, gaps, false);
        if out.is_closed() {
            if end.is_none() {
                // The hub sends what it has for this one, and closes its side.
                let _ = stream.shutdown(Shutdown::Write);
            }
            if Instant::now() >= *end.get_or_insert(Instant::now() + LAST) {
                break;
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
