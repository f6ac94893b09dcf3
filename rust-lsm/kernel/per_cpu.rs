// SPDX-License-Identifier: GPL-2.0

//! A counter for each CPU: who counts writes to memory that no other CPU writes to.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h).

use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// The counter.
///
/// # Invariants
///
/// `counts` is memory for each CPU that `krsi_counter_alloc` gave, and this one's own.
pub(crate) struct PerCpuCounter {
    counts: NonNull<u64>,
}

// SAFETY: It belongs to no task and no CPU.
unsafe impl Send for PerCpuCounter {}
// SAFETY: Each CPU changes its own word by one instruction; they are read as whole words.
unsafe impl Sync for PerCpuCounter {}

impl PerCpuCounter {
    /// Begins at 0. Sleeps; 8 bytes a CPU, charged to the current cgroup.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: May be called wherever sleeping is allowed.
        let counts = unsafe { bindings::krsi_counter_alloc() };
        // INVARIANT: It was just allocated.
        Ok(Self {
            counts: NonNull::new(counts).ok_or(ENOMEM)?,
        })
    }

    /// What C counts in.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut u64 {
        self.counts.as_ptr()
    }

    /// Adds one. Any context.
    #[inline]
    pub(crate) fn increase(&self) {
        // SAFETY: By the type's invariants.
        unsafe { bindings::krsi_counter_increase(self.counts.as_ptr()) };
    }

    /// All CPUs' counts together, each of some moment during the call.
    pub(crate) fn sum(&self) -> u64 {
        // SAFETY: By the type's invariants.
        unsafe { bindings::krsi_counter_sum(self.counts.as_ptr()) }
    }

    /// Its size, bytes.
    pub(crate) fn size() -> usize {
        // SAFETY: Only reads a number that doesn't change after boot.
        size_of::<u64>() * unsafe { bindings::nr_cpu_ids } as usize
    }
}

impl Drop for PerCpuCounter {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants nobody else has it.
        unsafe { bindings::krsi_counter_free(self.counts.as_ptr()) };
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_per_cpu)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_the_sum() -> Result {
        let counter = PerCpuCounter::new()?;
        assert_eq!(counter.sum(), 0);
        for _ in 0..1000 {
            counter.increase();
        }
        assert_eq!(counter.sum(), 1000);
        Ok(())
    }
}
