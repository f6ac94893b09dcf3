// SPDX-License-Identifier: GPL-2.0

//! Kfuncs: their groups, their registration, and the memory that a program hands to them.
//!
//! C header: [`include/linux/btf.h`](srctree/include/linux/btf.h).

use super::abi::{
    bytes_of,
    Plain, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// Sets of kfuncs that are admitted together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Readers of an exec's arguments and environment.
    Exec,
    /// For every event.
    Event,
    /// Readers of an exec's arguments and environment, for BPF LSM programs.
    Bprm,
    /// The kernel's own that work on a program's own memory alone.
    Common,
    /// All others.
    Foreign,
}

impl Group {
    /// Its bit in a program's blob.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The group of a kfunc by its BTF id in vmlinux.
    pub(crate) fn of(id: u32) -> Self {
        // SAFETY: Only looks the id up in constant tables.
        let group = unsafe { bindings::krsi_kfunc_group(id) } as u32;
        match group {
            bindings::krsi_kfunc_group_KRSI_KFUNCS_EXEC => Self::Exec,
            bindings::krsi_kfunc_group_KRSI_KFUNCS_EVENT => Self::Event,
            bindings::krsi_kfunc_group_KRSI_KFUNCS_BPRM => Self::Bprm,
            bindings::krsi_kfunc_group_KRSI_KFUNCS_COMMON => Self::Common,
            _ => Self::Foreign,
        }
    }
}

/// Registers the kfuncs and their filter. Once, from a late initcall.
pub(crate) fn register() -> Result {
    let struct_ops = bindings::bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS;
    // Registering for "unspecified" programs is what makes the filter see the common kfuncs.
    let common = bindings::bpf_prog_type_BPF_PROG_TYPE_UNSPEC;

    // SAFETY: The sets are constants of this kernel, their filter is `krsi_rs_kfunc_filter`.
    unsafe {
        to_result(bindings::register_btf_kfunc_id_set(
            struct_ops,
            &raw const bindings::krsi_exec_kfuncs,
        ))?;
        to_result(bindings::register_btf_kfunc_id_set(
            common,
            &raw const bindings::krsi_event_kfuncs,
        ))?;
        to_result(bindings::register_btf_kfunc_id_set(
            bindings::bpf_prog_type_BPF_PROG_TYPE_LSM,
            &raw const bindings::krsi_bprm_kfuncs,
        ))
    }
}

/// Memory of a program: a pointer and size that the verifier has checked.
///
/// Another program or a user with the map mapped may write to it at any time, so it is copied
/// from and to, never referenced.
///
/// # Invariants
///
/// `ptr` is valid for reads and writes of `len` bytes for `'a`, or `len` is 0.
pub(crate) struct ProgMem<'a> {
    ptr: *mut u8,
    len: usize,
    _memory: PhantomData<&'a ()>,
}

impl ProgMem<'_> {
    /// Wraps what a kfunc was passed.
    ///
    /// # Safety
    ///
    /// `ptr` is null or valid for reads and writes of `len` bytes for the lifetime.
    pub(crate) unsafe fn new(ptr: *mut u8, len: u32) -> Self {
        // INVARIANT: By the caller's guarantee; a null pointer gets length 0.
        Self {
            ptr,
            len: if ptr.is_null() { 0 } else { len as usize },
            _memory: PhantomData,
        }
    }

    /// Its size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies from its beginning; returns how many bytes.
    pub(crate) fn read(&self, to: &mut [u8]) -> usize {
        let n = to.len().min(self.len);
        // SAFETY: `ptr` is valid for reads of `n` bytes by the invariants; `to` is memory of the
        // kernel that doesn't overlap with a program's.
        unsafe { bindings::memcpy(to.as_mut_ptr().cast(), self.ptr.cast(), n) };
        n
    }

    /// Copies `from` to an offset, as far as there is room; returns how many bytes.
    pub(crate) fn write(&self, offset: usize, from: &[u8]) -> usize {
        let n = from.len().min(self.len.saturating_sub(offset));
        if n > 0 {
            // SAFETY: `offset + n <= len`, so the range is valid for writes by the invariants.
            unsafe {
                bindings::memcpy(self.ptr.add(offset).cast(), from.as_ptr().cast(), n);
            }
        }
        n
    }

    /// Fills it with a struct of the ABI: the shorter size wins, the rest is zeroed.
    pub(crate) fn fill<T: Plain>(&self, value: &T) {
        let written = self.write(0, bytes_of(value));
        // SAFETY: `written <= len`, so the range is valid for writes by the invariants.
        unsafe { bindings::memset(self.ptr.wrapping_add(written).cast(), 0, self.len - written) };
    }

    /// Lets C fill it.
    pub(crate) fn as_mut_ptr(&self) -> *mut u8 {
        self.ptr
    }
}
