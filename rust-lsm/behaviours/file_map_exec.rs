// SPDX-License-Identifier: GPL-2.0

//! The behaviour `file_map_exec`: a file is about to be mapped executable, or what is mapped of it
//! to become so.
//!
//! A library, what a program loader loads, and in an exec the program itself and its ELF
//! interpreter. To map it takes no lock; `mprotect` holds `mmap_lock` for writing, so programs must
//! not sleep.

use crate::{
    boundary::{
        file,
        lsm_hooks::Access,
        place::Place,
        task, //
    },
    bpf::{
        abi::{
            self,
            MapExec,
            HEADER, //
        },
        event::{
            About,
            Event,
            Subject, //
        },
        ops::{
            FileMapExec,
            Op, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::{
    fs::File,
    mm::virt::VmaRef,
    prelude::*, //
};

/// A file is mapped: tells the policies; the answer is the mapping's. May sleep.
pub(crate) fn mapped(file: &File, access: Access) -> Result {
    if !lists::is_wanted(Op::FileMapExec) {
        return Ok(());
    }
    tell(file, None, abi::KRSI_MAP_MMAP, access)
}

/// What is mapped there becomes executable: tells the policies, if it is a file; the answer is that
/// of `mprotect`. Doesn't sleep.
pub(crate) fn protected(area: &VmaRef, access: Access) -> Result {
    let is_executable = area.flags() & kernel::mm::virt::flags::EXEC != 0;
    if is_executable || !lists::is_wanted(Op::FileMapExec) {
        return Ok(());
    }
    match file::mapped(area) {
        Some(file) => tell(file, Some(area), abi::KRSI_MAP_MPROTECT, access),
        None => Ok(()),
    }
}

fn tell(file: &File, area: Option<&VmaRef>, how: u32, access: Access) -> Result {
    let place = Place::of(file);
    let subject = match area {
        Some(area) => Subject::Mapped(file, area),
        None => Subject::File(file),
    };
    let context = MapExec {
        how,
        flags: flags(file, place, access),
        event: HEADER,
    };

    dispatch::<FileMapExec>(&Event::new(subject, About::Nothing, context))
}

fn flags(file: &File, place: Place<'_>, access: Access) -> u32 {
    let by_exec = task::is_in_exec();
    let facts = [
        (abi::KRSI_MAP_WRITABLE, access.writable),
        (abi::KRSI_MAP_SHARED, access.shared),
        (abi::KRSI_MAP_UNLINKED, place.links() == 0),
        (abi::KRSI_MAP_MEMFD, file::is_memfd(file)),
        (abi::KRSI_MAP_BY_EXEC, by_exec),
        (abi::KRSI_MAP_PROGRAM, by_exec && is_program(file)),
    ];
    facts
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(0, |flags, (flag, _)| flags | flag)
}

/// Whether the current process runs this file.
fn is_program(file: &File) -> bool {
    let mut is_it = false;
    task::with_current_exe(|_, exe| {
        is_it = core::ptr::eq(Place::of(exe).inode(), Place::of(file).inode());
    });
    is_it
}
