// SPDX-License-Identifier: GPL-2.0

//! The notifier chain of modules: who is told when one comes, is live, goes.
//!
//! C header: [`include/linux/notifier.h`](srctree/include/linux/notifier.h).

use super::module::ModuleAddr;
use core::cell::UnsafeCell;
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// Who is told. Called in the task that loads or unloads, with the chain's lock held for
/// reading; may sleep. A chain can be told anything, so the module is an address, no more.
pub(crate) trait Watch: 'static {
    /// It is loaded, and none of its code has run.
    fn coming(module: ModuleAddr);
    /// Its init has succeeded.
    fn live(module: ModuleAddr);
    /// Its init has failed or its exit is done; or COMING is taken back.
    fn going(module: ModuleAddr);
}

/// A place in the chain, to be a static.
///
/// # Invariants
///
/// Written by the chain alone, under its lock.
#[repr(transparent)]
pub(crate) struct Watcher(UnsafeCell<bindings::notifier_block>);

// SAFETY: The chain synchronises what it does with it.
unsafe impl Sync for Watcher {}

impl Watcher {
    /// The place of `W`: before all others, so that no other can keep anything from it. Of those
    /// of one priority the first that is registered comes first.
    pub(crate) const fn new<W: Watch>() -> Self {
        Self(UnsafeCell::new(bindings::notifier_block {
            notifier_call: Some(called::<W>),
            priority: c_int::MAX,
            ..pin_init::zeroed()
        }))
    }

    /// Enters it into the chain. Once, at boot.
    #[cfg(CONFIG_MODULES)]
    pub(crate) fn register(&'static self) -> Result {
        // SAFETY: The static lives for ever.
        to_result(unsafe { bindings::register_module_notifier(self.0.get()) })
    }

    /// A kernel without modules has no chain.
    #[cfg(not(CONFIG_MODULES))]
    pub(crate) fn register(&'static self) -> Result {
        to_result(0)
    }
}

/// # Safety
///
/// Called by the chain.
unsafe extern "C" fn called<W: Watch>(
    _block: *mut bindings::notifier_block,
    what: c_ulong,
    module: *mut c_void,
) -> c_int {
    let module = ModuleAddr::new(module as usize);
    match what as bindings::module_state {
        bindings::module_state_MODULE_STATE_COMING => W::coming(module),
        bindings::module_state_MODULE_STATE_LIVE => W::live(module),
        bindings::module_state_MODULE_STATE_GOING => W::going(module),
        _ => {}
    }
    bindings::NOTIFY_DONE as c_int
}
