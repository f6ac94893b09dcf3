// SPDX-License-Identifier: GPL-2.0

//! The record of what runs and what was executed.
//!
//! It is kept while a policy with `executable_unlink` is attached, as the rows of `state/rows.rs`.
//! An exec asks for the file of each of its rounds; when its credentials are committed these count
//! as executed, and as what the process runs from now on (its children inherit it). Before, for
//! whoever waited for a vfork goes on earlier, what it asks for counts while it goes on. What a
//! program without an ELF interpreter maps executable first counts as well: so a program loader
//! runs a program. A file stays recorded until its inode leaves memory.
//!
//! When the record begins it is seeded with the executables of the processes that there are; their
//! scripts are not known.
//!
//! Files are known by the numbers of their inodes: in an overlay both that of the overlay and that
//! of the layer, for a name can be removed in either.

use super::whose::{
    self,
    Runners, //
};
use crate::{
    boundary::{
        bprm::Bprm,
        inode::Inode,
        log::warn_limited,
        name::Name,
        once::read_once,
        place::Place,
        process::{
            self,
            TaskKey, //
        },
        task, //
    },
    bpf::ops::Op,
    policy::lists,
    state::{
        digests,
        inode_number,
        removal_notes,
        rows::{
            self,
            Facts,
            Runs,
            Started, //
        }, //
    }, //
};
use kernel::{
    fs::File,
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
        Arc, //
    },
    task::Task, //
};

static ON: Atomic<bool> = Atomic::new(false);

/// What runs already is known, too: before, whoever attaches the first policy still waits, and no
/// removal is told.
static READY: Atomic<bool> = Atomic::new(false);

/// A file that was executed, as a removal meets it.
pub(crate) struct Executed<'a> {
    /// The place by whose inode it is known: the victim, or below it in the layer.
    pub(crate) place: Place<'a>,
    /// Who runs it.
    pub(crate) whose: u32,
    /// How it was started that who runs it is about: by the last exec, if nobody runs it now.
    pub(crate) started: Arc<Facts>,
    /// Its last exec.
    last: Arc<Facts>,
    /// When that was, in nanoseconds since boot.
    time: u64,
}

impl Executed<'_> {
    /// Whether its contents changed since.
    pub(crate) fn is_written_since(&self) -> bool {
        self.place.real_inode().stamp() != self.last.stamp
    }

    /// The name by which it was executed last.
    pub(crate) fn name(&self) -> &Name {
        &self.last.name
    }

    /// Whether it ran already when the record began.
    pub(crate) fn is_seeded(&self) -> bool {
        self.last.seeded
    }

    /// Whether this is still known: else the record ended meanwhile.
    pub(crate) fn is_recorded(&self) -> bool {
        inode_number::of(self.place.inode()).is_some()
    }

    /// Nanoseconds since it was executed last.
    pub(crate) fn age(&self) -> u64 {
        task::boot_ns().saturating_sub(self.time)
    }
}

/// Makes the tables. Once, at boot.
pub(crate) fn init() -> Result {
    removal_notes::init()?;
    rows::init()
}

/// Begins to record, with what runs already. Sleeps.
pub(crate) fn start() {
    if ON.load(Relaxed) {
        return;
    }
    inode_number::renumber();
    digests::clear();
    // What a hook has put there since the end of the last record may be of tasks that are gone.
    rows::clear();
    // Who sees this sees the new numbers.
    ON.store(true, Release);
    // A fork that was under way when its hook came on may bring a process that the first look missed.
    for _ in 0..2 {
        process::for_each(seed_if_unknown);
    }
    READY.store(true, Release);
}

/// Forgets all.
pub(crate) fn stop() {
    if ON.load(Relaxed) {
        READY.store(false, Relaxed);
        ON.store(false, Relaxed);
        rows::clear();
    }
}

fn is_on() -> bool {
    ON.load(Acquire)
}

/// A round of an exec: its file will be executed, if the exec gets that far. What an exec before it
/// asked for that failed is over with the first.
pub(crate) fn round(bprm: &Bprm) {
    if is_on() {
        let mut first = bprm.depth() == 0;
        count_failure(each_file(bprm.file(), |number, place| {
            rows::ask(number, first, |known| facts(place, false, known))?;
            first = false;
            Ok(())
        }));
        if first {
            rows::end_asked();
        }
    }
}

/// An exec is committed: the files of its rounds are executed, by the current process.
pub(crate) fn commit(bprm: &Bprm) {
    if !is_on() {
        return;
    }
    let committed = rows::commit_exec().and_then(|had_asked| {
        if had_asked {
            Ok(())
        } else {
            // The record began in the middle of this exec.
            run(bprm.file())
        }
    });
    count_failure(committed);
}

/// The current process maps a file executable.
pub(crate) fn mapped(file: &File) {
    if is_on() && task::has_no_interpreter() && rows::is_first_mapping() {
        count_failure(run(file));
    }
}

/// The current task makes a process.
pub(crate) fn forked(child: &Task) {
    if !is_on() {
        return;
    }
    let child = TaskKey::of(child);
    let inherited = rows::inherit(child).and_then(|is_known| {
        if !is_known {
            task::with_current_exe(seed_if_unknown);
            rows::inherit(child)?;
        }
        Ok(())
    });
    count_failure(inherited);
}

/// A task is freed. Any context.
pub(crate) fn ended(task: &Task) {
    let task = TaskKey::of(task);
    removal_notes::end(task);
    rows::end(task);
}

/// An inode leaves memory.
pub(crate) fn forget(inode: &Inode) {
    if let Some(number) = inode_number::of(inode) {
        rows::forget(number);
    }
}

/// Whether it may be that anything is recorded: a plain load tells.
#[inline]
pub(crate) fn may_be_ready() -> bool {
    read_once(&READY)
}

/// What is recorded of the file that a place leads to.
pub(crate) fn find(place: Place<'_>) -> Option<Executed<'_>> {
    if !READY.load(Acquire) {
        return None;
    }
    if !rows::knows(TaskKey::leader()) {
        task::with_current_exe(seed_if_unknown);
    }
    let mut whose = 0;
    let mut found: Option<(Place<'_>, Runners)> = None;
    for (number, place) in numbers(place) {
        let runners = whose::look(number?, || Name::without_path(&place).ok())?;
        whose |= runners.mask;
        let is_better = match &found {
            None => runners.has_any(),
            Some((_, before)) => before.started.is_none() && runners.started.is_some(),
        };
        if is_better {
            found = Some((place, runners));
        }
    }
    let (place, runners) = found?;
    let (started, (last, time)) = match (runners.started, runners.executed) {
        (Some(started), Some(executed)) => (started, executed),
        (None, Some(executed)) => (executed.0.clone(), executed),
        (Some(started), None) => (started.clone(), (started.clone(), started.time)),
        (None, None) => return None,
    };
    Some(Executed {
        place,
        whose,
        started,
        last,
        time,
    })
}

/// The numbers of the file and, if the removal of this place removes it there too, of the one in
/// the upper layer; each with the place that leads to it.
fn numbers(place: Place<'_>) -> impl Iterator<Item = (Option<u64>, Place<'_>)> {
    let upper = place.is_overlay_upper().then(|| place.real());
    [Some(place), upper]
        .into_iter()
        .flatten()
        .map(|place| (inode_number::of(place.inode()), place))
        .filter(|(number, _)| number.is_some())
}

/// A process runs its executable since before the record began.
fn seed(leader: &Task, exe: &File) -> Result {
    let mut program = Runs::new();
    each_file(exe, |number, place| {
        let facts = facts(place, true, None)?;
        program = program.and(Started { number, facts })?;
        Ok(())
    })?;
    rows::seed(TaskKey::of(leader), program)
}

/// The same, if nothing is known of it yet.
fn seed_if_unknown(leader: &Task, exe: &File) {
    if !rows::knows(TaskKey::of(leader)) {
        count_failure(seed(leader, exe));
    }
}

/// The current process runs one more file.
fn run(file: &File) -> Result {
    each_file(file, |number, place| {
        rows::run(number, |known| facts(place, false, known))
    })
}

/// Calls `note` with the number of a file that is started, and with that of the one below an
/// overlay; each with the place that leads to it, and again while its number is another by then.
fn each_file(file: &File, mut note: impl FnMut(u64, &Place<'_>) -> Result) -> Result {
    let mut each = |place: Place<'_>| -> Result {
        loop {
            let number = inode_number::give(place.inode())?;
            note(number, &place)?;
            // If the record ended and began anew meanwhile, this is noted of an inode that nobody
            // finds.
            if inode_number::of(place.inode()) == Some(number) {
                return Ok(());
            }
        }
    };
    let place = Place::of(file);
    each(place)?;
    if place.is_overlay() {
        each(place.real())?;
    }
    Ok(())
}

/// What is remembered of a start, for which `known` serves if it is that of one just like it.
fn facts(place: &Place<'_>, seeded: bool, known: Option<&Arc<Facts>>) -> Result<Arc<Facts>> {
    let stamp = place.real_inode().stamp();
    let is_like =
        |known: &&Arc<Facts>| !known.seeded && known.stamp == stamp && known.name.is_still(place);
    if let Some(known) = known.filter(is_like) {
        return Ok(known.clone());
    }
    let facts = Facts {
        name: Name::of(place)?,
        stamp,
        time: task::boot_ns(),
        seeded,
    };
    Ok(Arc::new(facts, GFP_KERNEL_ACCOUNT)?)
}

/// What can't be recorded is an error of the policies that won't be told of it.
fn count_failure(result: Result) {
    if let Err(e) = result {
        let errno = e.to_errno();
        lists::count_error(Op::ExecutableUnlink);
        warn_limited!("an executed file could not be recorded: error {errno}\n");
    }
}
