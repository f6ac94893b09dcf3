// SPDX-License-Identifier: GPL-2.0-or-later

//! Files that a person names: no FIFO is waited for, and what never ends is not read.

use std::{
    fs::File,
    io::Read,
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::{
    fs::{FileType, Mode, OFlags, SeekFrom, fstat, fstatfs, open, seek},
    io::Errno,
};

/// What is wrong with devices and the like.
const NO_FILE: &str = "it is no regular file";

/// Filesystems whose files are made up when they are read, by their magic number from linux/magic.h:
/// their sizes say nothing, some have no end, and none can be executed or loaded.
const MADE_UP: [(u64, &str); 16] = [
    (0x4249_4e4d, "binfmt_misc"),
    (0xcafe_4a11, "bpf"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6265_6570, "configfs"),
    (0x6462_6720, "debugfs"),
    (0xde5e_81e4, "efivarfs"),
    (0x1980_0202, "mqueue"),
    (0x6e73_6673, "nsfs"),
    (0x0000_9fa0, "proc"),
    (0x6165_676c, "pstore"),
    (0x7363_6673, "securityfs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x4341_5d53, "smackfs"),
    (0x6265_6572, "sysfs"),
    (0x7472_6163, "tracefs"),
];

/// Opens a file to look at it; a FIFO is not waited for. The error has the `Errno`.
pub fn open_to_look(path: &Path) -> Result<File> {
    let open = |path: &Path, how| open(path, how | OFlags::CLOEXEC, Mode::empty());
    let look = || {
        // A device may do something when it is opened: /dev/watchdog restarts the machine.
        let there = open(path, OFlags::PATH)?;
        let kind = FileType::from_raw_mode(fstat(&there)?.st_mode);
        let is_device = matches!(kind, FileType::CharacterDevice | FileType::BlockDevice);
        ensure!(!is_device, NO_FILE);
        let link = format!("/proc/self/fd/{}", there.as_raw_fd());
        Ok(open(link.as_ref(), OFlags::RDONLY | OFlags::NONBLOCK)?)
    };
    let file: Result<OwnedFd> = look();
    Ok(file.with_context(|| path.display().to_string())?.into())
}

/// Opens a regular file to read its contents, which it must have.
pub fn open_contents(path: &Path) -> Result<File> {
    let name = path.display();
    let file = open_to_look(path)?;
    let meta = file.metadata().with_context(|| name.to_string())?;
    ensure!(meta.is_file(), "{name}: {NO_FILE}");
    let kind = fstatfs(&file).with_context(|| name.to_string())?.f_type as u64;
    if let Some((_, filesystem)) = MADE_UP.into_iter().find(|(magic, _)| *magic == kind) {
        bail!("{name} has no contents of its own: it lies on {filesystem}, which makes them up");
    }
    ensure!(
        meta.len() == 0 || seek(&file, SeekFrom::Data(0)) != Err(Errno::NXIO),
        "{name} has no contents: it is one hole of {} bytes",
        meta.len()
    );
    seek(&file, SeekFrom::Start(0)).with_context(|| name.to_string())?;
    Ok(file)
}

/// A regular file whole, which has at most so many bytes.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    read_open(open_to_look(path)?, most).with_context(|| path.display().to_string())
}

/// The same of one that is open.
pub fn read_open(file: File, most: u64) -> Result<Vec<u8>> {
    ensure!(file.metadata()?.is_file(), NO_FILE);
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
    use std::{fs, os::unix::fs::FileExt, path::PathBuf};

    use super::*;

    #[test]
    fn what_never_ends_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let [fifo, large, right] = ["fifo", "large", "right"].map(|name| dir.path().join(name));
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RWXU).unwrap();
        File::create(&large).unwrap().set_len(1 << 40).unwrap();
        fs::write(&right, "text").unwrap();
        assert_eq!(read(&right, 4).unwrap(), b"text");
        assert!(open_to_look(Path::new("/dev/null")).is_err());
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

    #[test]
    fn what_has_no_contents_is_not_opened_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let [hole, empty, sparse] = ["hole", "empty", "sparse"].map(|name| dir.path().join(name));
        File::create(&hole).unwrap().set_len(1 << 40).unwrap();
        File::create(&empty).unwrap();
        let file = File::create(&sparse).unwrap();
        file.set_len(1 << 20).unwrap();
        file.write_all_at(b"end", 1 << 20).unwrap();
        for (path, reason) in [
            (Path::new("/proc/self/mem"), "lies on proc"),
            (Path::new("/proc/self/maps"), "lies on proc"),
            (
                Path::new("/sys/kernel/mm/transparent_hugepage/enabled"),
                "lies on sysfs",
            ),
            (Path::new("/dev/null"), "no regular file"),
            (dir.path(), "no regular file"),
            (&hole, "one hole of 1099511627776 bytes"),
        ] {
            let error = format!("{:#}", open_contents(path).unwrap_err());
            assert!(error.contains(reason), "{error}");
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
        for (path, size) in [
            (&empty, 0),
            (&sparse, (1 << 20) + 3),
            // A link to a file that has some.
            (
                &PathBuf::from("/proc/self/exe"),
                fs::metadata("/proc/self/exe").unwrap().len(),
            ),
        ] {
            let mut bytes = Vec::new();
            open_contents(path)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            assert_eq!(bytes.len() as u64, size, "{}", path.display());
        }
    }
}
