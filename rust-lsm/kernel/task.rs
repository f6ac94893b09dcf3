// SPDX-License-Identifier: GPL-2.0

//! Tasks: who the current one is, what it does later, and what a process runs.
//!
//! C headers: [`include/linux/sched.h`](srctree/include/linux/sched.h),
//! [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use super::place::{
    FileId,
    Place, //
};
use core::mem::{
    size_of,
    size_of_val, //
};
use kernel::{
    bindings,
    fs::File,
    prelude::*,
    sync::rcu,
    task::Task, //
};

/// Numbers of a task.
pub(crate) struct Id {
    /// Of its cgroup (v2).
    pub(crate) cgroup: u64,
    /// When it started, in nanoseconds since boot.
    pub(crate) start_time: u64,
    /// Thread id, in the initial pid namespace as all three.
    pub(crate) pid: u32,
    /// Process id.
    pub(crate) tgid: u32,
    /// Process id of the real parent.
    pub(crate) ppid: u32,
}

/// The numbers of the current task. Doesn't sleep.
pub(crate) fn current_id() -> Id {
    let task = Task::current_raw();
    let _rcu = rcu::read_lock();
    // SAFETY: The current task doesn't go away; its parent and its cgroup are protected by RCU,
    // the other fields never change.
    unsafe {
        Id {
            cgroup: bindings::krsi_cgroup_id(task),
            start_time: (*task).start_boottime,
            pid: (*task).pid as u32,
            tgid: (*task).tgid as u32,
            ppid: (*bindings::krsi_real_parent(task)).tgid as u32,
        }
    }
}

/// Whether the current task is in an exec.
pub(crate) fn is_in_exec() -> bool {
    // SAFETY: The current task doesn't go away.
    unsafe { bindings::krsi_in_execve(Task::current_raw()) }
}

/// A call to be made by a task. `head` comes first.
#[repr(C)]
struct Work {
    head: bindings::callback_head,
    call: fn(),
}

/// Has the current task call `call` once, when it returns to user space or ends; or already when
/// it runs its task works, as an exec does that cancels its io_uring. Process context; the call
/// may sleep.
///
/// `ENOMEM` without memory, which is charged to the task; `ESRCH` if the task has ended so far that
/// it calls nothing any more.
pub(crate) fn call_at_return(call: fn()) -> Result {
    let work = Work {
        head: bindings::callback_head {
            func: Some(run_work),
            ..Default::default()
        },
        call,
    };
    let work = KBox::into_raw(KBox::new(work, GFP_KERNEL_ACCOUNT)?);
    // SAFETY: The head is part of the allocation, which `run_work` alone gives up.
    let added = unsafe {
        bindings::task_work_add(
            Task::current_raw(),
            &raw mut (*work).head,
            bindings::task_work_notify_mode_TWA_RESUME,
        )
    };
    if added != 0 {
        // SAFETY: It was not added, so this is the only pointer.
        drop(unsafe { KBox::from_raw(work) });
        return Err(ESRCH);
    }
    Ok(())
}

/// # Safety
///
/// Called once as the task work of a `Work` that `call_at_return` made.
unsafe extern "C" fn run_work(head: *mut bindings::callback_head) {
    // CAST: `Work` begins with its head.
    // SAFETY: By the caller's guarantee it is what `KBox::into_raw` gave, and no longer in a list.
    let work = unsafe { KBox::from_raw(head.cast::<Work>()) };
    (work.call)();
}

/// Calls `look` with the leader of the current process and its executable, if it has one. Takes a
/// spinlock before; `look` may sleep.
pub(crate) fn with_current_exe(look: impl FnOnce(&Task, &File)) {
    // SAFETY: The current task doesn't go away, nor does its leader before it; `Task` is
    // transparent.
    unsafe {
        let leader = (*Task::current_raw()).group_leader;
        with_exe(leader, |exe| look(&*leader.cast::<Task>(), exe));
    }
}

/// The executable of the current process, if it has one. Takes a spinlock; doesn't sleep.
pub(crate) fn current_exe() -> Option<FileId> {
    // SAFETY: The current task doesn't go away.
    unsafe { with_exe(Task::current_raw(), |exe| Place::of(exe).id()) }
}

/// The executable of the current process's real parent, likewise.
pub(crate) fn parent_exe() -> Option<FileId> {
    let _rcu = rcu::read_lock();
    // SAFETY: The parent is not freed while RCU is held.
    unsafe {
        let parent = bindings::krsi_real_parent(Task::current_raw());
        with_exe(parent, |exe| Place::of(exe).id())
    }
}

/// The current task's name: NUL-padded, chosen by the task.
pub(crate) fn comm() -> [c_char; 16] {
    // SAFETY: The task is current; a name that is being changed by another thread may be torn,
    // but each byte is valid, and the last is always NUL.
    unsafe { (&raw const (*Task::current_raw()).comm).read_volatile() }
}

/// The current process's id.
pub(crate) fn current_tgid() -> u32 {
    // SAFETY: The current task doesn't go away, and its id never changes.
    unsafe { (*Task::current_raw()).tgid as u32 }
}

/// When the current process started, in nanoseconds since boot.
pub(crate) fn process_start() -> u64 {
    // SAFETY: The current task doesn't go away, nor does its group's leader before it.
    unsafe { (*(*Task::current_raw()).group_leader).start_boottime }
}

/// Nanoseconds since boot, with the time of suspend.
pub(crate) fn boot_ns() -> u64 {
    // SAFETY: Only reads the clock.
    unsafe { bindings::krsi_boot_ns() }
}

/// Seconds since the epoch.
pub(crate) fn real_seconds() -> i64 {
    // SAFETY: Only reads the clock.
    unsafe { bindings::ktime_get_real_seconds() }
}

/// Looks at the executable of a task's process, if it has one: by any of its threads, for the
/// leader's memory is gone when it ends before the others. Takes a spinlock; doesn't sleep.
///
/// # Safety
///
/// `task` is valid.
pub(crate) unsafe fn with_exe<R>(
    task: *mut bindings::task_struct,
    look: impl FnOnce(&File) -> R,
) -> Option<R> {
    // SAFETY: By the caller's guarantee. A kernel thread's memory, if it has any, is another
    // process's. The thread that is found is locked, which keeps its memory. The result is null or
    // a new reference to a file.
    let exe = unsafe {
        if (*task).flags & bindings::PF_KTHREAD != 0 {
            return None;
        }
        let thread = bindings::find_lock_task_mm(task);
        if thread.is_null() {
            return None;
        }
        let exe = bindings::get_mm_exe_file((*thread).mm);
        bindings::spin_unlock(&raw mut (*thread).alloc_lock);
        exe
    };
    if exe.is_null() {
        return None;
    }
    // SAFETY: A reference is held until `fput`; no descriptor's light reference is involved.
    let result = look(unsafe { File::from_raw_file(exe) });
    // SAFETY: Gives back the reference taken above.
    unsafe { bindings::fput(exe) };
    Some(result)
}

/// Whether the current program was started without an interpreter, in the sense of ELF: a static
/// program, or a program loader that will map another program. False while the exec goes on.
pub(crate) fn has_no_interpreter() -> bool {
    // SAFETY: The current task's memory, if it has one, doesn't go away, and the vector is part of
    // it.
    unsafe {
        let mm = (*Task::current_raw()).mm;
        if mm.is_null() {
            return false;
        }
        let auxv = &raw const (*mm).__bindgen_anon_1.saved_auxv;
        let size = size_of_val(&(*mm).__bindgen_anon_1.saved_auxv);
        // A program of 32 bits has a vector of such words.
        if (*mm).__bindgen_anon_1.task_size as u64 <= 1 << u32::BITS {
            has_zero_base::<u32>(auxv.cast(), size)
        } else {
            has_zero_base::<u64>(auxv.cast(), size)
        }
    }
}

/// Whether an auxiliary vector says that there is no interpreter.
///
/// # Safety
///
/// `auxv` has `size` bytes. They are written by an exec alone, or by the task itself (`PR_SET_MM`),
/// and a torn word only misleads.
unsafe fn has_zero_base<T: Into<u64>>(auxv: *const [T; 2], size: usize) -> bool {
    (0..size / size_of::<[T; 2]>())
        // SAFETY: By the caller's guarantee, for each pair that fits in.
        .map(|i| unsafe { auxv.add(i).read_volatile() })
        .map(|pair| pair.map(T::into))
        .take_while(|[key, _]| *key != u64::from(bindings::AT_NULL))
        .find(|[key, _]| *key == u64::from(bindings::AT_BASE))
        .is_some_and(|[_, value]| value == 0)
}
