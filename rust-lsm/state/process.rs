// SPDX-License-Identifier: GPL-2.0

//! Processes: which there are, whose child each is, and which files they run.
//!
//! C header: [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use super::{
    inode_number,
    runs::{
        Round,
        Runs, //
    },
    task_state::{
        self,
        TaskState, //
    }, //
};
use crate::boundary::{
    place::Place,
    task, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    fs::File,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::ordering::Relaxed,
        rcu, //
    },
    task::Task, //
};

/// A process, as it is found under RCU.
///
/// # Invariants
///
/// The task is a group leader that is not freed for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Process<'a> {
    leader: *mut bindings::task_struct,
    _rcu: PhantomData<&'a rcu::Guard>,
}

impl PartialEq for Process<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.leader == other.leader
    }
}

impl<'a> Process<'a> {
    /// The current process.
    pub(crate) fn current(_rcu: &'a rcu::Guard) -> Self {
        // SAFETY: The current task doesn't go away, nor does its leader while RCU is held.
        // INVARIANT: As above.
        unsafe { Self::of(Task::current_raw()) }
    }

    /// # Safety
    ///
    /// `task` is not freed while RCU is held for `'a`.
    unsafe fn of(task: *mut bindings::task_struct) -> Self {
        Self {
            // SAFETY: By the caller's guarantee; a task's leader changes only when another thread
            // takes its place, and is freed an RCU grace period later.
            leader: unsafe { (&raw const (*task).group_leader).read_volatile() },
            _rcu: PhantomData,
        }
    }

    /// All processes, from the first one on. Those that begin or end meanwhile may be missed.
    pub(crate) fn all(_rcu: &'a rcu::Guard) -> impl Iterator<Item = Self> + 'a {
        let first = &raw mut bindings::init_task;
        core::iter::successors(Some(first), move |task| {
            // SAFETY: RCU is held since the task was found in the list.
            let next = unsafe { bindings::krsi_next_process(*task) };
            (next != first).then_some(next)
        })
        // INVARIANT: The list holds group leaders.
        .map(|leader| Self {
            leader,
            _rcu: PhantomData,
        })
    }

    /// Its parent; `None` for those that have none.
    pub(crate) fn parent(&self) -> Option<Self> {
        // SAFETY: By the type invariants; the parent is read under RCU.
        let parent = unsafe { Self::of(bindings::krsi_real_parent(self.leader)) };
        (parent != *self).then_some(parent)
    }

    /// Whether one of its threads is still alive.
    pub(crate) fn is_living(&self) -> bool {
        // SAFETY: By the type invariants; `signal` is freed with the last task that has it.
        unsafe { (&raw const (*(*self.leader).signal).live.counter).read_volatile() > 0 }
    }

    /// Whether it runs a file with one of these numbers, or is about to: from the check of its exec
    /// on. Of a process that is not recorded only its executable is known.
    pub(crate) fn runs(&self, numbers: &[Option<u64>]) -> bool {
        // SAFETY: By the type invariants.
        let Some(state) = (unsafe { task_state::of(self.leader) }) else {
            return false;
        };
        // SAFETY: As above.
        if unsafe { bindings::krsi_in_execve(self.leader) } && state.asked.include(numbers) {
            return true;
        }
        if !state.runs.is_empty() {
            return state.runs.include(numbers);
        }
        let known = |exe: &File| numbers_of(exe).any(|number| numbers.contains(&Some(number)));
        // SAFETY: By the type invariants.
        unsafe { task::with_exe(self.leader, known) }.unwrap_or(false)
    }
}

/// The numbers that an executable's inode and the one below an overlay have.
fn numbers_of(exe: &File) -> impl Iterator<Item = u64> {
    let place = Place::of(exe);
    [
        inode_number::of(place.inode()),
        inode_number::of(place.real_inode()),
    ]
    .into_iter()
    .flatten()
}

/// A round of an exec of the current task begins: calls `note` with where its file is noted.
pub(crate) fn begin_round(note: impl FnOnce(&Round)) {
    if let Some(own) = task_state::of_task(current!()) {
        own.asked.clear();
        note(&own.asked);
    }
}

/// The current process has begun a program: it runs these files now.
pub(crate) fn begin_program(files: &Runs) {
    if let Some(own) = task_state::of_process(current!()) {
        own.runs.copy(files);
        own.maps.store(false, Relaxed);
    }
}

/// Calls `add` with what the current process runs if it maps a file executable for the first time
/// since its program began. Of a program that began before the record that is not known.
pub(crate) fn with_first_mapping(add: impl FnOnce(&Runs)) {
    if let Some(own) = task_state::of_process(current!()) {
        if !own.runs.is_empty() && !own.maps.xchg(true, Relaxed) {
            add(&own.runs);
        }
    }
}

/// Lets a process that is being made run what its parent does.
pub(crate) fn inherit(child: &Task) {
    // SAFETY: The child is valid; its blob is its own, as it is not a thread.
    let child = unsafe { task_state::of(child.as_ptr()) };
    if let (Some(child), Some(own)) = (child, task_state::of_process(current!())) {
        child.runs.copy(&own.runs);
        child.maps.store(own.maps.load(Relaxed), Relaxed);
    }
}

/// A process that is not recorded.
pub(crate) struct Unrecorded<'a> {
    task: &'a Task,
    state: &'a TaskState,
}

impl Unrecorded<'_> {
    /// Adds a number of its executable to what it runs, unless it has begun another program since
    /// it was found. Takes a spinlock; doesn't sleep.
    pub(crate) fn add(&self, exe: &File, number: u64) -> Result {
        let is_same = |now: &File| core::ptr::eq(Place::of(now).inode(), Place::of(exe).inode());
        // SAFETY: The reference to the task is held.
        if unsafe { task::with_exe(self.task.as_ptr(), is_same) } != Some(true) {
            return Ok(());
        }
        if self.state.runs.is_empty() {
            // What it maps from now on is no program.
            self.state.maps.store(true, Relaxed);
        }
        self.state.runs.add(number)
    }
}

/// Calls `note` for each process that is not recorded, with its executable. Sleeps; processes that
/// begin meanwhile may be missed.
pub(crate) fn for_each_unrecorded(mut note: impl FnMut(&Unrecorded<'_>, &File)) {
    let mut from = 1;
    while let Some((id, task)) = next(from) {
        from = id + 1;
        // SAFETY: The reference to the task is held.
        let Some(state) = (unsafe { task_state::of(task.as_ptr()) }) else {
            continue;
        };
        if state.runs.is_empty() {
            let process = Unrecorded { task: &task, state };
            // SAFETY: As above.
            unsafe { task::with_exe(task.as_ptr(), |exe| note(&process, exe)) };
        }
    }
}

/// The process with the least id from `from` on.
fn next(mut from: c_int) -> Option<(c_int, ARef<Task>)> {
    let _rcu = rcu::read_lock();
    loop {
        // SAFETY: RCU is held, so the pid and the task that it leads to are not freed; the
        // initial namespace always is.
        unsafe {
            let pid = bindings::find_ge_pid(from, &raw mut bindings::init_pid_ns);
            if pid.is_null() {
                return None;
            }
            let id = (*pid).numbers.as_ptr().read().nr;
            let leader = bindings::pid_task(pid, bindings::pid_type_PIDTYPE_TGID);
            if let Some(leader) = leader.cast::<Task>().as_ref() {
                return Some((id, leader.into()));
            }
            from = id + 1;
        }
    }
}
