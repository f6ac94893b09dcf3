// SPDX-License-Identifier: GPL-2.0

//! Kfuncs: their groups and their registration.
//!
//! C header: [`include/linux/btf.h`](srctree/include/linux/btf.h).

use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

macro_rules! groups {
    ($( $(#[$doc:meta])* $name:ident = $value:ident, )*) => {
        /// Kfuncs that are prepared and admitted together.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum Group { $( $(#[$doc])* $name = bindings::$value, )* }

        impl Group {
            /// The group of a kfunc by its BTF id in vmlinux.
            pub(crate) fn of(id: u32) -> Self {
                // SAFETY: Only looks the id up in constant tables.
                match unsafe { bindings::krsi_kfunc_group(id) } as u32 {
                    $( bindings::$value => Self::$name, )*
                    _ => Self::Foreign,
                }
            }
        }
    };
}

groups! {
    /// Readers of an exec's arguments and environment.
    Exec = krsi_kfunc_group_KRSI_KFUNCS_EXEC,
    /// Facts of an exec that take a look.
    Facts = krsi_kfunc_group_KRSI_KFUNCS_FACTS,
    /// Whether its file is privileged, which takes an extended attribute.
    Privileged = krsi_kfunc_group_KRSI_KFUNCS_PRIVILEGED,
    /// Where its file's name leads, which takes a lookup.
    Name = krsi_kfunc_group_KRSI_KFUNCS_NAME,
    /// For every event.
    Event = krsi_kfunc_group_KRSI_KFUNCS_EVENT,
    /// For every event; what the hooks of removals must prepare.
    Path = krsi_kfunc_group_KRSI_KFUNCS_PATH,
    /// For every event that can be denied.
    Reason = krsi_kfunc_group_KRSI_KFUNCS_REASON,
    /// What a mount stands on.
    Mount = krsi_kfunc_group_KRSI_KFUNCS_MOUNT,
    /// The digest of a file, which is read for it.
    Digest = krsi_kfunc_group_KRSI_KFUNCS_DIGEST,
    /// The same of a memfd alone.
    Memfd = krsi_kfunc_group_KRSI_KFUNCS_MEMFD,
    /// What a file is marked with: an fs-verity digest, a build id.
    Marks = krsi_kfunc_group_KRSI_KFUNCS_MARKS,
    /// The digest of the module that is being loaded.
    ModuleDigest = krsi_kfunc_group_KRSI_KFUNCS_MODULE_DIGEST,
    /// What stands in the module that is being loaded.
    ModuleInfo = krsi_kfunc_group_KRSI_KFUNCS_MODULE_INFO,
    /// Readers of an exec's arguments and environment, for BPF LSM programs.
    Bprm = krsi_kfunc_group_KRSI_KFUNCS_BPRM,
    /// The kernel's own that work on a program's own memory alone.
    Common = krsi_kfunc_group_KRSI_KFUNCS_COMMON,
    /// All others.
    Foreign = krsi_kfunc_group_KRSI_KFUNCS_FOREIGN,
}

impl Group {
    /// Those for which something is prepared before programs run, as it sleeps.
    pub(crate) const PREPARED: [Self; 7] = [
        Self::Exec,
        Self::Privileged,
        Self::Name,
        Self::Digest,
        Self::Memfd,
        Self::Marks,
        Self::ModuleDigest,
    ];

    /// Its bit in a program's blob.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What a program needs, or all programs of an op: the groups that it calls kfuncs of, whether it
/// may sleep, and whether it wants all facts in its context, as before ABI 3; or that none is to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs(u32);

impl Needs {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// Beyond the bits of groups.
    const SLEEPS: u32 = 1 << 31;
    const ALL_FLAGS: u32 = 1 << 30;
    const NOT_NOW: u32 = 1 << 29;

    /// That there are no programs to run now.
    pub(crate) const OFF: Self = Self(Self::NOT_NOW);

    /// What has to be done before or otherwise than for a program that needs nothing.
    const TO_DO: u32 = {
        let mut bits = Self::SLEEPS | Self::ALL_FLAGS | Self::NOT_NOW;
        let mut i = 0;
        while i < Group::PREPARED.len() {
            bits |= Group::PREPARED[i].bit();
            i += 1;
        }
        bits
    };

    /// Those of a program that calls kfuncs of these groups, a bit each.
    pub(crate) const fn new(groups: u32, sleeps: bool) -> Self {
        Self(groups | if sleeps { Self::SLEEPS } else { 0 })
    }

    /// These, of a program that wants all flags.
    pub(crate) const fn with_all_flags(self) -> Self {
        Self(self.0 | Self::ALL_FLAGS)
    }

    /// Whether there are no programs to run now.
    #[inline]
    pub(crate) const fn are_off(self) -> bool {
        self.0 & Self::NOT_NOW != 0
    }

    /// Whether all flags are wanted.
    pub(crate) const fn have_all_flags(self) -> bool {
        self.0 & Self::ALL_FLAGS != 0
    }

    /// As kept in an atomic.
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The same.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    /// These and others.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether kfuncs of this group are called.
    pub(crate) const fn has(self, group: Group) -> bool {
        self.0 & group.bit() != 0
    }

    /// What has to be done for these and was not for `done`.
    #[inline]
    pub(crate) const fn beyond(self, done: Self) -> Self {
        Self(self.0 & Self::TO_DO & !done.0)
    }

    /// Whether there are none.
    #[inline]
    pub(crate) const fn are_none(self) -> bool {
        self.0 == 0
    }

    /// Those that are prepared alone, but for `group`.
    pub(crate) const fn prepared_but(self, group: Option<Group>) -> Self {
        let bits = self.0 & Self::TO_DO & !(Self::SLEEPS | Self::ALL_FLAGS | Self::NOT_NOW);
        match group {
            Some(group) => Self(bits & !group.bit()),
            None => Self(bits),
        }
    }
}

/// Registers the kfuncs and their filter. Once, from a late initcall.
pub(crate) fn register() -> Result {
    // SAFETY: The sets are constants of this kernel, their filter is `krsi_rs_kfunc_filter`.
    unsafe {
        // For "unspecified" programs as well: a filter sees only what is registered where it is, the
        // kfuncs that all programs may call, or all of struct_ops.
        for kind in [
            bindings::bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS,
            bindings::bpf_prog_type_BPF_PROG_TYPE_UNSPEC,
        ] {
            to_result(bindings::register_btf_kfunc_id_set(
                kind,
                &raw const bindings::krsi_policy_kfuncs,
            ))?;
        }
        to_result(bindings::register_btf_kfunc_id_set(
            bindings::bpf_prog_type_BPF_PROG_TYPE_LSM,
            &raw const bindings::krsi_bprm_kfuncs,
        ))
    }
}
