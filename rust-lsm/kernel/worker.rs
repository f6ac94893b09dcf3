// SPDX-License-Identifier: GPL-2.0

//! The LSM's one work item: it never runs twice at once, and may sleep.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h).

use kernel::{
    bindings,
    prelude::*,
    sync::SetOnce, //
};

/// What it does.
static WORK: SetOnce<fn()> = SetOnce::new();

fn item() -> *mut bindings::delayed_work {
    &raw mut bindings::krsi_work
}

/// Says what the work is. Once, before it is to run.
pub(crate) fn init(work: fn()) {
    WORK.populate(work);
}

/// Has the work run within so many milliseconds, or earlier if it is to already.
pub(crate) fn within(ms: u64) {
    // SAFETY: The work is a static that C has initialised.
    unsafe { bindings::krsi_work_within(item(), ms as usize) };
}

/// Has it run now, once more if it is running.
pub(crate) fn now() {
    // SAFETY: As above.
    unsafe { bindings::krsi_work_now(item()) };
}

/// Has it run now and waits until it has. Not from the work itself, nor with a lock held that it
/// takes.
pub(crate) fn now_and_wait() {
    now();
    // SAFETY: As above.
    unsafe { bindings::flush_delayed_work(item()) };
}

/// # Safety
///
/// Called by the workqueue.
#[export]
unsafe extern "C" fn krsi_rs_work(_work: *mut bindings::work_struct) {
    if let Some(work) = WORK.as_ref() {
        work();
    }
}
