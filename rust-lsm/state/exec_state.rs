// SPDX-License-Identifier: GPL-2.0

//! What the LSM keeps of an exec: how many rounds it had, and its strings where they are prepared
//! for BPF LSM programs that run after this LSM's hook.
//!
//! It is found by the exec's new credentials. The strings of each round stay until a task work
//! frees them, which runs when the task returns to user space or ends, or already when the exec
//! cancels its io_uring (`begin_new_exec()`, when no round is left); never in a hook. So no hook
//! has to watch for the end of an exec.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use super::blob;
use crate::{
    args::Args,
    boundary::{
        arg_pages::ArgPages,
        bprm::Bprm, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::{
        align_of,
        size_of, //
    },
    ptr::null_mut,
};
use kernel::{
    bindings,
    container_of,
    cred::Credential,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            ordering::Relaxed,
            Atomic, //
        }, //
    },
    task::Task, //
};

/// The LSM's part of the blob of an exec's new credentials.
struct ExecState {
    /// Rounds so far.
    rounds: Atomic<u32>,
    /// Those of this round; null if they are not prepared.
    prepared: Atomic<*mut Prepared>,
}

const _: () = {
    assert!(size_of::<ExecState>() <= blob::CRED_SIZE as usize);
    assert!(align_of::<ExecState>() <= align_of::<*const ()>());
};

/// The strings of a round, or why they could not be prepared.
struct Prepared {
    work: UnsafeCell<bindings::callback_head>,
    /// The exec's, by which it is found.
    cred: ARef<Credential>,
    /// Which of the exec's strings they are.
    strings_id: (usize, u32),
    args: Result<Args<ArgPages>>,
}

/// Prepares the strings of this round. Sleeps.
///
/// On an error nothing is prepared, which programs are told.
pub(crate) fn prepare(bprm: &Bprm) -> Result {
    let (cred, state) = bprm.cred().zip(state(bprm)).ok_or(ENODATA)?;
    state.prepared.store(null_mut(), Relaxed);
    let new = KBox::into_raw(KBox::new(
        Prepared {
            work: UnsafeCell::new(bindings::callback_head {
                func: Some(free),
                ..Default::default()
            }),
            cred: cred.into(),
            strings_id: bprm.strings_id(),
            args: ArgPages::collect(bprm).map(|pages| Args::new(pages, bprm.argc(), bprm.envc())),
        },
        GFP_KERNEL,
    )?);
    // SAFETY: `work` is part of the allocation, which `free` alone gives up.
    let added = unsafe {
        bindings::task_work_add(
            Task::current_raw(),
            (*new).work.get(),
            bindings::task_work_notify_mode_TWA_RESUME,
        )
    };
    if added != 0 {
        // SAFETY: The work was not added, so this is the only pointer.
        drop(unsafe { KBox::from_raw(new) });
        return Err(ESRCH);
    }
    state.prepared.store(new, Relaxed);
    Ok(())
}

/// # Safety
///
/// Called once as the task work of a `Prepared`, which no hook runs.
unsafe extern "C" fn free(work: *mut bindings::callback_head) {
    // SAFETY: By the caller's guarantee. What was borrowed from it was borrowed in a hook.
    let prepared = unsafe {
        KBox::from_raw(container_of!(
            work.cast::<UnsafeCell<bindings::callback_head>>(),
            Prepared,
            work
        ))
    };
    if let Some(state) = state_of(&prepared.cred) {
        let _ = state.prepared.cmpxchg(
            core::ptr::from_ref(&*prepared).cast_mut(),
            null_mut(),
            Relaxed,
        );
    }
}

/// What the LSM keeps with the credentials of an exec.
fn state_of(cred: &Credential) -> Option<&ExecState> {
    let cred = core::ptr::from_ref(cred).cast::<bindings::cred>();
    // SAFETY: `Credential` is transparent; the blob lives as long as the credentials, its size and
    // alignment are checked above, and zero is valid for atomics.
    unsafe { blob::cred((*cred).security) }
}

fn state(bprm: &Bprm) -> Option<&ExecState> {
    bprm.cred().and_then(state_of)
}

/// The number of this round, from 0; each call begins the next one.
pub(crate) fn next_round(bprm: &Bprm) -> u32 {
    let Some(state) = state(bprm) else {
        return 0;
    };
    let round = state.rounds.load(Relaxed);
    state.rounds.store(round.saturating_add(1), Relaxed);
    round
}

/// The strings that were prepared for this round; `ENODATA` if none were, as before the LSM's own
/// hook has run. Never sleeps.
pub(crate) fn prepared(bprm: &Bprm) -> Result<&Args<ArgPages>> {
    let prepared = state(bprm).ok_or(ENODATA)?.prepared.load(Relaxed);
    // SAFETY: What is stored is taken out again when it is freed, and that is never while a bprm
    // is borrowed: hooks borrow it.
    let prepared = unsafe { prepared.as_ref() }
        .filter(|prepared| prepared.strings_id == bprm.strings_id())
        .ok_or(ENODATA)?;
    prepared.args.as_ref().map_err(|e| *e)
}
