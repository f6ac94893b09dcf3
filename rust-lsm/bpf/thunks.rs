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
        self,
        EventHeader,
        Exec,
        FileId,
        ModuleLoad,
        Mount, //
    },
    event::Behind,
    task_id, //
};
use crate::{
    boundary::{
        bprm::Bprm,
        name::Leads,
        prog_mem::ProgMem, //
    },
    exec_kfuncs,
    module_kfuncs,
    state::execs, //
};
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

/// Wraps the bprm that a BPF LSM program was called with.
///
/// # Safety
///
/// As in the module's documentation: the verifier trusts only a hook's own argument.
unsafe fn bprm<'a>(ptr: *mut linux_binprm) -> &'a Bprm {
    // SAFETY: By the caller's guarantee.
    unsafe { Bprm::from_ptr(ptr) }
}

/// Readers of an exec's strings, each as two kfuncs: for policies on the context of
/// `process_exec`, and for BPF LSM programs on a bprm.
macro_rules! readers {
    ($( $exec:ident, $bprm:ident: $read:ident($($arg:ident: $type:ty),*), $($pass:expr),*; )*) => { $(
        /// # Safety
        ///
        /// As in the module's documentation.
        #[export]
        unsafe extern "C" fn $exec(ctx: *mut Exec, $($arg: $type),*) -> c_int {
            // SAFETY: Called for a kfunc, see above.
            let behind = unsafe { exec(ctx) };
            // SAFETY: As above: the memory is the program's.
            answer(behind, unsafe { exec_kfuncs::$read(behind.args(), $($pass),*) })
        }

        /// # Safety
        ///
        /// As in the module's documentation.
        #[export]
        unsafe extern "C" fn $bprm(ctx: *mut linux_binprm, $($arg: $type),*) -> c_int {
            // SAFETY: Called for a kfunc, see above.
            let bprm = unsafe { bprm(ctx) };
            value(execs::look(bprm, |args| {
                // SAFETY: As above: the memory is the program's.
                unsafe { exec_kfuncs::$read(args, $($pass),*) }
            }))
        }
    )* };
}

readers! {
    krsi_rs_get_env_var, krsi_rs_bprm_get_env_var:
        get_env_var(name: *const c_char, name_size: u32, buf: *mut c_char, size: u32),
        &mem(name, name_size), &mem(buf, size);
    krsi_rs_find_env_var, krsi_rs_bprm_find_env_var:
        find_env_var(name: *const c_char, name_size: u32, n: u32), &mem(name, name_size), n;
    krsi_rs_count_env_var, krsi_rs_bprm_count_env_var:
        count_env_var(name: *const c_char, name_size: u32), &mem(name, name_size);
    krsi_rs_get_env_vars, krsi_rs_bprm_get_env_vars:
        get_env_vars(off: u32, buf: *mut c_char, size: u32), off, &mem(buf, size);
    krsi_rs_get_arg, krsi_rs_bprm_get_arg:
        get_arg(n: u32, buf: *mut c_char, size: u32), n, &mem(buf, size);
    krsi_rs_get_args, krsi_rs_bprm_get_args:
        get_args(off: u32, buf: *mut c_char, size: u32), off, &mem(buf, size);
}

/// What krsi_get_exec_facts() can be asked for.
const ASKED_FACTS: u32 = abi::KRSI_EXEC_WRITABLE
    | abi::KRSI_EXEC_OVERLAY_UPPER
    | abi::KRSI_EXEC_DETACHED
    | abi::KRSI_EXEC_ELSEWHERE
    | abi::KRSI_EXEC_MOUNT_ROOT
    | abi::KRSI_EXEC_USER_MOUNT;

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_exec_facts(ctx: *mut Exec, facts: u32) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let behind = unsafe { exec(ctx) };
    let among = || match facts & !ASKED_FACTS {
        0 => Ok(behind.facts()?.among(facts) as usize),
        _ => Err(EINVAL),
    };
    answer(behind, among())
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_is_privileged(ctx: *mut Exec) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let behind = unsafe { exec(ctx) };
    answer(behind, behind.is_privileged().map(usize::from))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_name_now(ctx: *mut Exec) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let behind = unsafe { exec(ctx) };
    let name = |leads| match leads {
        Leads::Unknown => abi::KRSI_NAME_UNKNOWN,
        Leads::Here | Leads::Same => abi::KRSI_NAME_SAME,
        Leads::Other => abi::KRSI_NAME_OTHER,
        Leads::Nowhere => abi::KRSI_NAME_GONE,
    };
    answer(behind, behind.name_now().map(|leads| name(leads) as usize))
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
    value(behind.path(&out))
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
    let id = behind.place().map(|place| FileId::from(place.id()));
    value(id.map(|id| out.fill(&id)).map(|()| 0))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_task_id(
    _ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let out: ProgMem<'_> = unsafe { mem(out, size) };
    out.fill(&task_id::current(out.len()));
    0
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_set_reason(
    ctx: *mut EventHeader,
    text: *const c_char,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, text) = unsafe { (Behind::of(ctx), mem(text, size)) };
    value(Ok(behind.set_reason(&text)))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_is_below(
    ctx: *mut EventHeader,
    dir: *const c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, memory): (_, ProgMem<'_>) = unsafe { (Behind::of(ctx), mem(dir, size)) };
    let is_below = || {
        let dir = abi::read_file_id(&memory).ok_or(EINVAL)?;
        behind.place()?.is_below(dir).map(usize::from)
    };
    value(is_below())
}

/// Kfuncs on the context of `module_load`.
macro_rules! of_module {
    ($( $thunk:ident: $read:ident($($arg:ident: $type:ty),*), $($pass:expr),*; )*) => { $(
        /// # Safety
        ///
        /// As in the module's documentation.
        #[export]
        unsafe extern "C" fn $thunk(ctx: *mut ModuleLoad, $($arg: $type),*) -> c_int {
            // SAFETY: Called for a kfunc, see above; the context begins with its header.
            let behind = unsafe { Behind::of(ctx.cast()) };
            let read = |module: &_| {
                // SAFETY: As above: the memory is the program's.
                unsafe { module_kfuncs::$read(module, $($pass),*) }
            };
            answer(behind, behind.module().and_then(read))
        }
    )* };
}

of_module! {
    krsi_rs_get_module_digest:
        get_module_digest(buf: *mut c_void, size: u32), &mem(buf, size);
    krsi_rs_get_module_info:
        get_module_info(key: *const c_char, key_size: u32, buf: *mut c_char, size: u32),
        &mem(key, key_size), &mem(buf, size);
}

/// What a kfunc returns for what a file holds. It is an answer that nothing is there or that it is
/// not known now, and no error of the policy; so is the end of a task.
fn of_file(behind: &Behind<'_>, result: Result<usize>) -> c_int {
    const ANSWERS: [Error; 5] = [ENODATA, EOPNOTSUPP, EBUSY, EAGAIN, EINTR];

    if result.is_err_and(|e| !ANSWERS.contains(&e)) {
        behind.note_failure();
    }
    value(result)
}

/// Fills a program's memory with a digest; answers its size.
fn fill(out: &ProgMem<'_>, digest: Result<&abi::Digest>) -> Result<usize> {
    match digest {
        Ok(digest) => {
            out.fill(digest);
            Ok(digest.size as usize)
        }
        Err(e) => {
            out.clear();
            Err(e)
        }
    }
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_usb_id(ctx: *mut Mount, out: *mut c_void, size: u32) -> c_int {
    // SAFETY: Called for a kfunc, see above; the context begins with its header.
    let (behind, out): (_, ProgMem<'_>) = unsafe { (Behind::of(ctx.cast()), mem(out, size)) };
    value(behind.usb().map(|id| out.fill(id)).map(|()| 0))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_file_digest(
    ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(out, size)) };
    of_file(behind, fill(&out, behind.digest()))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_memfd_digest(
    ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(out, size)) };
    of_file(behind, fill(&out, behind.memfd_digest()))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_file_verity(
    ctx: *mut EventHeader,
    out: *mut c_void,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(out, size)) };
    let digest = behind.marks().and_then(|marks| marks.verity);
    let digest = digest.map(abi::Digest::from);
    of_file(behind, fill(&out, digest.as_ref().map_err(|e| *e)))
}

/// # Safety
///
/// As in the module's documentation.
#[export]
unsafe extern "C" fn krsi_rs_get_file_build_id(
    ctx: *mut EventHeader,
    buf: *mut u8,
    size: u32,
) -> c_int {
    // SAFETY: Called for a kfunc, see above.
    let (behind, out) = unsafe { (Behind::of(ctx), mem(buf, size)) };
    let id = behind.marks().and_then(|marks| marks.build_id);
    out.fill_bytes(id.as_ref().map_or(&[], |id| id.bytes()));
    of_file(behind, id.map(|id| id.bytes().len()))
}
