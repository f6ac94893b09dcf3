// SPDX-License-Identifier: GPL-2.0-or-later

//! Where what is applied is pinned: the maps that all policies share, and a directory for each policy,
//! which holds its link and its maps. Who changes any of it holds the [`Lock`].

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use libbpf_rs::MapHandle;
use rustix::fs::{FlockOperation, flock, statfs};

use crate::output::say;

/// Where all of it is.
pub const ROOT: &str = "/sys/fs/bpf/krsi";

/// The maps that all policies share.
pub const SHARED: [&str; 5] = ["reports", "denials", "reports_perf", "denials_perf", "lost"];

/// What stands behind the name of what is made and not in its place yet.
pub const NEW: &str = "-new";

/// The name of a policy's link.
pub const LINK: &str = "link";

/// The name of a policy's struct_ops map.
pub const OPS: &str = "ops";

/// Magic number of bpffs, from linux/magic.h.
const BPF_FS: u64 = 0xcafe_4a11;

/// Who holds it may change what is applied.
const LOCK: &str = "/run/krsi.lock";

/// The pin of a map that all policies share.
pub fn shared(map: &str) -> PathBuf {
    Path::new(ROOT).join(map)
}

/// The directory of a policy.
pub fn policy(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// The pin of a policy's map. bpffs has no names with dots.
pub fn map(policy_name: &str, map: &str) -> PathBuf {
    policy(policy_name).join(file_name(map))
}

/// The file's name of a map's pin. libbpf begins the names of sections with the object's.
pub fn file_name(map: &str) -> String {
    match map.rsplit_once('.') {
        Some((_, section @ ("bss" | "data"))) => section.to_owned(),
        _ => map.trim_start_matches('.').replace('.', "_"),
    }
}

/// A map that is pinned there, or None without one.
pub fn open(path: &Path) -> Result<Option<MapHandle>> {
    if !exists(path)? {
        return Ok(None);
    }
    let map = MapHandle::from_pinned_path(path).with_context(|| path.display().to_string())?;
    Ok(Some(map))
}

/// Whether there is something of this name.
pub fn exists(path: &Path) -> Result<bool> {
    path.try_exists()
        .with_context(|| path.display().to_string())
}

/// The names of the policies that have a directory, in their order.
pub fn policies() -> Result<Vec<String>> {
    let mut names = directories()?;
    names.retain(|name| !name.ends_with(NEW));
    Ok(names)
}

/// The names of the policies of which something was made that is not in its place.
pub fn unfinished() -> Result<Vec<String>> {
    let names = directories()?;
    let unfinished = names.iter().filter_map(|name| name.strip_suffix(NEW));
    Ok(unfinished.map(str::to_owned).collect())
}

fn directories() -> Result<Vec<String>> {
    let entries = match fs::read_dir(ROOT) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context(ROOT)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.context(ROOT)?;
        if entry.file_type().context(ROOT)?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Makes the directory for all of it.
pub fn make_root() -> Result<()> {
    let bpffs = Path::new("/sys/fs/bpf");
    let kind = statfs(bpffs).with_context(|| bpffs.display().to_string())?;
    ensure!(
        kind.f_type as u64 == BPF_FS,
        "{0} is not mounted, where policies are kept: mount -t bpf bpf {0}",
        bpffs.display()
    );
    match fs::create_dir(ROOT) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.context(ROOT),
    }
}

/// Nobody else changes what is applied while this lives.
pub struct Lock(#[expect(dead_code, reason = "closing it unlocks")] File);

impl Lock {
    /// Waits until nobody else has it.
    pub fn take() -> Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            // Who may open it can keep others out.
            .mode(0o600)
            .open(LOCK);
        let file = match file {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                bail!("{LOCK}: {e}: what is applied is changed by root")
            }
            file => file.context(LOCK)?,
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Self(file));
        }
        say("krsi: waiting for another krsi, which changes what is applied");
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => (),
                result => break result.context(LOCK)?,
            }
        }
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_have_no_dots() {
        assert_eq!(file_name(".data.variables"), "data_variables");
        assert_eq!(file_name("env_audi.bss"), "bss");
        assert_eq!(file_name("allowed_usb"), "allowed_usb");
    }
}
