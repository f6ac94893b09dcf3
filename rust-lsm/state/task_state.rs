// SPDX-License-Identifier: GPL-2.0

//! What the LSM keeps of a task: which files its process runs, and of a removal of a name what the
//! hooks for paths know and those for inodes do not.
//!
//! What a process runs is kept with its group leader, which stays until the last thread is gone.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h).

use super::{
    blob,
    runs::{
        Round,
        Runs, //
    },
    task_notes::Notes, //
};
use core::mem::{
    align_of,
    size_of, //
};
use kernel::{
    bindings,
    sync::atomic::Atomic,
    task::CurrentTask, //
};

/// The LSM's part of a task's blob.
pub(super) struct TaskState {
    /// Of a group leader: what its process runs.
    pub(super) runs: Runs,
    /// Of a group leader: whether its process has mapped a file executable since its program
    /// began, if that has no interpreter.
    pub(super) maps: Atomic<bool>,
    /// What it would run next: the file of the last round of its exec. It counts while it is in an
    /// exec.
    pub(super) asked: Round,
    /// Used by the task itself alone.
    pub(super) notes: Notes,
}

const _: () = {
    assert!(size_of::<TaskState>() <= blob::TASK_SIZE as usize);
    assert!(align_of::<TaskState>() <= align_of::<*const ()>());
};

/// The state of a task.
///
/// # Safety
///
/// `task` is valid for `'a`.
pub(super) unsafe fn of<'a>(task: *const bindings::task_struct) -> Option<&'a TaskState> {
    // SAFETY: The blob lives as long as the task; its size and alignment are checked above, and
    // zero is valid for atomics.
    unsafe { blob::task((*task).security) }
}

/// The state of the current task.
pub(super) fn of_task(current: &CurrentTask) -> Option<&TaskState> {
    // SAFETY: The task is valid while it is borrowed.
    unsafe { of(current.as_ptr()) }
}

/// The state of the current process.
pub(super) fn of_process(current: &CurrentTask) -> Option<&TaskState> {
    // SAFETY: The leader of the current task is not freed before the task itself: an exec by
    // another thread, which changes it, first waits for this one to end.
    unsafe { of((*current.as_ptr()).group_leader) }
}
