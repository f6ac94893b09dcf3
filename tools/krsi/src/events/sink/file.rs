// SPDX-License-Identifier: GPL-2.0-or-later

//! A file of events, one JSON object a line, that is rotated: `events.json`, `events.json.1`, ...

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::Sink;
use crate::events::event::Event;

/// The file.
pub struct EventFile {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    open: Option<File>,
    size: u64,
    /// The last line is not whole.
    torn: bool,
}

impl EventFile {
    /// Opens it; its directory is made.
    pub fn new(path: &Path, max_bytes: u64, keep: u32) -> Result<Self> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        let mut file = Self {
            path: path.to_owned(),
            max_bytes,
            keep,
            open: None,
            size: 0,
            torn: false,
        };
        file.open()?;
        Ok(file)
    }

    fn open(&mut self) -> Result<&mut File> {
        if self.open.is_none() {
            let name = || self.path.display().to_string();
            let file = File::options()
                .create(true)
                .read(true)
                .append(true)
                .mode(0o600)
                // A FIFO is not waited for.
                .custom_flags(libc::O_NONBLOCK)
                .open(&self.path)
                .with_context(name)?;
            let meta = file.metadata().with_context(name)?;
            // What is rotated gets another name: /dev/null must not.
            ensure!(meta.is_file(), "{} is no regular file", name());
            self.size = meta.len();
            self.torn = ends_torn(&file, self.size).with_context(name)?;
            self.open = Some(file);
        }
        self.open.as_mut().context("it was opened")
    }

    fn rotate(&mut self) -> Result<()> {
        self.open = None;
        let gone = |path: &Path, result: io::Result<()>| match result {
            // Somebody else has moved or removed it.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            result => result.with_context(|| path.display().to_string()),
        };
        if self.keep == 0 {
            return gone(&self.path, fs::remove_file(&self.path));
        }
        // Up to the first that is not there, they move by one.
        let is_there = |number: &u32| numbered(&self.path, *number).exists();
        let last = (0..self.keep).take_while(is_there).last();
        for number in (0..=last.unwrap_or(0)).rev() {
            let from = numbered(&self.path, number);
            gone(&from, fs::rename(&from, numbered(&self.path, number + 1)))?;
        }
        Ok(())
    }
}

/// Whether the last line is not whole, as who was killed leaves it.
fn ends_torn(file: &File, size: u64) -> io::Result<bool> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(false);
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

/// The name of a rotated file: 0 is the one that is written.
pub fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    if number > 0 {
        path.push(format!(".{number}"));
    }
    path.into()
}

impl Sink for EventFile {
    fn take(&mut self, event: &Event) -> Result<()> {
        let mut line = event.to_json() + "\n";
        self.open()?;
        let end = self.size + u64::from(self.torn) + line.len() as u64;
        if self.size > 0 && end > self.max_bytes {
            self.rotate()?;
            self.open()?;
        }
        if self.torn {
            line.insert(0, '\n');
        }
        let name = self.path.display().to_string();
        let mut written = 0;
        while written < line.len() {
            match self.open()?.write(&line.as_bytes()[written..]) {
                Ok(n) => {
                    written += n;
                    self.size += n as u64;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => (),
                Err(e) => {
                    self.torn |= written > 0;
                    return Err(e).context(name);
                }
            }
        }
        self.torn = false;
        Ok(())
    }

    /// Writes on into a new file if somebody has moved or removed this one.
    fn flush(&mut self) -> Result<()> {
        let number = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let open = self.open.as_ref().map(File::metadata).transpose()?;
        if open.map(number) != fs::metadata(&self.path).ok().map(number) {
            self.open = None;
            self.open()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_full_is_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log/events.json");
        // Each line has 74 bytes.
        let mut file = EventFile::new(&path, 150, 2).unwrap();
        for count in 0..9 {
            file.take(&Event::lost("", count, "kernel")).unwrap();
        }
        let lines =
            |n| fs::read_to_string(numbered(&path, n)).map_or(0, |text| text.lines().count());
        assert_eq!([lines(0), lines(1), lines(2), lines(3)], [1, 2, 2, 0]);
    }

    #[test]
    fn what_fits_to_the_byte_is_not_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.json");
        let event = Event::lost("", 1, "kernel");
        let size = event.to_json().len() as u64 + 1;
        for (max_bytes, wanted) in [(3 * size, 3), (3 * size - 1, 1), (1, 1)] {
            let _ = fs::remove_file(&path);
            let mut file = EventFile::new(&path, max_bytes, 1).unwrap();
            for _ in 0..3 {
                file.take(&event).unwrap();
            }
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), wanted, "{max_bytes}");
        }
    }

    #[test]
    fn after_a_line_that_was_torn_a_new_one_begins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.json");
        fs::write(&path, "{\"sch").unwrap();
        let event = Event::lost("", 1, "kernel");
        let mut file = EventFile::new(&path, 1 << 20, 1).unwrap();
        file.take(&event).unwrap();
        file.take(&event).unwrap();
        let json = event.to_json();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("{{\"sch\n{json}\n{json}\n"));
    }

    #[test]
    fn what_is_no_file_gets_no_event_and_no_other_name() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        for path in [Path::new("/dev/null"), dir.path(), &fifo] {
            assert!(EventFile::new(path, 100, 1).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn as_many_as_can_be_may_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.json");
        let mut file = EventFile::new(&path, 1, u32::MAX).unwrap();
        for count in 0..4 {
            file.take(&Event::lost("", count, "kernel")).unwrap();
        }
        let there = |number| numbered(&path, number).exists();
        assert_eq!([3, 4].map(there), [true, false]);
        // Somebody removes it in the very moment in which it is rotated.
        fs::remove_file(&path).unwrap();
        file.take(&Event::lost("", 9, "kernel")).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("\"count\":9"));
    }

    #[test]
    fn a_file_that_somebody_moves_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.json");
        let mut file = EventFile::new(&path, 1 << 20, 1).unwrap();
        file.take(&Event::lost("", 1, "kernel")).unwrap();
        fs::rename(&path, dir.path().join("old")).unwrap();
        file.flush().unwrap();
        file.take(&Event::lost("", 2, "kernel")).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("\"count\":2"));
        file.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }
}
