// SPDX-License-Identifier: GPL-2.0

//! The behaviour `module_load`: a module is about to be loaded.
//!
//! Once a load, with the contents that will be linked: those of a compressed file are told when they
//! are uncompressed. They are in memory of the kernel's own by then, so they hold still. Process
//! context, no lock is held; may sleep.

use super::{
    ledger,
    loads::Origin, //
};
use crate::{
    boundary::{
        module::{
            NAME_SIZE,
            RECORD_NAME,
            RECORD_SIZE, //
        },
        place::Place,
        process::TaskKey, //
    },
    bpf::{
        abi::{
            self,
            ModuleLoad as Context, //
        },
        event::{
            About,
            Event,
            Subject, //
        },
        kfunc::Group,
        ops::{
            ModuleLoad,
            Op, //
        }, //
    },
    module_contents::ModuleContents,
    module_file::Layout,
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::{
    fs::File,
    prelude::*, //
};

/// Where the name is in what is linked.
const LAYOUT: Layout = Layout {
    size: RECORD_SIZE,
    name: RECORD_NAME,
};

/// A load from a file.
pub(crate) fn from_file(file: &File, contents: &[u8]) -> Result {
    let module = ModuleContents::new(contents, &LAYOUT);
    let subject = Subject::Place(Place::of(file));
    run(subject, &module, abi::KRSI_MODULE_FILE)
}

/// A load from the memory of the process.
pub(crate) fn from_memory(contents: &[u8]) -> Result {
    let module = ModuleContents::new(contents, &LAYOUT);
    run(Subject::None, &module, abi::KRSI_MODULE_MEMORY)
}

/// Tells the policies; the answer is the load's.
fn run(subject: Subject<'_>, module: &ModuleContents<'_>, source: u32) -> Result {
    if lists::calls(Op::ModuleLoad, Group::ModuleDigest) {
        module.prepare();
    }
    // Always, or the note of a load that failed would be taken for this one's.
    note(Origin {
        source,
        digest: module.digest().ok().copied(),
    });
    if !lists::is_wanted(Op::ModuleLoad) {
        return Ok(());
    }

    let (name, flags) = match module.file() {
        Ok(file) if file.name_differs() => (file.name(), abi::KRSI_MODULE_NAME_DIFFERS),
        Ok(file) => (file.name(), 0),
        Err(_) => (&[][..], abi::KRSI_MODULE_MALFORMED),
    };
    let context = Context {
        name: padded(name),
        size: module.size() as u64,
        source,
        flags,
        ..Default::default()
    };
    dispatch::<ModuleLoad>(&Event::new(subject, About::Module(module), context))
}

/// For the row that is made when the module comes, in this task.
fn note(origin: Origin) {
    if let Ok(mut ledger) = ledger::lock() {
        ledger.loads.note(TaskKey::current(), origin);
    }
}

/// A name with NULs after it. What is too long for a module is cut.
pub(super) fn padded(name: &[u8]) -> [u8; NAME_SIZE] {
    let mut padded = [0; NAME_SIZE];
    let room = padded.iter_mut().take(NAME_SIZE - 1);
    room.zip(name).for_each(|(to, from)| *to = *from);
    padded
}
