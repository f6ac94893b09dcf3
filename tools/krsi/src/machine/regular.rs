// SPDX-License-Identifier: GPL-2.0-or-later

//! Files that a person names: no FIFO is waited for, and what never ends is not read.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, Result, ensure};
use rustix::fs::{Mode, OFlags, open};

/// Opens a file to look at it; a FIFO is not waited for. The error has the `Errno`.
pub fn open_to_look(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).with_context(|| path.display().to_string())?;
    Ok(file.into())
}

/// A regular file whole, which has at most so many bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    read_open(open_to_look(path)?, most).with_context(|| path.display().to_string())
}

/// The same of one that is open.
pub fn read_open(file: File, most: u64) -> Result<Vec<u8>> {
    ensure!(file.metadata()?.is_file(), "it is no regular file");
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= most,
        "it has more than {most} bytes, which is too large"
    );
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_never_ends_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let [fifo, large, right] = ["fifo", "large", "right"].map(|name| dir.path().join(name));
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).unwrap();
        File::create(&large).unwrap().set_len(1 << 40).unwrap();
        fs::write(&right, "text").unwrap();
        assert_eq!(read(&right, 4).unwrap(), b"text");
        for (path, reason) in [
            (Path::new("/dev/zero"), "no regular file"),
            (&fifo, "no regular file"),
            (dir.path(), "no regular file"),
            (&large, "more than 4 bytes"),
        ] {
            let error = format!("{:#}", read(path, 4).unwrap_err());
            assert!(error.contains(reason), "{error}");
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
    }
}
