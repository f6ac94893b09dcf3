// SPDX-License-Identifier: GPL-2.0-or-later

//! How much memory of the kernel's programs and maps take, in bytes. What has gone meanwhile takes
//! none.

use std::{
    fs,
    os::fd::{AsRawFd, OwnedFd},
};

use libbpf_rs::{MapCore, MapHandle, Program};

/// That of maps, by their ids.
pub fn of_maps(ids: &[u32]) -> u64 {
    let memory = |id: &u32| of_map(&MapHandle::from_map_id(*id).ok()?);
    ids.iter().filter_map(memory).sum()
}

/// That of a map.
pub fn of_map(map: &MapHandle) -> Option<u64> {
    map.query_fdinfo().ok()?.memlock
}

/// That of programs, by their ids.
pub fn of_programs(ids: &[u32]) -> u64 {
    let memory = |id: &u32| of_program(&Program::fd_from_id(*id).ok()?);
    ids.iter().filter_map(memory).sum()
}

fn of_program(program: &OwnedFd) -> Option<u64> {
    let info = format!("/proc/self/fdinfo/{}", program.as_raw_fd());
    let info = fs::read_to_string(info).ok()?;
    let memory = info
        .lines()
        .find_map(|line| line.strip_prefix("memlock:"))?;
    memory.trim().parse().ok()
}
