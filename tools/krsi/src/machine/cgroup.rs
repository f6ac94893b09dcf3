// SPDX-License-Identifier: GPL-2.0-or-later

//! Cgroups (v2) as KRSI tells them: by the inode number of their directory.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result, bail, ensure};

use crate::{machine::mounts, text::unescape};

/// How deep a cgroup may lie: `KRSI_EXEMPT_CGROUP_DEPTH`.
const DEPTH: usize = 16;

/// The id of a cgroup by its path below the root; None if there is none.
pub fn id(path: &str) -> Result<Option<u64>> {
    let steps: Vec<_> = path.split('/').skip(1).collect();
    let wrong = if !path.starts_with('/') {
        "is no path below the root of the cgroups, such as /system.slice/docker.service"
    } else if steps.iter().any(|step| ["", ".", ".."].contains(step)) {
        "has a step that leads nowhere"
    } else if steps.len() > DEPTH {
        "lies too deep to be exempt"
    } else {
        let root = root()?;
        let dir = format!("{root}{path}");
        return match fs::metadata(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Ok(stat) => {
                ensure!(stat.is_dir(), "cgroup {path} is no directory below {root}");
                Ok(Some(stat.ino()))
            }
            Err(e) => Err(e).context(dir),
        };
    };
    bail!("cgroup {path} {wrong}");
}

/// Where cgroup2 is mounted.
fn root() -> Result<String> {
    let mounts = mounts::all()?;
    let root = mounts.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        (kind.starts_with("cgroup2 ") && words.next()? == "/").then_some(words.next()?)
    });
    let root = root.context("no cgroup2 is mounted, so no cgroup can be exempt")?;
    let root = unescape(root);
    Ok(String::from_utf8_lossy(&root).into_owned())
}

/// The path of a cgroup below the root, if it is there.
pub fn path(id: u64) -> Option<String> {
    let root = root().ok()?;
    walkdir::WalkDir::new(&root)
        .max_depth(DEPTH)
        .into_iter()
        .filter_entry(|entry| entry.file_type().is_dir())
        .filter_map(Result::ok)
        .find(|entry| entry.metadata().is_ok_and(|stat| stat.ino() == id))
        .and_then(|entry| {
            let below = entry.path().strip_prefix(&root).ok()?;
            Some(Path::new("/").join(below).display().to_string())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_is_named_from_the_root() {
        for wrong in ["", "a", "/", "/a/../b", "/a//b", &"/a".repeat(17)] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }
}
