// SPDX-License-Identifier: GPL-2.0-or-later

//! Datagrams to a log's socket, which is gone for a moment when the log's daemon is restarted, and
//! full when that is slow.

use std::{
    io::{self, ErrorKind},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// How long a socket may be gone or full before events are lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is tried again meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// A way to the socket.
pub struct Datagrams {
    path: PathBuf,
    socket: UnixDatagram,
    patience: Duration,
    /// The last one was taken. If not, nothing is waited for: what comes next is lost as well.
    works: bool,
}

impl Datagrams {
    /// To the socket with this path.
    pub fn to(path: &str) -> Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            path: path.into(),
            socket,
            patience: PATIENCE,
            works: true,
        })
    }

    /// Sends one; an error if it is lost.
    pub fn send(&mut self, datagram: &[u8]) -> Result<()> {
        let end = Instant::now() + self.patience;
        loop {
            match self.socket.send_to(datagram, &self.path) {
                Ok(_) => {
                    self.works = true;
                    return Ok(());
                }
                Err(e) if may_pass(&e) && self.works && Instant::now() < end => {
                    thread::sleep(PAUSE);
                }
                Err(e) => {
                    self.works &= !may_pass(&e);
                    return Err(e).with_context(|| self.path.display().to_string());
                }
            }
        }
    }
}

/// Whether the daemon may only be slow, or be restarted.
fn may_pass(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::Interrupted
            | ErrorKind::NotFound
            | ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn to(path: &std::path::Path) -> Datagrams {
        let mut datagrams = Datagrams::to(path.to_str().unwrap()).unwrap();
        datagrams.patience = Duration::from_millis(300);
        datagrams
    }

    #[test]
    fn a_daemon_that_is_restarted_gets_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let mut datagrams = to(&path);
        datagrams.send(b"before").unwrap();
        drop(daemon);
        let again = path.clone();
        let daemon = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            fs::remove_file(&again).unwrap();
            UnixDatagram::bind(&again).unwrap()
        });
        datagrams.send(b"after").unwrap();
        let mut buffer = [0; 16];
        let size = daemon.join().unwrap().recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..size], b"after");
    }

    #[test]
    fn one_that_stands_still_is_waited_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let _daemon = UnixDatagram::bind(&path).unwrap();
        let mut datagrams = to(&path);
        while datagrams.send(&[0; 4096]).is_ok() {}
        let began = Instant::now();
        assert!(datagrams.send(b"next").is_err());
        assert!(began.elapsed() < datagrams.patience);
    }

    #[test]
    fn one_that_is_gone_is_told_of_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let error = to(&dir.path().join("log")).send(b"x").unwrap_err();
        assert!(format!("{error:#}").contains("/log: "), "{error:#}");
    }
}
