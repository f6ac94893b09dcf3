// SPDX-License-Identifier: GPL-2.0

//! Linux Security Modules: hooks, their switches and registration.
//!
//! `declare_lsm!` makes the statics that the framework reads at boot; the hooks themselves are in
//! `lsm_hooks.rs`.
//!
//! C header: [`include/linux/lsm_hooks.h`](srctree/include/linux/lsm_hooks.h).

use super::lsm_hooks::{
    entries,
    implemented,
    Hook,
    Hooks, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    prelude::*,
    str::as_char_ptr_in_const_context, //
};

/// The framework's view of an LSM's hooks.
///
/// # Invariants
///
/// The entries are written at boot only, by [`HookList::register`] and the framework's init code.
pub(crate) struct HookList {
    entries: [UnsafeCell<bindings::security_hook_list>; Hook::COUNT],
    implemented: [bool; Hook::COUNT],
}

// SAFETY: The entries are written at boot by one thread, and only read afterwards.
unsafe impl Sync for HookList {}

impl HookList {
    /// The hooks that `T` implements.
    pub(crate) const fn new<T: Hooks>() -> Self {
        Self {
            entries: entries::<T>(),
            implemented: implemented::<T>(),
        }
    }

    /// Adds the implemented hooks to the framework; those that can be switched start off.
    ///
    /// # Safety
    ///
    /// Called once, from the LSM's init function; `self` and `id` are statics of this kernel.
    #[link_section = ".init.text"]
    pub(crate) unsafe fn register(&'static self, id: &'static LsmId) {
        for hook in Hook::ALL {
            if !self.implemented[hook.index()] {
                continue;
            }
            let entry = self.entries[hook.index()].get();
            // SAFETY: Boot is single-threaded here, so nobody else uses the entry; the framework
            // keeps the pointers, which are to statics.
            unsafe {
                bindings::krsi_hook_init(entry, hook.key().is_some());
                bindings::security_add_hooks(entry, 1, &id.0);
            }
        }
    }

    /// Switches a hook; one that can't be switched is always on. The caller serialises. Sleeps.
    pub(crate) fn switch(&'static self, hook: Hook, on: bool) {
        if let Some(key) = hook.key() {
            // SAFETY: The entry was added at boot, as policies are attached much later; the key
            // is the hook's.
            unsafe { bindings::krsi_hook_switch(self.entries[hook.index()].get(), key, on) };
        }
    }
}

/// An LSM's name and number.
pub(crate) struct LsmId(bindings::lsm_id);

// SAFETY: Never changes.
unsafe impl Sync for LsmId {}

impl LsmId {
    /// Names an LSM.
    pub(crate) const fn new(name: &'static CStr, id: u64) -> Self {
        Self(bindings::lsm_id {
            name: as_char_ptr_in_const_context(name),
            id,
        })
    }

    /// The C struct.
    pub(crate) const fn as_ptr(&'static self) -> *const bindings::lsm_id {
        &self.0
    }
}

/// Declares this kernel's LSM: its hooks, its id, what it keeps with kernel objects and what runs when at boot.
///
/// `init` runs first of all, when memory can be allocated but not waited for; `core` when
/// securityfs is there; `fs` when classes of devices are, and before drivers; `late` when BTF is.
macro_rules! declare_lsm {
    (hooks: $hooks:ty, name: $name:literal, id: $id:expr, blobs: $blobs:path, core: $core:path, fs: $fs:path, late: $late:path $(,)?) => {
        #[expect(
            unsafe_code,
            reason = "statics that the LSM framework finds by their sections"
        )]
        mod lsm_statics {
            use super::*;
            use core::cell::UnsafeCell;
            use kernel::{
                bindings,
                error::from_result, //
            };
            use $crate::boundary::lsm::{
                HookList,
                LsmId, //
            };

            static ID: LsmId = LsmId::new($name, $id as u64);

            #[link_section = ".data..ro_after_init"]
            pub(super) static HOOKS: HookList = HookList::new::<$hooks>();

            #[link_section = ".init.text"]
            extern "C" fn init() -> c_int {
                // SAFETY: This is the LSM's init function, called once.
                unsafe { HOOKS.register(&ID) };
                0
            }

            extern "C" fn core() -> c_int {
                from_result(|| $core().map(|()| 0))
            }

            extern "C" fn fs() -> c_int {
                from_result(|| $fs().map(|()| 0))
            }

            extern "C" fn late() -> c_int {
                from_result(|| $late().map(|()| 0))
            }

            #[repr(transparent)]
            struct Info(UnsafeCell<bindings::lsm_info>);

            // SAFETY: Read and written at boot by the framework, in one thread.
            unsafe impl Sync for Info {}

            #[link_section = ".lsm_info.init"]
            #[used]
            static INFO: Info = Info(UnsafeCell::new(bindings::lsm_info {
                id: ID.as_ptr(),
                blobs: $blobs.as_ptr(),
                init: Some(init),
                initcall_core: Some(core),
                initcall_fs: Some(fs),
                initcall_late: Some(late),
                ..pin_init::zeroed()
            }));
        }

        /// The hooks, to switch.
        pub(crate) static LSM_HOOKS: &$crate::boundary::lsm::HookList = &lsm_statics::HOOKS;
    };
}
pub(crate) use declare_lsm;
