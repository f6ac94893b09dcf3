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
//! leaves memory, an exec that failed when its task begins the next one or ends.

use super::{
    file_rows::{
        FileRows,
        FileSpace, //
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
    }, //
};
use core::mem::{
    replace,
    take, //
};
use kernel::{
    prelude::*,
    sync::{
        rcu,
        SetOnce, //
    }, //
};

/// What is remembered of a start.
pub(crate) struct Facts {
    /// The name by which it was started.
    pub(crate) name: Name,
    /// What the contents were.
    pub(crate) stamp: Stamp,
    /// When, in nanoseconds since boot.
    pub(crate) time: u64,
    /// Whether it ran already when the record began; `time` is then that of the beginning.
    pub(crate) seeded: bool,
}

/// A file that is started.
pub(crate) type Started = super::file_rows::Started<Facts>;

/// A row.
pub(crate) type Row = super::file_rows::Row<Facts>;

/// Files that a process runs.
pub(crate) type Runs = super::runs::Runs<Facts>;

impl Default for Runs {
    fn default() -> Self {
        Self::new()
    }
}

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

/// The current task begins an exec: what an earlier one asked for is over.
pub(crate) fn begin_exec() {
    let task = TaskKey::current();
    let asked = with_processes(task, |processes| {
        processes.get(task).map(|own| take(&mut own.asked))
    });
    for old in asked.flatten().iter().flat_map(Runs::iter) {
        with_files(old.number, |files| files.end_asked(old.number, task));
    }
}

/// The exec of the current task would run a file. `E2BIG` if it would run too many.
pub(crate) fn ask(started: Started) -> Result {
    let task = TaskKey::current();
    let (own_space, space) = (ProcessSpace::new(GFP_KERNEL_ACCOUNT)?, FileSpace::new()?);
    let added = with_processes(task, |processes| {
        let own = processes.get_or_add(task, own_space).ok_or(ENOENT)?;
        own.asked.add(started.clone())
    });
    added.unwrap_or(Err(ENOENT))?;
    with_files(started.number, |files| files.ask(started, task, space));
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
    for old in old.iter().filter(|old| !new.include(old.number)) {
        with_files(old.number, |files| files.end(old.number, task));
    }
    for started in new.iter() {
        let space = FileSpace::new()?;
        let run = |files: &mut FileRows<Facts>| files.run(started.clone(), task, false, space);
        with_files(started.number, run);
    }
    Ok(true)
}

/// The current process runs one more file.
pub(crate) fn run(started: Started) -> Result {
    let task = TaskKey::leader();
    let (own_space, space) = (ProcessSpace::new(GFP_KERNEL_ACCOUNT)?, FileSpace::new()?);
    let added = with_processes(task, |processes| {
        let own = processes.get_or_add(task, own_space).ok_or(ENOENT)?;
        own.program.add(started.clone())
    });
    added.unwrap_or(Err(ENOENT))?;
    with_files(started.number, |files| {
        files.run(started, task, false, space)
    });
    Ok(())
}

/// A process, to whose leader the caller has a reference, runs these files since before the record
/// began, if nothing is known of it.
pub(crate) fn seed(task: TaskKey, program: Runs) -> Result {
    let own_space = ProcessSpace::new(GFP_KERNEL)?;
    let is_new = with_processes(task, |processes| {
        let own = processes.get_or_add(task, own_space)?;
        let is_new = own.program.is_empty();
        if is_new {
            own.program = program.clone();
            // What it maps from now on is no program.
            own.has_mapped = true;
        }
        Some(is_new)
    });
    if is_new.flatten() == Some(true) {
        for started in program.iter() {
            let space = FileSpace::new()?;
            let run = |files: &mut FileRows<Facts>| files.run(started.clone(), task, true, space);
            with_files(started.number, run);
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

/// A process that the current one makes runs what that does.
pub(crate) fn inherit(child: TaskKey) -> Result {
    let leader = TaskKey::leader();
    let parents = with_processes(leader, |processes| {
        let own = processes.get(leader)?;
        Some((own.program.clone(), own.has_mapped))
    });
    let Some((program, has_mapped)) = parents.flatten() else {
        return Ok(());
    };
    let space = ProcessSpace::new(GFP_KERNEL_ACCOUNT)?;
    with_processes(child, |processes| {
        if let Some(own) = processes.get_or_add(child, space) {
            own.program = program.clone();
            own.has_mapped = has_mapped;
        }
    });
    for started in program.iter() {
        let space = FileSpace::new()?;
        let inherit = |files: &mut FileRows<Facts>| files.inherit(started.clone(), child, space);
        with_files(started.number, inherit);
    }
    Ok(())
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
    number: u64,
    files: &'a mut FileRows<Facts>,
    rcu: &'a rcu::Guard,
}

/// Looks at the rows of a file, under RCU and its lock.
pub(crate) fn look<R>(number: u64, look: impl FnOnce(&mut Look<'_>) -> R) -> Option<R> {
    let rcu = rcu::read_lock();
    with_files(number, |files| {
        look(&mut Look {
            number,
            files,
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
    pub(crate) fn executed(&self) -> Option<&kernel::sync::Arc<Facts>> {
        self.files.executed(self.number)
    }

    /// The row of a process.
    pub(crate) fn row(&self, process: Process<'_>) -> Option<&Row> {
        self.files.row(self.number, process.key())
    }

    /// Calls `look` with each row, and its process by the task that it is known by, until it
    /// answers false.
    pub(crate) fn for_each(&mut self, mut look: impl FnMut(Process<'_>, &Row) -> bool) {
        let rcu = self.rcu;
        self.files.for_each(self.number, |task, row| {
            // SAFETY: A task is not freed before its rows are removed, which takes the lock that is
            // held now.
            look(unsafe { Process::from_key(task, rcu) }, row)
        });
    }
}
