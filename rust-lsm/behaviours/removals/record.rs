// SPDX-License-Identifier: GPL-2.0

//! The record of what runs and what was executed.
//!
//! It is kept while a policy with `executable_unlink` is attached. An exec notes the file of each
//! of its rounds; when its credentials are committed these count as executed, and as what the
//! process runs from now on (`kernel/runs.rs`: its children inherit it). Before, for whoever waited
//! for a vfork goes on earlier, a noted file counts while it may not be written to: the exec sees
//! to that, and lets go if it fails. What a program without an ELF interpreter maps executable
//! first counts as well: so a program loader runs a program. A file stays recorded until its inode
//! leaves memory.
//!
//! What a process runs changes under the lock of the files, together with what counts: who finds a
//! file there finds who runs it.
//!
//! When the record begins it is seeded with the executables of the processes that there are; their
//! scripts are not known.
//!
//! Files are known by the numbers of their inodes: in an overlay both that of the overlay and that
//! of the layer, for a name can be removed in either.

mod files;

use crate::{
    boundary::{
        bprm::Bprm,
        inode::{
            Inode,
            Stamp, //
        },
        log::warn_limited,
        place::{
            Name,
            Place, //
        },
        task, //
    },
    bpf::ops::Op,
    policy::lists,
    state::{
        exec_state,
        inode_number,
        process,
        runs::Runs, //
    }, //
};
use files::{
    Files,
    Since,
    Space, //
};
use kernel::{
    fs::File,
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        Arc,
        SetOnce,
        SpinLock, //
    }, //
};

/// What is recorded, by the number of the inode. The lock is taken for short looks; inodes that
/// leave memory take it too, so nothing is allocated under it.
static FILES: SetOnce<Pin<KBox<SpinLock<Files<Facts>>>>> = SetOnce::new();

static ON: Atomic<bool> = Atomic::new(false);

/// What is remembered of a file from an exec.
struct Facts {
    name: Name,
    stamp: Stamp,
}

/// A file that was executed, as a removal meets it.
pub(crate) struct Executed<'a> {
    /// The place by whose inode it is known: the victim, or below it in the layer.
    pub(crate) place: Place<'a>,
    /// Its numbers.
    pub(crate) numbers: [Option<u64>; 2],
    /// Whether it ran already when the record began.
    pub(crate) seeded: bool,
    facts: Arc<Facts>,
    time: u64,
}

impl Executed<'_> {
    /// The name by which it was executed last.
    pub(crate) fn name(&self) -> &Name {
        &self.facts.name
    }

    /// Whether its contents changed since.
    pub(crate) fn is_written_since(&self) -> bool {
        self.place.real_inode().stamp() != self.facts.stamp
    }

    /// Whether this is still known: else the record ended meanwhile.
    pub(crate) fn is_recorded(&self) -> bool {
        let number = inode_number::of(self.place.inode());
        number.is_some() && self.numbers.contains(&number)
    }

    /// Nanoseconds since it was executed last.
    pub(crate) fn age(&self) -> u64 {
        task::boot_ns().saturating_sub(self.time)
    }
}

/// Makes the table. Once, at boot.
pub(crate) fn init() -> Result {
    FILES.populate(KBox::pin_init(
        new_spinlock!(Files::new(), "krsi_record"),
        GFP_KERNEL,
    )?);
    Ok(())
}

/// Begins to record, with what runs already. Sleeps.
pub(crate) fn start() {
    if ON.load(Relaxed) {
        return;
    }
    inode_number::renumber();
    forget_all();
    // Who sees this sees the new numbers.
    ON.store(true, Release);
    process::for_each_unrecorded(|process, exe| {
        note_all(exe, Since::now(true), true, |number| {
            process.add(exe, number)
        });
    });
}

/// Forgets all.
pub(crate) fn stop() {
    if ON.load(Relaxed) {
        ON.store(false, Relaxed);
        forget_all();
    }
}

fn forget_all() {
    let _forgotten = with_files(|files| core::mem::replace(files, Files::new()));
}

fn is_on() -> bool {
    ON.load(Acquire)
}

/// A round of an exec: its file will be executed, if the exec gets that far.
pub(crate) fn round(bprm: &Bprm) {
    let Some(rounds) = exec_state::files(bprm).filter(|_| is_on()) else {
        return;
    };
    process::begin_round(|round| {
        note_all(bprm.file(), Since::now(false), false, |number| {
            round.add(number).and(rounds.add(number))
        });
    });
}

/// An exec is committed: the files of its rounds are executed, by the current process.
pub(crate) fn commit(bprm: &Bprm) {
    if !is_on() {
        return;
    }
    exec_state::with_committed_files(|rounds| {
        if rounds.is_empty() {
            // The record began in the middle of this exec.
            executed(bprm.file(), rounds);
        }
        let since = Since::now(false);
        with_files(|files| {
            rounds.iter().for_each(|number| files.commit(number, since));
            process::begin_program(rounds);
        });
    });
}

/// The current process maps a file executable.
pub(crate) fn mapped(file: &File) {
    if is_on() && task::has_no_interpreter() {
        process::with_first_mapping(|runs| executed(file, runs));
    }
}

/// An inode leaves memory.
pub(crate) fn forget(inode: &Inode) {
    if let Some(number) = inode_number::of(inode) {
        let _forgotten = with_files(|files| files.remove(number));
    }
}

/// What is recorded of the file that a place leads to.
pub(crate) fn find(place: Place<'_>) -> Option<Executed<'_>> {
    let numbers = numbers(&place);
    if numbers == [None, None] {
        return None;
    }
    let places = [place, place.real()];
    with_files(|files| {
        numbers.iter().zip(places).find_map(|(number, place)| {
            let (since, facts) = files.get((*number)?, place.inode().is_write_denied())?;
            Some(Executed {
                place,
                numbers,
                seeded: since.seeded,
                facts: facts.clone(),
                time: since.time,
            })
        })
    })?
}

/// The numbers of the file and, if the removal of this place removes it there too, of the one in
/// the upper layer.
fn numbers(place: &Place<'_>) -> [Option<u64>; 2] {
    let real = if place.is_overlay() {
        inode_number::of(place.real_inode())
    } else {
        None
    };
    [
        inode_number::of(place.inode()),
        real.filter(|_| place.is_overlay_upper()),
    ]
}

/// A file counts as executed from now on, by the process with these `runs`.
fn executed(file: &File, runs: &Runs) {
    note_all(file, Since::now(false), true, |number| runs.add(number));
}

/// Notes a file and the one below it, and calls `add` with the number of each, under the lock.
fn note_all(file: &File, since: Since, executed: bool, add: impl Fn(u64) -> Result) {
    if !is_on() {
        return;
    }
    let place = Place::of(file);
    let real = place.is_overlay().then(|| place.real());
    for place in Iterator::chain(core::iter::once(place), real) {
        if let Err(e) = note(place, since, executed, &add) {
            let errno = e.to_errno();
            lists::count_error(Op::ExecutableUnlink);
            warn_limited!("an executed file could not be recorded: error {errno}\n");
        }
    }
}

fn note(place: Place<'_>, since: Since, executed: bool, add: impl Fn(u64) -> Result) -> Result {
    let number = inode_number::give(place.inode())?;
    let facts = Facts {
        name: place.name()?,
        stamp: place.real_inode().stamp(),
    };
    let (facts, space) = (Arc::new(facts, GFP_KERNEL)?, Space::new(GFP_KERNEL)?);
    with_files(|files| {
        files.note(number, space, facts, since, executed);
        add(number)
    })
    .unwrap_or(Ok(()))
}

fn with_files<R>(look: impl FnOnce(&mut Files<Facts>) -> R) -> Option<R> {
    let files = FILES.as_ref()?;
    Some(look(&mut files.lock()))
}
