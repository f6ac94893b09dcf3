// SPDX-License-Identifier: GPL-2.0

//! Who the current task is.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h).

use super::{
    abi::TaskId,
    cred::Ids,
    place::Place, //
};
use core::mem::{
    offset_of,
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

/// Fills in who the current task is, as far as somebody with room for `size` bytes can see it.
/// Doesn't sleep.
pub(crate) fn current_id(size: usize) -> TaskId {
    let task = Task::current_raw();
    let ids = Ids::current();
    let mut id = TaskId {
        uid: ids.uid,
        gid: ids.gid,
        euid: ids.euid,
        egid: ids.egid,
        comm: comm(),
        ..Default::default()
    };

    // SAFETY: The current task doesn't go away; its parent and its cgroup are protected by RCU,
    // the other fields never change or only by the task itself.
    unsafe {
        let _rcu = rcu::read_lock();
        id.cgroup_id = bindings::krsi_cgroup_id(task);
        id.start_time = (*task).start_boottime;
        id.pid = (*task).pid as u32;
        id.tgid = (*task).tgid as u32;
        id.ppid = (*bindings::krsi_real_parent(task)).tgid as u32;
    }
    let id_of = |exe: &File| Place::of(exe).id();
    // SAFETY: As above.
    id.exe = unsafe { with_exe(task, id_of) }.unwrap_or_default();
    if size > offset_of!(TaskId, parent_exe) {
        let _rcu = rcu::read_lock();
        // SAFETY: The parent is not freed while RCU is held.
        let exe = unsafe { with_exe(bindings::krsi_real_parent(task), id_of) };
        id.parent_exe = exe.unwrap_or_default();
    }
    id
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
pub(super) unsafe fn with_exe<R>(
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
        .any(|[key, value]| key == u64::from(bindings::AT_BASE) && value == 0)
}
