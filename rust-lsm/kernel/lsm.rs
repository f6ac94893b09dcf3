// SPDX-License-Identifier: GPL-2.0

//! Linux Security Modules: hooks, their switches and registration.
//!
//! An LSM implements [`Hooks`]; what it doesn't implement isn't registered. `declare_lsm!` makes
//! the statics that the framework reads at boot.
//!
//! C header: [`include/linux/lsm_hooks.h`](srctree/include/linux/lsm_hooks.h).

use super::{
    bprm::Bprm,
    prog::Prog, //
};
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::{
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    str::as_char_ptr_in_const_context,
    ModuleMetadata, //
};

/// What `#[vtable]` takes for the module that owns callbacks: an LSM is part of the kernel.
pub(crate) struct LocalModule;

impl ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"krsi";

    const THIS_MODULE: ThisModule = {
        // SAFETY: A null module is what code that is built in has.
        unsafe { ThisModule::from_ptr(core::ptr::null_mut()) }
    };
}

/// The hooks of an LSM. All are called in process context and may sleep unless they say otherwise.
#[vtable]
pub(crate) trait Hooks: 'static {
    /// An exec begins: once, for the file that was asked for.
    fn bprm_creds_for_exec(_bprm: &Bprm) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A file is about to be executed: for the file itself and each interpreter.
    fn bprm_check_security(_bprm: &Bprm) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// The new credentials are in force; `bprm` has no memory any more.
    fn bprm_committed_creds(_bprm: &Bprm) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A BPF program is being loaded; it is not verified yet.
    fn bpf_prog_load(_prog: &Prog) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// A BPF program is being freed. May be called in an RCU callback: must not sleep.
    fn bpf_prog_free(_prog: &Prog) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

macro_rules! hooks {
    ($( $name:ident = $index:literal: $hook:ident, $has:ident, $key:expr; )*) => {
        /// Names a hook at run time.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Hook { $( #[doc = stringify!($hook)] $name = $index, )* }

        impl Hook {
            /// How many there are.
            pub(crate) const COUNT: usize = [$($index),*].len();

            /// All of them.
            pub(crate) const ALL: [Hook; Self::COUNT] = [$(Hook::$name),*];

            /// The static key of its own, if it can be switched.
            fn key(self) -> Option<*mut bindings::krsi_hook_key> {
                match self { $( Hook::$name => $key, )* }
            }
        }

        impl HookList {
            /// The hooks that `T` implements.
            pub(crate) const fn new<T: Hooks>() -> Self {
                Self {
                    entries: [$(
                        UnsafeCell::new(bindings::security_hook_list {
                            // SAFETY: Only the address of the framework's table is taken.
                            scalls: unsafe { &raw mut bindings::static_calls_table.$hook }.cast(),
                            hook: bindings::security_list_options { $hook: Some($hook::<T>) },
                            ..pin_init::zeroed()
                        }),
                    )*],
                    implemented: [$( T::$has, )*],
                }
            }
        }
    };
}

hooks! {
    BprmCredsForExec = 0: bprm_creds_for_exec, HAS_BPRM_CREDS_FOR_EXEC,
        Some(&raw mut bindings::krsi_key_bprm_creds_for_exec);
    BprmCheckSecurity = 1: bprm_check_security, HAS_BPRM_CHECK_SECURITY,
        Some(&raw mut bindings::krsi_key_bprm_check_security);
    BprmCommittedCreds = 2: bprm_committed_creds, HAS_BPRM_COMMITTED_CREDS,
        Some(&raw mut bindings::krsi_key_bprm_committed_creds);
    BpfProgLoad = 3: bpf_prog_load, HAS_BPF_PROG_LOAD, None;
    BpfProgFree = 4: bpf_prog_free, HAS_BPF_PROG_FREE, None;
}

impl Hook {
    /// Its index in tables of `COUNT` entries.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// Whether a switchable hook is to go on. With a framework that switches hooks it is not called
/// otherwise, and this is no instruction; without, it is the static branch first in the hook.
macro_rules! switched_on {
    ($key:ident) => {{
        if bindings::KRSI_FRAMEWORK_SWITCHES != 0 {
            true
        } else {
            // SAFETY: The key is a static key defined by C.
            unsafe {
                kernel::jump_label::static_branch_unlikely!(
                    bindings::$key,
                    bindings::krsi_hook_key,
                    key
                )
            }
        }
    }};
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_creds_for_exec<T: Hooks>(bprm: *mut bindings::linux_binprm) -> c_int {
    if !switched_on!(krsi_key_bprm_creds_for_exec) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    from_result(|| T::bprm_creds_for_exec(bprm).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_check_security<T: Hooks>(bprm: *mut bindings::linux_binprm) -> c_int {
    if !switched_on!(krsi_key_bprm_check_security) {
        return 0;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    let bprm = unsafe { Bprm::from_ptr(bprm) };
    from_result(|| T::bprm_check_security(bprm).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with the bprm of an exec of the current task.
unsafe extern "C" fn bprm_committed_creds<T: Hooks>(bprm: *const bindings::linux_binprm) {
    if !switched_on!(krsi_key_bprm_committed_creds) {
        return;
    }
    // SAFETY: The framework passes a bprm that is valid during the hook.
    T::bprm_committed_creds(unsafe { Bprm::from_ptr(bprm) });
}

/// # Safety
///
/// Called by the LSM framework with a program that is being loaded.
unsafe extern "C" fn bpf_prog_load<T: Hooks>(
    prog: *mut bindings::bpf_prog,
    _attr: *mut bindings::bpf_attr,
    _token: *mut bindings::bpf_token,
    _kernel: bool,
) -> c_int {
    // SAFETY: The framework passes a program that is valid during the hook.
    let prog = unsafe { Prog::from_ptr(prog) };
    from_result(|| T::bpf_prog_load(prog).map(|()| 0))
}

/// # Safety
///
/// Called by the LSM framework with a program that is being freed.
unsafe extern "C" fn bpf_prog_free<T: Hooks>(prog: *mut bindings::bpf_prog) {
    // SAFETY: The framework passes a program that is valid during the hook.
    T::bpf_prog_free(unsafe { Prog::from_ptr(prog) });
}

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

/// Declares this kernel's LSM: its hooks, its id and what runs when at boot.
///
/// `init` runs first of all, when memory can be allocated but not waited for; `core` when
/// securityfs is there; `late` when BTF is.
macro_rules! declare_lsm {
    (hooks: $hooks:ty, name: $name:literal, id: $id:expr, core: $core:path, late: $late:path $(,)?) => {
        #[expect(
            unsafe_code,
            reason = "statics that the LSM framework finds by their sections"
        )]
        mod lsm_statics {
            use super::*;
            use kernel::{
                bindings,
                error::from_result, //
            };
            use $crate::boundary::{
                blob,
                lsm::{
                    HookList,
                    LsmId, //
                }, //
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

            extern "C" fn late() -> c_int {
                from_result(|| $late().map(|()| 0))
            }

            #[repr(transparent)]
            struct Info(bindings::lsm_info);

            // SAFETY: Read at boot by one thread.
            unsafe impl Sync for Info {}

            #[link_section = ".lsm_info.init"]
            #[used]
            static INFO: Info = Info(bindings::lsm_info {
                id: ID.as_ptr(),
                blobs: blob::SIZES.as_ptr(),
                init: Some(init),
                initcall_core: Some(core),
                initcall_late: Some(late),
                ..pin_init::zeroed()
            });
        }

        /// The hooks, to switch.
        pub(crate) static LSM_HOOKS: &$crate::boundary::lsm::HookList = &lsm_statics::HOOKS;
    };
}
pub(crate) use declare_lsm;
