// SPDX-License-Identifier: GPL-2.0-or-later

//! Replaces a file whole: who reads it, or loses power, has the old or the new one.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};

/// Writes a file in its place. It keeps owner and mode of the old one; where that is a link, what it
/// leads to is replaced.
pub fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    write(path, contents).with_context(|| format!("writing {}", path.display()))
}

fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => path.to_owned(),
        found => found?,
    };
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let name = path
        .file_name()
        .ok_or(io::Error::from(io::ErrorKind::IsADirectory))?;
    // Always the same, so that one which was left by who was killed is used by the next.
    let temporary = dir.join(format!(".{}.new", name.to_string_lossy()));
    let file = open_alone(&temporary)?;
    let result = fill(&file, &path, contents).and_then(|()| fs::rename(&temporary, &path));
    if result.is_err() {
        // Of a full disk it would take what is left.
        let _ = fs::remove_file(&temporary);
    }
    result?;
    File::open(&dir)?.sync_all()
}

/// Makes a file that takes the place of another.
fn fill(mut file: &File, of: &Path, contents: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(contents)?;
    match fs::metadata(of) {
        Ok(old) => {
            fchown(file, Some(old.uid()), Some(old.gid()))?;
            file.set_permissions(Permissions::from_mode(old.mode() & 0o7777))?;
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            file.set_permissions(Permissions::from_mode(0o644))?;
        }
        Err(e) => return Err(e),
    }
    file.sync_all()
}

/// Opens the temporary file, which nobody else has open to write.
fn open_alone(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)?;
        let own = file.metadata()?;
        // Others may write to the directory: what they made stays theirs, or has another name.
        if !own.is_file() || own.uid() != geteuid().as_raw() || own.nlink() > 1 {
            let why = format!("{} is in the way, which krsi has not made", path.display());
            return Err(io::Error::other(why));
        }
        flock(&file, FlockOperation::LockExclusive)?;
        // Who held the lock has put it in its place meanwhile.
        match fs::symlink_metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => return Ok(file),
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_mode_and_follows_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| dir.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        // What somebody left who was killed is longer.
        fs::write(dir.path().join(".file.new"), "left behind").unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn says_which_file_it_is() {
        let error = replace(Path::new("/no/such/file"), b"").unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/file"));
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        fs::create_dir(&sub).unwrap();
        assert!(replace(&sub, b"new").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_others_have_made_is_not_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let [file, other, new] = ["file", "other", ".file.new"].map(|name| dir.path().join(name));
        fs::write(&other, "other").unwrap();
        fs::hard_link(&other, &new).unwrap();
        let error = format!("{:#}", replace(&file, b"new").unwrap_err());
        assert!(error.contains(".file.new is in the way"), "{error}");
        assert_eq!(fs::read(&other).unwrap(), b"other");
        fs::remove_file(&new).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &new, rustix::fs::Mode::RWXU).unwrap();
        assert!(replace(&file, b"new").is_err());
        fs::remove_file(&new).unwrap();
        std::os::unix::fs::symlink(&other, &new).unwrap();
        assert!(replace(&file, b"new").is_err());
        assert_eq!(fs::read(&other).unwrap(), b"other");
    }

    #[test]
    fn many_at_once_leave_one_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::thread::scope(|scope| {
            for byte in 0..8u8 {
                let file = &file;
                scope.spawn(move || replace(file, &vec![byte; 100_000]).unwrap());
            }
        });
        let bytes = fs::read(&file).unwrap();
        assert_eq!(bytes.len(), 100_000);
        assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    }
}
