// SPDX-License-Identifier: GPL-2.0

//! A table in parts, each with a lock of its own, so that processors seldom meet at one.
//!
//! The locks are taken with interrupts off, for tasks are freed in any context, and never one in
//! the other. Nothing is allocated under them.

use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// How many parts a table has.
pub(super) const SHARDS: usize = 64;

/// The parts.
pub(super) struct Shards<T>(KVec<Pin<KBox<SpinLockIrq<T>>>>);

impl<T: Unpin> Shards<T> {
    /// As many parts as `new` is called for.
    pub(super) fn new(new: impl Fn() -> T) -> Result<Self> {
        let mut shards = KVec::with_capacity(SHARDS, GFP_KERNEL)?;
        for _ in 0..SHARDS {
            let shard = KBox::pin_init(new_spinlock_irq!(new(), "krsi_shard"), GFP_KERNEL)?;
            shards.push(shard, GFP_KERNEL)?;
        }
        Ok(Self(shards))
    }

    /// Looks at a part under its lock.
    pub(super) fn with<R>(&self, shard: usize, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        Some(look(&mut self.0.get(shard)?.lock()))
    }

    /// Puts a new part in the place of each; the old ones are freed without the lock.
    pub(super) fn renew(&self, new: impl Fn() -> T) {
        for shard in &self.0 {
            let _old = core::mem::replace(&mut *shard.lock(), new());
        }
    }
}
