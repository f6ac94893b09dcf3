// SPDX-License-Identifier: GPL-2.0

//! Kfuncs: their groups and their registration.
//!
//! C header: [`include/linux/btf.h`](srctree/include/linux/btf.h).

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
    /// For every event; what the hooks of removals must prepare.
    Path,
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
            bindings::krsi_kfunc_group_KRSI_KFUNCS_PATH => Self::Path,
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
            common,
            &raw const bindings::krsi_path_kfuncs,
        ))?;
        to_result(bindings::register_btf_kfunc_id_set(
            bindings::bpf_prog_type_BPF_PROG_TYPE_LSM,
            &raw const bindings::krsi_bprm_kfuncs,
        ))
    }
}
