// SPDX-License-Identifier: GPL-2.0

//! Processes: whose child each is, whether it lives, which there are.
//!
//! C header: [`include/linux/sched/signal.h`](srctree/include/linux/sched/signal.h).

use super::task;
use core::marker::PhantomData;
use kernel::{
    bindings,
    fs::File,
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
    task::Task, //
};

/// A task's address: to compare, for the task may be gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskKey(usize);

impl TaskKey {
    /// Before that of every task.
    pub(crate) const FIRST: Self = Self(0);

    /// That of a task.
    pub(crate) fn of(task: &Task) -> Self {
        Self(task.as_ptr() as usize)
    }

    /// That of the current task.
    pub(crate) fn current() -> Self {
        Self(Task::current_raw() as usize)
    }

    /// That of the leader of the current process.
    pub(crate) fn leader() -> Self {
        // SAFETY: The current task doesn't go away, and it has a leader.
        Self(unsafe { (*Task::current_raw()).group_leader } as usize)
    }

    /// Spreads keys evenly over so many places.
    pub(crate) fn hash(self, places: usize) -> usize {
        (self.0 / size_of::<bindings::task_struct>()) % places
    }

    /// For tests: of no task.
    #[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
    pub(crate) const fn new(address: usize) -> Self {
        Self(address)
    }
}

/// A process, by one of its tasks.
///
/// # Invariants
///
/// The task is not freed for `'a`, during which RCU is held.
#[derive(Clone, Copy)]
pub(crate) struct Process<'a> {
    task: *mut bindings::task_struct,
    _rcu: PhantomData<&'a rcu::Guard>,
}

impl PartialEq for Process<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.task == other.task
    }
}

impl<'a> Process<'a> {
    /// The leader of the current process.
    pub(crate) fn current(_rcu: &'a rcu::Guard) -> Self {
        // INVARIANT: The current task doesn't go away, nor does its leader while RCU is held.
        Self {
            task: TaskKey::leader().0 as *mut _,
            _rcu: PhantomData,
        }
    }

    /// The process of a task.
    ///
    /// # Safety
    ///
    /// The task is not freed for `'a`.
    pub(crate) unsafe fn from_key(key: TaskKey, _rcu: &'a rcu::Guard) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self {
            task: key.0 as *mut _,
            _rcu: PhantomData,
        }
    }

    /// Which task it is known by.
    pub(crate) fn key(&self) -> TaskKey {
        TaskKey(self.task as usize)
    }

    /// The task that it is known by.
    pub(crate) fn as_ptr(&self) -> *mut bindings::task_struct {
        self.task
    }

    /// The same process by its leader; asked of one that lives.
    pub(crate) fn leader(&self) -> Self {
        // SAFETY: By the type invariants. A task whose process lives has a leader that is not freed
        // while RCU is held; only another thread's exec changes it.
        // INVARIANT: As above.
        Self {
            task: unsafe { (&raw const (*self.task).group_leader).read_volatile() },
            _rcu: PhantomData,
        }
    }

    /// The leader of its parent; `None` for those that have none. Asked of a leader.
    pub(crate) fn parent(&self) -> Option<Self> {
        // SAFETY: By the type invariants; the parent of one that is not released yet, and its
        // leader, are not freed while RCU is held.
        let parent = unsafe {
            let parent = bindings::krsi_real_parent(self.task);
            (&raw const (*parent).group_leader).read_volatile()
        };
        // INVARIANT: As above.
        (parent != self.task).then_some(Self {
            task: parent,
            _rcu: PhantomData,
        })
    }

    /// Whether one of its threads is still alive.
    pub(crate) fn is_living(&self) -> bool {
        // SAFETY: By the type invariants. `signal` is freed after the last task that has it, but
        // that of a fork that fails, which has no exit state.
        unsafe {
            (&raw const (*self.task).exit_state).read_volatile() == 0
                || (&raw const (*(*self.task).signal).live.counter).read_volatile() > 0
        }
    }

    /// Whether the task is in an exec.
    pub(crate) fn in_exec(&self) -> bool {
        // SAFETY: By the type invariants.
        unsafe { bindings::krsi_in_execve(self.task) }
    }
}

/// Calls `note` for each process, with its executable. Sleeps; those that begin meanwhile may be
/// missed.
pub(crate) fn for_each(mut note: impl FnMut(&Task, &File)) {
    let mut from = 1;
    while let Some((id, task)) = next(from) {
        from = id + 1;
        // SAFETY: The reference to the task is held.
        unsafe { task::with_exe(task.as_ptr(), |exe| note(&task, exe)) };
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
