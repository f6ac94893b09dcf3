// SPDX-License-Identifier: GPL-2.0

//! The one work item in which modules are looked at and told of.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h).

use kernel::{
    bindings,
    prelude::*, //
};

fn work() -> *mut bindings::delayed_work {
    &raw mut bindings::krsi_module_work
}

/// Has the work run within so many milliseconds, or earlier if it is to already.
pub(crate) fn within(ms: u64) {
    // SAFETY: The work is a static that C has initialised.
    unsafe { bindings::krsi_work_within(work(), ms as usize) };
}

/// Has it run now, once more if it is running.
pub(crate) fn now() {
    // SAFETY: As above.
    unsafe { bindings::krsi_work_now(work()) };
}

/// Has it run now and waits until it has. Not from the work itself, nor with a lock held that it
/// takes.
pub(crate) fn now_and_wait() {
    now();
    // SAFETY: As above.
    unsafe { bindings::flush_delayed_work(work()) };
}

/// # Safety
///
/// Called by the workqueue.
#[export]
unsafe extern "C" fn krsi_rs_module_work(_work: *mut bindings::work_struct) {
    crate::modules::watch::work();
}
