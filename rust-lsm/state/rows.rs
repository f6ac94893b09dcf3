// SPDX-License-Identifier: GPL-2.0

//! The rows of the record of what runs: (process, file, name by which it was started), reachable
//! from the file (`file_rows.rs`) and from the process (`runs.rs`).
//!
//! A process is known by its leader, a task in an exec by itself, until the hook `task_free` of
//! that task: so while a row is seen under the lock of its file, its task is not freed. What a
//! process runs changes in its own tasks only, one after the other: in an exec, in a fork, when it
//! is freed; and once when the record begins.
//!
//! All that an exec or a fork brings is charged to who does it. A file is forgotten when its inode
//! leaves memory, an exec that failed when the next one of its task has its first round, or when
//! that ends.

use super::{
    file_rows::{
        FileRows,
        FileSpace,
        OfFile,
        RowSpace, //
    },
    runs::{
        ProcessSpace,
        Processes, //
    },
    shards::{
        Shards,
        SHARDS, //
    }, //
};
use crate::boundary::{
    inode::Stamp,
    name::Name,
    process::{
        Process,
        TaskKey, //
    },
    task::boot_ns, //
};
use core::mem::{
    replace,
    take, //
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        Arc,
        SetOnce, //
    }, //
};

/// What is remembered of a start, and of all that are like it.
pub(crate) struct Facts {
    /// The name by which it was started.
    pub(crate) name: Name,
    /// What the contents were.
    pub(crate) stamp: Stamp,
    /// When the first was, in nanoseconds since boot.
    pub(crate) time: u64,
    /// Whether it ran already when the record began; `time` is then that of the beginning.
    pub(crate) seeded: bool,
}

/// A file that is started.
pub(crate) type Started = super::runs::Started<Facts>;

/// A row.
pub(crate) type Row = super::file_rows::Row<Facts>;

/// Files that a process runs.
pub(crate) type Runs = super::runs::Runs<Facts>;

/// What is remembered of the last exec of a file.
pub(crate) type Last = super::file_rows::Last<Facts>;

struct Rows {
    files: Shards<FileRows<Facts>>,
    processes: Shards<Processes<Facts>>,
}

static ROWS: SetOnce<Rows> = SetOnce::new();

/// Makes the tables. Once, at boot.
pub(crate) fn init() -> Result {
    ROWS.populate(Rows {
        files: Shards::new(FileRows::new)?,
        processes: Shards::new(Processes::new)?,
    });
    Ok(())
}

/// Forgets all.
pub(crate) fn clear() {
    if let Some(rows) = ROWS.as_ref() {
        rows.processes.renew(Processes::new);
        rows.files.renew(FileRows::new);
    }
}

fn with_files<R>(number: u64, look: impl FnOnce(&mut FileRows<Facts>) -> R) -> Option<R> {
    let shard = (number % SHARDS as u64) as usize;
    ROWS.as_ref()?.files.with(shard, look)
}

fn with_processes<R>(task: TaskKey, look: impl FnOnce(&mut Processes<Facts>) -> R) -> Option<R> {
    ROWS.as_ref()?.processes.with(task.hash(SHARDS), look)
}

/// What an exec of the current task has asked for is over.
pub(crate) fn end_asked() {
    let task = TaskKey::current();
    let asked = with_processes(task, |processes| {
        processes.get(task).map(|own| take(&mut own.asked))
    });
    end_all(&asked.flatten().unwrap_or_default(), task);
}

fn end_all(asked: &Runs, task: TaskKey) {
    for old in asked.iter() {
        with_files(old.number, |files| files.end_asked(old.number, task));
    }
}

/// What is to be remembered of a start, if there is this of the file's last one.
pub(crate) trait Remember: FnOnce(Option<&Arc<Facts>>) -> Result<Arc<Facts>> {}

impl<T: FnOnce(Option<&Arc<Facts>>) -> Result<Arc<Facts>>> Remember for T {}

/// A file that is started, and the last start of it.
fn start(number: u64, remember: impl Remember) -> Result<(Started, Runs)> {
    let last = with_files(number, |files| {
        files.executed(number).map(|last| last.runs.clone())
    });
    let last = last.flatten().unwrap_or_default();
    let facts = remember(last.last().map(|started| &started.facts))?;
    Ok((Started { number, facts }, last))
}

/// Adds a file to those of a process that `of` finds, or puts it in their place if it `replaces`
/// them. Answers with the file the last; and those that are replaced.
fn add(
    task: TaskKey,
    started: &Started,
    last: &Runs,
    replaces: bool,
    of: impl Fn(&mut super::runs::Process<Facts>) -> &mut Runs,
) -> Result<(Runs, Runs)> {
    // Mostly there are none yet. Nobody but the process itself adds any meanwhile.
    let alone = Runs::new().and_as(started, last)?;
    let before = with_processes(task, |processes| {
        let of = of(processes.get(task)?);
        if replaces || of.is_empty() {
            Some(Ok(replace(of, alone.clone())))
        } else {
            Some(Err(of.clone()))
        }
    });
    match before.flatten() {
        Some(Ok(replaced)) => Ok((alone, replaced)),
        Some(Err(before)) => {
            let all = before.and_as(started, last)?;
            with_processes(task, |processes| {
                processes.get(task).map(|own| *of(own) = all.clone())
            });
            Ok((all, Runs::new()))
        }
        None => {
            let space = ProcessSpace::new(GFP_KERNEL_ACCOUNT)?;
            with_processes(task, |processes| {
                *of(processes.get_or_add(task, space)) = alone.clone();
            });
            Ok((alone, Runs::new()))
        }
    }
}

/// The exec of the current task would run a file. `E2BIG` if it would run too many. If it is the
/// `first`, what an earlier exec asked for is over.
pub(crate) fn ask(number: u64, first: bool, remember: impl Remember) -> Result {
    let task = TaskKey::current();
    let (started, last) = start(number, remember)?;
    let (_, over) = add(task, &started, &last, first, |own| &mut own.asked)?;
    end_all(&over, task);
    if with_files(number, |files| files.ask_known(&started, task)) == Some(true) {
        return Ok(());
    }
    let space = RowSpace::new(GFP_KERNEL_ACCOUNT)?;
    with_files(number, |files| files.ask(started, task, space));
    Ok(())
}

/// A process executes the last of these files; `space` may serve for its row.
fn execute(
    runs: &Runs,
    task: TaskKey,
    time: u64,
    seeded: bool,
    space: &mut Option<RowSpace<Facts>>,
) -> Result {
    let Some(started) = runs.last() else {
        return Ok(());
    };
    let known = |files: &mut FileRows<Facts>| files.run_known(runs, task, time, space);
    if !seeded && with_files(started.number, known) == Some(true) {
        return Ok(());
    }
    let space = FileSpace::new()?;
    with_files(started.number, |files| {
        files.run(runs, task, time, seeded, space)
    });
    Ok(())
}

/// The exec of the current task, which is its process's leader by now, is committed. Whether it
/// had asked for anything.
pub(crate) fn commit_exec() -> Result<bool> {
    let task = TaskKey::current();
    let changed = with_processes(task, |processes| {
        let own = processes.get(task).filter(|own| !own.asked.is_empty())?;
        own.has_mapped = false;
        let new = take(&mut own.asked);
        Some((replace(&mut own.program, new.clone()), new))
    });
    let Some((old, new)) = changed.flatten() else {
        return Ok(false);
    };
    // The memory of a row that is over serves for a new one.
    let mut space = None;
    for old in old.iter().filter(|old| !new.include(old.number)) {
        let over = with_files(old.number, |files| files.end(old.number, task));
        space = over.flatten().or(space);
    }
    let now = boot_ns();
    for runs in new.each() {
        execute(runs, task, now, false, &mut space)?;
    }
    Ok(true)
}

/// The current process runs one more file.
pub(crate) fn run(number: u64, remember: impl Remember) -> Result {
    let task = TaskKey::leader();
    let (started, last) = start(number, remember)?;
    let (program, _) = add(task, &started, &last, false, |own| &mut own.program)?;
    execute(&program, task, boot_ns(), false, &mut None)
}

/// A process, to whose leader the caller has a reference, runs these files since before the record
/// began, if nothing is known of it.
pub(crate) fn seed(task: TaskKey, program: Runs) -> Result {
    let own_space = ProcessSpace::new(GFP_KERNEL)?;
    let is_new = with_processes(task, |processes| {
        let own = processes.get_or_add(task, own_space);
        let is_new = own.program.is_empty();
        if is_new {
            own.program = program.clone();
            // What it maps from now on is no program.
            own.has_mapped = true;
        }
        is_new
    });
    if is_new == Some(true) {
        for runs in program.each() {
            let time = runs.last().map_or(0, |started| started.facts.time);
            execute(runs, task, time, true, &mut None)?;
        }
    }
    Ok(())
}

/// Whether anything is known of what the process with this leader runs.
pub(crate) fn knows(leader: TaskKey) -> bool {
    let is_known = |own: &mut super::runs::Process<Facts>| !own.program.is_empty();
    let knows = with_processes(leader, |processes| {
        processes.get(leader).is_some_and(is_known)
    });
    knows == Some(true)
}

/// A process that the current one makes runs what that does. Whether anything is known of it.
pub(crate) fn inherit(child: TaskKey) -> Result<bool> {
    let leader = TaskKey::leader();
    let parents = with_processes(leader, |processes| {
        let own = processes
            .get(leader)
            .filter(|own| !own.program.is_empty())?;
        Some((own.program.clone(), own.has_mapped))
    });
    let Some((program, has_mapped)) = parents.flatten() else {
        return Ok(false);
    };
    let space = ProcessSpace::new(GFP_KERNEL_ACCOUNT)?;
    with_processes(child, |processes| {
        let own = processes.get_or_add(child, space);
        own.program = program.clone();
        own.has_mapped = has_mapped;
    });
    for started in program.iter() {
        let space = RowSpace::new(GFP_KERNEL_ACCOUNT)?;
        let inherit = |files: &mut FileRows<Facts>| files.inherit(started.clone(), child, space);
        with_files(started.number, inherit);
    }
    Ok(true)
}

/// Whether the current process maps a file executable for the first time since its program began.
/// False of one that ran before the record began.
pub(crate) fn is_first_mapping() -> bool {
    let task = TaskKey::leader();
    let is_first = with_processes(task, |processes| {
        let own = processes.get(task).filter(|own| !own.program.is_empty())?;
        Some(!replace(&mut own.has_mapped, true))
    });
    is_first.flatten() == Some(true)
}

/// A task is freed. Any context.
pub(crate) fn end(task: TaskKey) {
    let gone = with_processes(task, |processes| processes.remove(task)).flatten();
    if let Some(gone) = &gone {
        for old in Iterator::chain(gone.program.iter(), gone.asked.iter()) {
            with_files(old.number, |files| files.end(old.number, task));
        }
    }
}

/// An inode leaves memory.
pub(crate) fn forget(number: u64) {
    while with_files(number, |files| files.forget(number)) == Some(false) {}
}

/// The rows of one file, as they are under its lock. Must not sleep.
pub(crate) struct Look<'a> {
    of: OfFile<'a, Facts>,
    rcu: &'a rcu::Guard,
}

/// Looks at the rows of a file, under RCU and its lock.
pub(crate) fn look<R>(number: u64, look: impl FnOnce(&mut Look<'_>) -> R) -> Option<R> {
    let rcu = rcu::read_lock();
    with_files(number, |files| {
        look(&mut Look {
            of: files.of(number),
            rcu: &rcu,
        })
    })
}

impl<'a> Look<'a> {
    /// RCU is held.
    pub(crate) fn rcu(&self) -> &'a rcu::Guard {
        self.rcu
    }

    /// What is remembered of the last exec of it.
    pub(crate) fn executed(&self) -> Option<&Last> {
        self.of.executed()
    }

    /// Whether any process runs it.
    pub(crate) fn has_any(&self) -> bool {
        self.of.has_any()
    }

    /// The row of a process.
    pub(crate) fn row(&self, process: Process<'_>) -> Option<&Row> {
        self.of.row(process.key())
    }

    /// Calls `look` with each row, and its process by the task that it is known by, until it
    /// answers false.
    pub(crate) fn for_each(&mut self, mut look: impl FnMut(Process<'_>, &Row) -> bool) {
        let rcu = self.rcu;
        self.of.for_each(|task, row| {
            // SAFETY: A task is not freed before its rows are removed, which takes the lock that is
            // held now.
            look(unsafe { Process::from_key(task, rcu) }, row)
        });
    }
}
