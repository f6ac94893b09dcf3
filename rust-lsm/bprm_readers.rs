// SPDX-License-Identifier: GPL-2.0

//! BPF LSM programs that read an exec's strings (`krsi_bprm_*`).
//!
//! KRSI can't see such a program attach, so preparing is on from the verification that finds the
//! first call until the last such program is freed.

use crate::{
    boundary::{
        kfunc::Group,
        prog::Prog, //
    },
    registry, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    workqueue, //
};

static PROGRAMS: Atomic<i32> = Atomic::new(0);

/// Whether an exec's strings are to be prepared for them.
pub(crate) fn wanted() -> bool {
    PROGRAMS.load(Relaxed) > 0
}

/// Notes that a program calls such a kfunc. In the verifier; may sleep.
pub(crate) fn note(prog: &Prog) -> Result {
    let blob = prog.blob().ok_or(EACCES)?;
    let groups = blob.kfunc_groups.load(Relaxed);
    if groups & Group::Bprm.bit() == 0 {
        blob.kfunc_groups.store(groups | Group::Bprm.bit(), Relaxed);
        PROGRAMS.add(1, Relaxed);
        registry::switch_hooks()?;
    }
    Ok(())
}

/// Notes that a program is freed. May be called in an RCU callback, where hooks can't be switched.
pub(crate) fn forget(prog: &Prog) {
    let calls = prog
        .blob()
        .is_some_and(|blob| blob.kfunc_groups.load(Relaxed) & Group::Bprm.bit() != 0);
    if calls {
        PROGRAMS.add(-1, Relaxed);
        // Without memory for the work the hooks stay on until the next change: a cost, no fault.
        let _ = workqueue::system().try_spawn(GFP_ATOMIC, || {
            let _ = registry::switch_hooks();
        });
    }
}
