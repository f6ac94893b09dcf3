// SPDX-License-Identifier: GPL-2.0

//! The record of what runs and what was executed.
//!
//! It is kept while a policy with `executable_unlink` is attached. An exec notes the file of each
//! of its rounds; when its credentials are committed these count as executed, and as what the
//! process runs from now on (`kernel/runs.rs`: its children inherit it). What a program without an
//! ELF interpreter maps executable first counts as well: so a program loader runs a program. A
//! file stays recorded until its inode leaves memory.
//!
//! When the record begins it is seeded with the executables of the processes that there are; their
//! scripts are not known.
//!
//! Files are known by the numbers of their inodes: in an overlay both that of the overlay and that
//! of the layer, for a name can be removed in either.

use crate::boundary::{
    bprm::Bprm,
    exec_state,
    inode::{
        self,
        Inode,
        Stamp, //
    },
    log::warn_limited,
    place::{
        Name,
        Place, //
    },
    process,
    runs::Runs,
    task, //
};
use kernel::{
    fs::File,
    new_spinlock,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        atomic::{
            ordering::Relaxed,
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

/// Since when a file counts as executed.
#[derive(Clone, Copy)]
struct Since {
    /// Nanoseconds since boot.
    time: u64,
    seeded: bool,
}

struct Entry<F> {
    facts: Arc<F>,
    /// What a round of an exec found; it counts when the exec is committed.
    pending: Option<Arc<F>>,
    since: Option<Since>,
}

/// The table.
struct Files<F>(RBTree<u64, Entry<F>>);

/// Memory for an entry.
type Space<F> = RBTreeNodeReservation<u64, Entry<F>>;

/// A file that was executed, as a removal meets it.
pub(crate) struct Executed<'a> {
    /// The place by whose inode it is known: the victim, or below it in the layer.
    pub(crate) place: Place<'a>,
    /// Its numbers.
    pub(crate) numbers: [u64; 2],
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

    /// Nanoseconds since it was executed last.
    pub(crate) fn age(&self) -> u64 {
        task::boot_ns().saturating_sub(self.time)
    }
}

/// Makes the table. Once, at boot.
pub(crate) fn init() -> Result {
    FILES.populate(KBox::pin_init(
        new_spinlock!(Files(RBTree::new()), "krsi_record"),
        GFP_KERNEL,
    )?);
    Ok(())
}

/// Begins to record, with what runs already. Sleeps.
pub(crate) fn start() {
    if ON.load(Relaxed) {
        return;
    }
    inode::renumber();
    ON.store(true, Relaxed);
    process::for_each_unrecorded(|runs, exe| executed(exe, runs, true));
}

/// Forgets all.
pub(crate) fn stop() {
    if !ON.load(Relaxed) {
        return;
    }
    ON.store(false, Relaxed);
    let _forgotten = with_files(|files| core::mem::replace(&mut files.0, RBTree::new()));
}

/// A round of an exec: its file will be executed, if the exec gets that far.
pub(crate) fn round(bprm: &Bprm) {
    if let Some(runs) = bprm.files() {
        note_all(bprm.file(), runs, None);
    }
}

/// An exec is committed: the files of its rounds are executed, by the current process.
pub(crate) fn commit(bprm: &Bprm) {
    if !ON.load(Relaxed) {
        return;
    }
    exec_state::with_committed_files(|rounds| {
        if rounds.is_empty() {
            // The record began in the middle of this exec.
            executed(bprm.file(), rounds, false);
        }
        let since = Since {
            time: task::boot_ns(),
            seeded: false,
        };
        with_files(|files| rounds.iter().for_each(|number| files.commit(number, since)));
        process::begin_program(rounds);
    });
}

/// The current process maps a file executable.
pub(crate) fn mapped(file: &File) {
    if ON.load(Relaxed) && task::has_no_interpreter() {
        process::with_first_mapping(|runs| executed(file, runs, false));
    }
}

/// An inode leaves memory.
pub(crate) fn forget(inode: &Inode) {
    let number = inode.number();
    if number != 0 {
        let _forgotten = with_files(|files| files.0.remove(&number));
    }
}

/// What is recorded of the file that a place leads to.
pub(crate) fn find(place: Place<'_>) -> Option<Executed<'_>> {
    let numbers = numbers(&place);
    if numbers == [0, 0] {
        return None;
    }
    let places = [place, place.real()];
    with_files(|files| {
        numbers.iter().zip(places).find_map(|(number, place)| {
            let (since, facts) = files.get(*number)?;
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
fn numbers(place: &Place<'_>) -> [u64; 2] {
    let seen = place.inode().number();
    let real = if place.is_overlay() {
        place.real_inode().number()
    } else {
        0
    };
    if real != 0 && place.is_overlay_upper() {
        [seen, real]
    } else {
        [seen, 0]
    }
}

/// A file counts as executed from now on, by the process with these `runs`.
fn executed(file: &File, runs: &Runs, seeded: bool) {
    let since = Since {
        time: task::boot_ns(),
        seeded,
    };
    note_all(file, runs, Some(since));
}

/// Notes a file and the one below it.
fn note_all(file: &File, runs: &Runs, since: Option<Since>) {
    if !ON.load(Relaxed) {
        return;
    }
    let place = Place::of(file);
    let real = place.is_overlay().then(|| place.real());
    for place in Iterator::chain(core::iter::once(place), real) {
        if let Err(e) = note(place, runs, since) {
            let errno = e.to_errno();
            warn_limited!("an executed file could not be recorded: error {errno}\n");
        }
    }
}

fn note(place: Place<'_>, runs: &Runs, since: Option<Since>) -> Result {
    let number = place.inode().give_number()?;
    let facts = Facts {
        name: place.name()?,
        stamp: place.real_inode().stamp(),
    };
    let (facts, space) = (Arc::new(facts, GFP_KERNEL)?, Space::new(GFP_KERNEL)?);
    with_files(|files| files.note(number, space, facts, since));
    runs.add(number)
}

fn with_files<R>(look: impl FnOnce(&mut Files<Facts>) -> R) -> Option<R> {
    let files = FILES.as_ref()?;
    Some(look(&mut files.lock()))
}

impl<F> Files<F> {
    /// Notes what is found of a file, with space for its entry if it has none. It counts from
    /// `since` on, or else when it is committed.
    fn note(&mut self, number: u64, space: Space<F>, facts: Arc<F>, since: Option<Since>) {
        match (self.0.get_mut(&number), since) {
            (None, _) => {
                let entry = Entry {
                    facts,
                    pending: None,
                    since,
                };
                self.0.insert(space.into_node(number, entry));
            }
            (Some(entry), None) => entry.pending = Some(facts),
            // An exec since the record began says more.
            (Some(entry), Some(since)) if since.seeded && entry.since.is_some() => (),
            (Some(entry), Some(_)) => {
                entry.facts = facts;
                entry.since = since;
            }
        }
    }

    /// What was noted of a file counts from now on.
    fn commit(&mut self, number: u64, since: Since) {
        if let Some(entry) = self.0.get_mut(&number) {
            if let Some(facts) = entry.pending.take() {
                entry.facts = facts;
            }
            entry.since = Some(since);
        }
    }

    /// What counts of a file.
    fn get(&self, number: u64) -> Option<(Since, &Arc<F>)> {
        let entry = self.0.get(&number)?;
        Some((entry.since?, &entry.facts))
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_record)]
mod tests {
    use super::*;

    const FILE: u64 = 7;

    fn since(seeded: bool) -> Since {
        Since {
            time: task::boot_ns(),
            seeded,
        }
    }

    fn note(files: &mut Files<u32>, facts: u32, since: Option<Since>) -> Result {
        let (facts, space) = (Arc::new(facts, GFP_KERNEL)?, Space::new(GFP_KERNEL)?);
        files.note(FILE, space, facts, since);
        Ok(())
    }

    /// The facts that count, and whether they are seeded.
    fn known(files: &Files<u32>) -> Option<(u32, bool)> {
        files
            .get(FILE)
            .map(|(since, facts)| (**facts, since.seeded))
    }

    #[test]
    fn what_a_round_finds_counts_when_the_exec_is_committed() -> Result {
        let mut files = Files(RBTree::new());
        note(&mut files, 1, None)?;
        assert_eq!(known(&files), None);
        files.commit(FILE, since(false));
        assert_eq!(known(&files), Some((1, false)));
        Ok(())
    }

    #[test]
    fn an_exec_that_fails_leaves_what_counted() -> Result {
        let mut files = Files(RBTree::new());
        note(&mut files, 1, Some(since(false)))?;
        note(&mut files, 2, None)?;
        assert_eq!(known(&files), Some((1, false)));
        Ok(())
    }

    #[test]
    fn the_last_exec_counts() -> Result {
        let mut files = Files(RBTree::new());
        for facts in [1, 2] {
            note(&mut files, facts, None)?;
            files.commit(FILE, since(false));
        }
        assert_eq!(known(&files), Some((2, false)));
        // Two execs at once: the second commit finds nothing new.
        files.commit(FILE, since(false));
        assert_eq!(known(&files), Some((2, false)));
        Ok(())
    }

    #[test]
    fn an_exec_says_more_than_what_is_seeded() -> Result {
        let mut files = Files(RBTree::new());
        note(&mut files, 1, Some(since(true)))?;
        assert_eq!(known(&files), Some((1, true)));
        note(&mut files, 2, Some(since(false)))?;
        note(&mut files, 3, Some(since(true)))?;
        assert_eq!(known(&files), Some((2, false)));
        Ok(())
    }

    #[test]
    fn a_file_that_was_forgotten_is_not_committed() -> Result {
        let mut files = Files(RBTree::new());
        note(&mut files, 1, None)?;
        files.0.remove(&FILE);
        files.commit(FILE, since(false));
        assert_eq!(known(&files), None);
        Ok(())
    }
}
