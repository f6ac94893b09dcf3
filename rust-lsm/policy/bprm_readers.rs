// SPDX-License-Identifier: GPL-2.0

//! BPF LSM programs that read an exec's strings (`krsi_bprm_*`).
//!
//! KRSI can't see such a program attach, so preparing is on from the verification that finds the
//! first call until the last such program is freed.

use super::switches;
use crate::{
    boundary::prog::Prog,
    bpf::kfunc::Group,
    state::prog_state, //
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed,
    workqueue, //
};

/// Notes that a program calls such a kfunc. In the verifier; may sleep.
pub(crate) fn note(prog: &Prog) -> Result {
    let state = prog_state::of(prog).ok_or(EACCES)?;
    let groups = state.kfunc_groups.load(Relaxed);
    if groups & Group::Bprm.bit() == 0 {
        state
            .kfunc_groups
            .store(groups | Group::Bprm.bit(), Relaxed);
        switches::count_string_readers(1);
        switches::renew();
    }
    Ok(())
}

/// Notes that a program is freed. May be called in an RCU callback, where hooks can't be switched.
pub(crate) fn forget(prog: &Prog) {
    let calls = prog_state::of(prog)
        .is_some_and(|state| state.kfunc_groups.load(Relaxed) & Group::Bprm.bit() != 0);
    if calls {
        switches::count_string_readers(-1);
        // Without memory for the work the hooks stay on until the next change: a cost, no fault.
        let _ = workqueue::system().try_spawn(GFP_ATOMIC, switches::renew);
    }
}
