// SPDX-License-Identifier: GPL-2.0

//! A table in parts, each with a lock of its own, so that processors seldom meet at one.
//!
//! The locks are taken with interrupts off, for tasks are freed in any context, and never one in
//! the other. Nothing is allocated under them.

use crate::boundary::once::read_once;
use core::ptr::null_mut;
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            ordering::Release,
            Atomic, //
        },
        SpinLockIrq, //
    }, //
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

/// Where a table is that is made once. As a `SetOnce`, but a plain load finds it.
///
/// # Invariants
///
/// Null, or what lives for ever.
pub(super) struct Table<T>(Atomic<*mut Shards<T>>);

impl<T: Unpin + Send + 'static> Table<T> {
    /// There is none yet.
    pub(super) const fn new() -> Self {
        Self(Atomic::new(null_mut()))
    }

    /// Makes it. Once, at boot.
    pub(super) fn init(&self, new: impl Fn() -> T) -> Result {
        let shards = KBox::new(Shards::new(new)?, GFP_KERNEL)?;
        // INVARIANT: Nobody frees it.
        self.0.store(KBox::into_raw(shards), Release);
        Ok(())
    }

    /// The table, if it was made.
    #[inline]
    pub(super) fn get(&self) -> Option<&'static Shards<T>> {
        // SAFETY: By the type's invariants; what is read of it depends on its address, which was
        // published by a `Release`. Its parts may be used by any task, as `T` is `Send`.
        unsafe { read_once(&self.0).as_ref() }
    }
}
