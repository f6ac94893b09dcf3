// SPDX-License-Identifier: GPL-2.0-or-later

//! What KRSI tells of a file: `struct krsi_file_id` of the ABI, as user space learns it.

use std::{fmt::Write, fs::File, io, os::fd::AsFd, path::Path};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{AtFlags, FileType, StatxFlags, fstatfs, makedev, statx};

use crate::machine::{mounts, regular::open_to_look, sys};

/// Magic numbers of `statfs()`, from linux/magic.h.
const OVERLAYFS: u64 = 0x794c_7630;
const TMPFS: u64 = 0x0102_1994;
const MSDOS: u64 = 0x4d44;

/// `FILEID_INO32_GEN`: inode number and generation.
const INO32_GEN: i32 = 1;

/// Which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// Device number of its superblock.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Generation; 0 where the filesystem has none.
    pub generation: u32,
}

impl FileId {
    /// That of a regular file, or with `FileType::Directory` of a directory.
    pub fn of(path: &Path, wanted: FileType) -> Result<Self> {
        Self::of_open(&open_to_look(path)?, path, wanted)
    }

    /// The same of one that is open by this path.
    pub fn of_open(file: &File, path: &Path, wanted: FileType) -> Result<Self> {
        let name = path.display();
        let flags = StatxFlags::INO | StatxFlags::TYPE | StatxFlags::MNT_ID;
        let stat = statx(file, "", AtFlags::EMPTY_PATH, flags).with_context(|| name.to_string())?;
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        let noun = match wanted {
            FileType::Directory => "directory",
            _ => "program",
        };
        ensure!(kind == wanted, "{name} is no {noun}");
        let filesystem = fstatfs(file).with_context(|| name.to_string())?.f_type as u64;
        if filesystem == OVERLAYFS {
            bail!("{name} lies on overlayfs: name it in its layer{}", layers());
        }
        let generation = generation(file, stat.stx_ino, filesystem)
            .with_context(|| format!("{name}: reading its generation"))?;
        let dev = superblock_dev(stat.stx_mnt_id)?
            .with_context(|| format!("{name}: its mount is not in /proc/self/mountinfo"))?;
        Ok(Self {
            dev,
            ino: stat.stx_ino,
            generation,
        })
    }

    /// As `struct krsi_file_id`, of a file that is in no overlay.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40);
        for word in [self.dev, self.ino, 0, 0] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(self.generation.to_ne_bytes());
        bytes.extend(0u32.to_ne_bytes());
        bytes
    }
}

/// Where the layers of the overlays are, to say so.
fn layers() -> String {
    let mut text = String::new();
    for line in mounts::all().unwrap_or_default().lines() {
        let options = line.rsplit(' ').next().unwrap_or_default().split(',');
        for layer in options.filter(|option| option.starts_with("upperdir=")) {
            let _ = write!(text, ", perhaps below {}", &layer["upperdir=".len()..]);
        }
    }
    text
}

/// The device number of the superblock behind a mount. It is what KRSI tells of a file, and
/// `st_dev` is not where the filesystem makes that up.
fn superblock_dev(mount: u64) -> Result<Option<u64>> {
    let mounts = mounts::all()?;
    let dev = mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let id: u64 = words.next()?.parse().ok()?;
        let (major, minor) = words.nth(1)?.split_once(':')?;
        (id == mount).then_some(makedev(major.parse().ok()?, minor.parse().ok()?))
    });
    Ok(dev)
}

/// The generation of an open file; an error where the filesystem has one that it does not tell.
fn generation(file: impl AsFd, ino: u64, filesystem: u64) -> io::Result<u32> {
    // vfat makes one up whenever it reads an inode: KRSI tells 0.
    if filesystem == MSDOS {
        return Ok(0);
    }
    if let Ok(version) = sys::inode_version(&file) {
        return Ok(version);
    }
    let handle = match sys::handle_of(&file) {
        // What can't be opened by a handle has no use for a generation.
        Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => return Ok(0),
        handle => handle?,
    };
    match handle {
        _ if filesystem == TMPFS && handle.words[1] == ino as u32 => Ok(handle.words[0]),
        _ if handle.kind == INO32_GEN && handle.words[0] == ino as u32 => Ok(handle.words[1]),
        _ => Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP)),
    }
}
