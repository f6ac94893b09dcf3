// SPDX-License-Identifier: GPL-2.0

//! What the LSM keeps of an exec: how many rounds it had, the numbers of their files, and its
//! strings where they are prepared for BPF LSM programs that run after this LSM's hook.
//!
//! It is found by the exec's new credentials. The strings are freed by a task work, which runs
//! when the task returns to user space or ends: after the exec in any case, whether it succeeds
//! or not. So no hook has to watch for the end of an exec.
//!
//! C header: [`include/linux/task_work.h`](srctree/include/linux/task_work.h).

use super::{
    arg_pages::ArgPages,
    blob,
    bprm::Bprm,
    runs::Runs, //
};
use crate::args::Args;
use core::{
    cell::UnsafeCell,
    mem::{
        align_of,
        size_of, //
    },
};
use kernel::{
    bindings,
    container_of,
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::Task, //
};

/// The LSM's part of the blob of an exec's new credentials.
struct ExecState {
    /// Rounds so far.
    rounds: Atomic<u32>,
    /// Null if the strings are not prepared.
    prepared: Atomic<*mut Prepared>,
    /// The files of the rounds so far.
    files: Runs,
}

const _: () = {
    assert!(size_of::<ExecState>() <= blob::CRED_SIZE as usize);
    assert!(align_of::<ExecState>() <= align_of::<*const ()>());
};

/// The strings of the latest round, or why they could not be prepared.
struct Prepared {
    work: UnsafeCell<bindings::callback_head>,
    args: Result<Args<ArgPages>>,
}

/// Prepares the strings of this round in place of an earlier one's. Sleeps.
///
/// On an error nothing is prepared, which programs are told.
pub(crate) fn prepare(bprm: &Bprm) -> Result {
    let state = bprm.state().ok_or(ENODATA)?;
    let args = ArgPages::collect(bprm).map(|pages| Args::new(pages, bprm.argc(), bprm.envc()));

    let known = state.prepared.load(Relaxed);
    // SAFETY: It was stored below for this exec, is freed after the exec only, and no program
    // that reads it runs while this task is in this function.
    if let Some(prepared) = unsafe { known.as_mut() } {
        prepared.args = args;
        return Ok(());
    }

    let new = KBox::into_raw(KBox::new(
        Prepared {
            work: UnsafeCell::new(bindings::callback_head {
                func: Some(free),
                ..Default::default()
            }),
            args,
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
/// Called once as the task work of a `Prepared`, after the exec that it was made for.
unsafe extern "C" fn free(work: *mut bindings::callback_head) {
    // SAFETY: By the caller's guarantee; nobody looks the strings up any more, as nobody has the
    // bprm.
    unsafe {
        let prepared = container_of!(
            work.cast::<UnsafeCell<bindings::callback_head>>(),
            Prepared,
            work
        );
        drop(KBox::from_raw(prepared));
    }
}

/// Looks at the files of the exec whose credentials the current task has just got: for
/// `bprm_committed_creds`.
pub(crate) fn with_committed_files(look: impl FnOnce(&Runs)) {
    // SAFETY: The current task holds its credentials, which only the task itself changes, and not
    // in a hook; their blob is as in `Bprm::state`.
    let state = unsafe { blob::cred::<ExecState>((*bindings::krsi_current_cred()).security) };
    if let Some(state) = state {
        look(&state.files);
    }
}

impl Bprm {
    /// `None` once the credentials are committed.
    fn state(&self) -> Option<&ExecState> {
        // SAFETY: `cred` is null or the exec's new credentials, which it holds a reference to, so
        // their blob lives as long as this borrow; the size and alignment are checked above, and
        // zero is valid for atomics.
        unsafe {
            (*self.as_ptr())
                .cred
                .as_ref()
                .and_then(|cred| blob::cred(cred.security))
        }
    }

    /// The number of this round, from 0; each call begins the next one.
    pub(crate) fn next_round(&self) -> u32 {
        let Some(state) = self.state() else {
            return 0;
        };
        let round = state.rounds.load(Relaxed);
        state.rounds.store(round.saturating_add(1), Relaxed);
        round
    }

    /// The files of the rounds so far.
    pub(crate) fn files(&self) -> Option<&Runs> {
        self.state().map(|state| &state.files)
    }

    /// The strings that were prepared for this round; `ENODATA` if none were. Never sleeps.
    pub(crate) fn prepared(&self) -> Result<&Args<ArgPages>> {
        let prepared = self.state().ok_or(ENODATA)?.prepared.load(Relaxed);
        // SAFETY: What is stored for this exec lives as long as the bprm, and is changed only by
        // `prepare` in the same task.
        match unsafe { prepared.as_ref() } {
            Some(Prepared { args: Ok(args), .. }) => Ok(args),
            Some(Prepared { args: Err(e), .. }) => Err(*e),
            None => Err(ENODATA),
        }
    }
}
