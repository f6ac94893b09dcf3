// SPDX-License-Identifier: GPL-2.0

//! What the verifier asks about each call of a program, through `krsi_btf.c`.
//!
//! C header: [`include/linux/bpf_verifier.h`](srctree/include/linux/bpf_verifier.h).

use crate::boundary::prog::Prog;
use crate::policy::{
    admission::{
        self,
        Helper, //
    },
    krsi_ops, //
};
use core::ptr::null;
use kernel::{
    bindings,
    error::from_result,
    prelude::*, //
};

/// Asked for each kfunc that a program calls.
///
/// # Safety
///
/// `prog` is a program that is being verified.
#[export]
unsafe extern "C" fn krsi_rs_kfunc_filter(prog: *const bindings::bpf_prog, id: u32) -> c_int {
    // SAFETY: By the caller's guarantee.
    let prog = unsafe { Prog::from_ptr(prog) };
    let is_policy = krsi_ops::TYPE.has(prog);
    from_result(|| admission::kfunc(prog, is_policy, id).map(|()| 0))
}

/// Asked for each helper that a program of KRSI's type calls.
///
/// # Safety
///
/// `prog` is a program that is being verified.
#[export]
unsafe extern "C" fn krsi_rs_helper_proto(
    id: u32,
    prog: *const bindings::bpf_prog,
) -> *const bindings::bpf_func_proto {
    // SAFETY: By the caller's guarantee.
    match admission::helper(unsafe { Prog::from_ptr(prog) }, id) {
        Helper::Base => {
            // SAFETY: As above.
            unsafe { bindings::bpf_base_func_proto(id, prog) }
        }
        Helper::PerfEventOutput => &raw const bindings::bpf_event_output_data_proto,
        Helper::Refused => null(),
    }
}
