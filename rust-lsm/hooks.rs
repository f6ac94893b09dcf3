// SPDX-License-Identifier: GPL-2.0

//! Which LSM hook leads to which behaviour.

use crate::{
    admission,
    boundary::{
        bprm::Bprm,
        exec_state,
        lsm::Hooks,
        prog::Prog, //
    },
    bprm_readers,
    krsi_ops,
    process_exec,
    process_executed,
    switches, //
};
use kernel::prelude::*;

/// The LSM.
pub(crate) struct Krsi;

#[vtable]
impl Hooks for Krsi {
    fn bprm_creds_for_exec(bprm: &Bprm) -> Result {
        prepare(bprm);
        // An exec that is only asked about ends after this hook; every other has its rounds.
        if bprm.is_check() {
            process_exec::run(bprm)
        } else {
            Ok(())
        }
    }

    fn bprm_check_security(bprm: &Bprm) -> Result {
        prepare(bprm);
        process_exec::run(bprm)
    }

    fn bprm_committed_creds(bprm: &Bprm) {
        process_executed::run(bprm);
    }

    fn bpf_prog_load(prog: &Prog) -> Result {
        let extends_policy = prog.extended().is_some_and(|prog| krsi_ops::TYPE.has(prog));
        admission::load(prog, extends_policy)
    }

    fn bpf_prog_free(prog: &Prog) {
        bprm_readers::forget(prog);
    }
}

/// For BPF LSM programs, which run after KRSI. What can't be prepared, they are told when they
/// ask.
fn prepare(bprm: &Bprm) {
    if switches::strings_wanted() {
        let _ = exec_state::prepare(bprm);
    }
}
