// SPDX-License-Identifier: GPL-2.0-or-later

//! How much memory of the kernel's programs and maps take, in bytes. What has gone meanwhile takes
//! none; None where the kernel does not show it, which it does to CAP_SYS_ADMIN alone.

use std::{
    fs,
    os::fd::{AsRawFd, OwnedFd},
};

use libbpf_rs::{ErrorKind, MapCore, MapHandle, Program, Result};

/// That of maps, by their ids.
pub fn of_maps(ids: &[u32]) -> Option<u64> {
    sum(ids, MapHandle::from_map_id, of_map)
}

/// That of a map.
pub fn of_map(map: &MapHandle) -> Option<u64> {
    map.query_fdinfo().ok()?.memlock
}

/// That of programs, by their ids.
pub fn of_programs(ids: &[u32]) -> Option<u64> {
    sum(ids, Program::fd_from_id, of_program)
}

fn sum<T>(ids: &[u32], open: fn(u32) -> Result<T>, of: fn(&T) -> Option<u64>) -> Option<u64> {
    let memory = |id: &u32| match open(*id) {
        Ok(object) => Some(of(&object).unwrap_or(0)),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => None,
        Err(_) => Some(0),
    };
    ids.iter().map(memory).sum()
}

fn of_program(program: &OwnedFd) -> Option<u64> {
    let info = format!("/proc/self/fdinfo/{}", program.as_raw_fd());
    let info = fs::read_to_string(info).ok()?;
    let memory = info
        .lines()
        .find_map(|line| line.strip_prefix("memlock:"))?;
    memory.trim().parse().ok()
}
