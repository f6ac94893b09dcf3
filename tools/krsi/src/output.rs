// SPDX-License-Identifier: GPL-2.0-or-later

//! How lines are written: whole, and none of them at any price. Whatever becomes of the standard
//! output, a reader that ended or stands still, a full disk, what was lost is counted and said on
//! the standard error, and the policies stay attached until the command is told to end.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    io::Errno,
    stdio::{dup2_stdout, stderr, stdout},
    time::{ClockId, clock_gettime},
};
use serde::Serialize;
use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGXFSZ},
    flag,
};

use crate::{Status, machine::sys, text};

/// How long to wait for anything before looking whether it is time to end.
pub const WAIT: Duration = Duration::from_millis(100);

/// The clock of the reports: nobody sets it, and it goes on in suspend.
fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(
        now.tv_sec.try_into().unwrap_or(0),
        now.tv_nsec.try_into().unwrap_or(0),
    )
}

/// Where the standard output was closed, has writing to it be the error that it would be without
/// Rust's runtime, which opens `/dev/null` in its place.
pub fn leave_closed() -> Result<()> {
    if sys::stdout_was_closed() {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        dup2_stdout(open("/dev/null", flags, Mode::empty())?)?;
    }
    Ok(())
}

/// When to end.
pub struct End {
    interrupted: Arc<AtomicBool>,
    at: Option<Duration>,
}

impl End {
    /// When it is interrupted.
    pub fn on_signal() -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, interrupted.clone())?;
        }
        // A file that may grow no more is an error of the write, as a closed pipe is.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Self {
            interrupted,
            at: None,
        })
    }

    /// And after so long, from now on.
    pub fn after(&mut self, time: Option<Duration>) {
        self.at = time.map(|time| boot_time() + time);
    }

    /// Whether it is time.
    pub fn is_here(&self) -> bool {
        self.interrupted.load(Relaxed) || self.at.is_some_and(|at| boot_time() >= at)
    }
}

/// Says something on the standard error, if that does not mean to wait. It may have names that
/// somebody else chose.
pub fn say(text: &str) {
    let err = stderr();
    let mut fds = [PollFd::new(&err, PollFlags::OUT)];
    if poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
        // There is nobody to tell that it failed.
        let line = text::shown(text, text::octal) + "\n";
        let _ = rustix::io::write(err, line.as_bytes());
    }
}

/// How far of this length something is, drawn on the standard error if that is a terminal; the
/// template is indicatif's.
pub fn progress(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Prints a text, for commands that end then; an error if nobody reads it. It may have names that
/// somebody else chose.
pub fn print(text: &str) -> Result<()> {
    write(&text::shown(text, text::octal))
}

/// Prints a line of JSON.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let line = serde_json::to_string(value)? + "\n";
    write(&text::shown(&line, text::of_json))
}

/// Not by Rust's standard output, which takes what is closed for written.
fn write(text: &str) -> Result<()> {
    let out = stdout();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(out, rest) {
            Ok(n) => rest = &rest[n..],
            Err(Errno::INTR) => (),
            // Who shares it may have it not wait.
            Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)),
            Err(e) => return Err(e).context("writing to the standard output"),
        }
    }
    Ok(())
}

/// Prints a line.
pub fn tell(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}

/// What a command tells that changes something, line by line. That nobody reads it is an error when
/// all is done, and no reason to stop half way.
#[derive(Default)]
pub struct Account(Option<Error>);

impl Account {
    /// Tells a line.
    pub fn tell(&mut self, line: &str) {
        if self.0.is_none() {
            self.0 = tell(line).err();
        }
    }

    /// All is done.
    pub fn finish(self) -> Result<Status> {
        self.0.map_or(Ok(Status::Done), Err)
    }
}

/// The standard output.
pub struct Lines<'a> {
    end: &'a End,
    /// The last line was lost.
    failed: bool,
    /// The last one that was written at all is not whole.
    torn: bool,
    lost: u64,
}

impl<'a> Lines<'a> {
    /// Until it is time to end.
    pub fn new(end: &'a End) -> Self {
        Self {
            end,
            failed: false,
            torn: false,
            lost: 0,
        }
    }

    /// Whether the last line was lost.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Writes a line; false if it is lost.
    pub fn write(&mut self, line: &str) -> bool {
        let result = self.try_write(line);
        match &result {
            Err(e) => {
                self.lost += 1;
                if !self.failed {
                    say(&format!(
                        "krsi: writing: {e}; lines are lost, and the policies stay attached"
                    ));
                }
            }
            Ok(()) if self.failed => {
                say(&format!("krsi: writing again; lines lost: {}", self.lost));
            }
            Ok(()) => (),
        }
        self.failed = result.is_err();
        result.is_ok()
    }

    fn try_write(&mut self, line: &str) -> io::Result<()> {
        if self.torn {
            self.write_whole(b"\n").map_err(|(e, _)| e)?;
            self.torn = false;
        }
        self.write_whole(format!("{line}\n").as_bytes())
            .map_err(|(e, written)| {
                self.torn = written > 0;
                e
            })
    }

    /// An error with how much was written.
    fn write_whole(&self, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
        let out = stdout();
        let mut written = 0;
        while written < bytes.len() {
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: if self.end.is_here() {
                    0
                } else {
                    WAIT.subsec_nanos().into()
                },
            };
            let mut fds = [PollFd::new(&out, PollFlags::OUT)];
            let result = match poll(&mut fds, Some(&wait)) {
                Ok(0) => Err(Errno::AGAIN),
                Ok(_) => rustix::io::write(out, &bytes[written..]),
                Err(e) => Err(e),
            };
            match result {
                Ok(n) => written += n,
                Err(Errno::AGAIN | Errno::INTR) if !self.end.is_here() => (),
                Err(e) => return Err((e.into(), written)),
            }
        }
        Ok(())
    }

    /// False if a line was lost.
    pub fn finish(self) -> bool {
        if self.lost > 0 {
            say(&format!("krsi: lines lost: {}", self.lost));
        }
        self.lost == 0
    }
}
