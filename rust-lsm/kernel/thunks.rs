// SPDX-License-Identifier: GPL-2.0

//! Where `krsi_btf.c` forwards each kfunc to: raw pointers become typed references, and the safe
//! bodies in `bpf-helpers/` answer.
//!
//! For all: the verifier passes as context only the pointer that the program was called with, and
//! memory that it has checked for reads and writes of the size that comes with it. It runs no
//! program after its op has returned with that context, so context and memory live during the
//! call.

use super::{
    abi::{
        EventHeader,
        Exec, //
    },
    bprm::Bprm,
    event::Behind,
    file,
    kfunc::ProgMem,
    task, //
};
use crate::exec_kfuncs;
use kernel::{
    bindings::linux_binprm,
    prelude::*, //
};

/// What a kfunc returns for an answer.
fn value(result: Result<usize>) -> c_int {
    result.map_or_else(Error::to_errno, |n| {
        c_int::try_from(n).unwrap_or(c_int::MAX)
    })
}

/// The same; notes for the policy that is running when KRSI could not answer.
fn answer(behind: &Behind<'_>, result: Result<usize>) -> c_int {
    if matches!(result, Err(e) if e == EFAULT || e == ENOMEM || e == ENODATA) {
        behind.note_failure();
    }
    value(result)
}

/// Finds what stands behind a context of `process_exec`.
///
/// # Safety
///
/// As in the module's documentation.
unsafe fn exec<'a>(exec: *mut Exec) -> &'a Behind<'a> {
    // SAFETY: By the caller's guarantee; the context begins with its header.
    unsafe { Behind::of(exec.cast()) }
}

/// Wraps memory of the program.
///
/// # Safety
///
/// As in the module's documentation.
unsafe fn mem<'a, T>(ptr: *const T, size: u32) -> ProgMem<'a> {
    // SAFETY: By the caller's guarantee.
    unsafe { ProgMem::new(ptr.cast_mut().cast(), size) }
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_env_var(
    ctx: *mut Exec,
    name: *const c_char,
    name_size: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, name, out) = unsafe { (exec(ctx), mem(name, name_size), mem(buf, size)) };
    answer(behind, exec_kfuncs::get_env_var(behind.args(), &name, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_find_env_var(
    ctx: *mut Exec,
    name: *const c_char,
    name_size: u32,
    n: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, name) = unsafe { (exec(ctx), mem(name, name_size)) };
    answer(behind, exec_kfuncs::find_env_var(behind.args(), &name, n))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_count_env_var(
    ctx: *mut Exec,
    name: *const c_char,
    name_size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, name) = unsafe { (exec(ctx), mem(name, name_size)) };
    answer(behind, exec_kfuncs::count_env_var(behind.args(), &name))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_env_vars(
    ctx: *mut Exec,
    off: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (exec(ctx), mem(buf, size)) };
    answer(behind, exec_kfuncs::get_env_vars(behind.args(), off, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_arg(ctx: *mut Exec, n: u32, buf: *mut c_char, size: u32) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (exec(ctx), mem(buf, size)) };
    answer(behind, exec_kfuncs::get_arg(behind.args(), n, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_args(
    ctx: *mut Exec,
    off: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (exec(ctx), mem(buf, size)) };
    answer(behind, exec_kfuncs::get_args(behind.args(), off, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_file_path(
    ctx: *mut EventHeader,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(buf, size)) };
    answer(behind, behind.file().and_then(|f| file::path(f, &out)))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_file_id(
    ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(out, size)) };
    let id = behind.file().map(file::id);
    answer(behind, id.map(|id| out.fill(&id)).map(|()| 0))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_task_id(
    ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(out, size)) };
    out.fill(&task::current_id());
    answer(behind, Ok(0))
}

/// Wraps the bprm that a BPF LSM program was called with.
///
/// # Safety
///
/// As in the module's documentation: the verifier trusts only a hook's own argument.
unsafe fn bprm<'a>(ptr: *mut linux_binprm) -> &'a Bprm {
    // SAFETY: By the caller's guarantee.
    unsafe { Bprm::from_ptr(ptr) }
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_get_env_var(
    ctx: *mut linux_binprm,
    name: *const c_char,
    name_size: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, name, out) = unsafe { (bprm(ctx), mem(name, name_size), mem(buf, size)) };
    value(exec_kfuncs::get_env_var(bprm.prepared(), &name, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_find_env_var(
    ctx: *mut linux_binprm,
    name: *const c_char,
    name_size: u32,
    n: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, name) = unsafe { (bprm(ctx), mem(name, name_size)) };
    value(exec_kfuncs::find_env_var(bprm.prepared(), &name, n))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_count_env_var(
    ctx: *mut linux_binprm,
    name: *const c_char,
    name_size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, name) = unsafe { (bprm(ctx), mem(name, name_size)) };
    value(exec_kfuncs::count_env_var(bprm.prepared(), &name))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_get_env_vars(
    ctx: *mut linux_binprm,
    off: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, out) = unsafe { (bprm(ctx), mem(buf, size)) };
    value(exec_kfuncs::get_env_vars(bprm.prepared(), off, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_get_arg(
    ctx: *mut linux_binprm,
    n: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, out) = unsafe { (bprm(ctx), mem(buf, size)) };
    value(exec_kfuncs::get_arg(bprm.prepared(), n, &out))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_bprm_get_args(
    ctx: *mut linux_binprm,
    off: u32,
    buf: *mut c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (bprm, out) = unsafe { (bprm(ctx), mem(buf, size)) };
    value(exec_kfuncs::get_args(bprm.prepared(), off, &out))
}
