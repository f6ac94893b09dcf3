// SPDX-License-Identifier: GPL-2.0-or-later

//! A file of events, one JSON object a line, that is rotated: `events.json`, `events.json.1`, ...

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

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
                .append(true)
                .mode(0o600)
                .open(&self.path)
                .with_context(name)?;
            self.size = file.metadata().with_context(name)?.len();
            self.open = Some(file);
        }
        self.open.as_mut().context("it was opened")
    }

    fn rotate(&mut self) -> Result<()> {
        self.open = None;
        self.torn = false;
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        }
        for number in (0..self.keep).rev() {
            let (from, to) = (
                numbered(&self.path, number),
                numbered(&self.path, number + 1),
            );
            if from.try_exists()? {
                fs::rename(&from, &to).with_context(|| from.display().to_string())?;
            }
        }
        Ok(())
    }
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
        let mut line = event.to_json();
        line.push('\n');
        if self.torn {
            line.insert(0, '\n');
        }
        self.open()?;
        if self.size > 0 && self.size + line.len() as u64 > self.max_bytes {
            self.rotate()?;
            line = line.trim_start().to_owned();
        }
        let name = self.path.display().to_string();
        let mut written = 0;
        while written < line.len() {
            match self.open()?.write(&line.as_bytes()[written..]) {
                Ok(n) => {
                    written += n;
                    self.size += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => (),
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
            self.torn = false;
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
