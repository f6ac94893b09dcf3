// SPDX-License-Identifier: GPL-2.0

//! A list that is read under SRCU and changed by one writer at a time, ordered by a key.
//!
//! Readers may sleep and never wait; they take SRCU's fast flavor, which has no barrier. Removing an element allocates nothing and waits for nobody:
//! the element is freed by a callback after the readers that may see it are gone.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h).

use super::once::read_once;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ptr::null_mut, //
};
use kernel::{
    bindings,
    container_of,
    prelude::*,
    sync::atomic::{
        ordering::{
            Relaxed,
            Release, //
        },
        Atomic, //
    },
    types::NotThreadSafe, //
};

/// An element, on its way into a list or in it.
pub(crate) struct Node<T> {
    next: Atomic<*mut Node<T>>,
    rcu: UnsafeCell<bindings::callback_head>,
    key: u64,
    value: T,
}

impl<T> Node<T> {
    /// Allocates an element.
    pub(crate) fn new(key: u64, value: T) -> Result<KBox<Self>> {
        Ok(KBox::new(
            Self {
                next: Atomic::new(null_mut()),
                rcu: UnsafeCell::new(bindings::callback_head::default()),
                key,
                value,
            },
            GFP_KERNEL_ACCOUNT,
        )?)
    }

    /// What it holds.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }
}

/// The right to change lists. There is one in all, so whoever has it exclusively is the only
/// writer.
pub(crate) struct Writer(());

impl Writer {
    /// Takes the right; `None` if it was taken before.
    pub(crate) fn take() -> Option<Self> {
        static TAKEN: Atomic<bool> = Atomic::new(false);

        TAKEN
            .cmpxchg(false, true, Relaxed)
            .is_ok()
            .then_some(Self(()))
    }
}

/// The list.
///
/// # Invariants
///
/// `head` and each `next` are null or point to a node made by `KBox`, in ascending order of keys,
/// with no key twice. A node that was in the list is freed only after an SRCU grace period that
/// began when it no longer was.
pub(crate) struct List<T: Send + Sync + 'static> {
    head: Atomic<*mut Node<T>>,
    _owns: PhantomData<T>,
}

// SAFETY: Readers get shared references to the `Sync` values, which are dropped in a callback on
// another CPU, for which `T` is `Send`.
unsafe impl<T: Send + Sync + 'static> Sync for List<T> {}

impl<T: Send + Sync + 'static> List<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Null is the empty list.
        Self {
            head: Atomic::new(null_mut()),
            _owns: PhantomData,
        }
    }

    /// Whether it is empty, at this moment.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        read_once(&self.head).is_null()
    }

    /// Puts `new` in the place of the element with this key, adds it in the order of keys if there
    /// is none, or removes the element if `new` is `None`.
    ///
    /// Readers see the old or the new element, never both or neither. The old one is dropped after
    /// they are done, in a callback that must not sleep.
    pub(crate) fn set(&'static self, _writer: &mut Writer, key: u64, new: Option<KBox<Node<T>>>) {
        let mut slot = &self.head;
        let at = loop {
            let at = slot.load(Relaxed);
            // SAFETY: Only the writer changes the list, so the nodes that it finds stay in it,
            // and alive, by the type invariants.
            match unsafe { at.as_ref() } {
                Some(node) if node.key < key => slot = &node.next,
                found => break found,
            }
        };
        let old = at.filter(|node| node.key == key);
        let rest = match old {
            Some(old) => old.next.load(Relaxed),
            None => slot.load(Relaxed),
        };

        // INVARIANT: `new` takes the place between the nodes with smaller and with greater keys.
        match new {
            Some(mut node) => {
                node.key = key;
                node.next.store(rest, Relaxed);
                slot.store(KBox::into_raw(node), Release);
            }
            None => slot.store(rest, Release),
        }

        if let Some(old) = old {
            // SAFETY: The node was just taken out of the list, once; its `rcu` is used by nobody
            // else, and it stays allocated until `free` is called.
            unsafe {
                bindings::call_srcu(&raw mut bindings::krsi_srcu, old.rcu.get(), Some(free::<T>));
            }
        }
    }

    /// The elements, by ascending key, for who reads already.
    #[inline]
    pub(crate) fn iter<'a>(&'static self, _lock: &'a ReadLock) -> Iter<'a, T> {
        Iter { next: &self.head }
    }

    /// Begins to read. The elements stay until the guard is dropped; the reader may sleep.
    pub(crate) fn read(&'static self) -> Reader<T> {
        // SAFETY: The domain is a static of this kernel.
        let index = unsafe { bindings::krsi_list_lock() };
        Reader {
            list: self,
            index,
            _not_send: NotThreadSafe,
        }
    }
}

/// # Safety
///
/// Called once by SRCU with the `rcu` of a node that was taken out of its list, when no reader
/// can have it any more.
unsafe extern "C" fn free<T>(rcu: *mut bindings::callback_head) {
    // SAFETY: `rcu` is that of a node made by `KBox::into_raw`; the cell is transparent.
    unsafe {
        let node = container_of!(
            rcu.cast::<UnsafeCell<bindings::callback_head>>(),
            Node<T>,
            rcu
        );
        drop(KBox::from_raw(node));
    }
}

/// That the current task reads lists, by whatever means it began to.
///
/// # Invariants
///
/// The domain of the lists is held for reading while it lives.
pub(crate) struct ReadLock(NotThreadSafe);

impl ReadLock {
    /// A token of it.
    ///
    /// # Safety
    ///
    /// The current task holds the domain of the lists for reading while it lives.
    #[inline]
    pub(crate) const unsafe fn new() -> Self {
        // INVARIANT: By the caller's guarantee.
        Self(NotThreadSafe)
    }
}

/// A reader of a list.
pub(crate) struct Reader<T: Send + Sync + 'static> {
    list: &'static List<T>,
    index: *mut bindings::srcu_ctr,
    _not_send: NotThreadSafe,
}

impl<T: Send + Sync + 'static> Reader<T> {
    /// The elements, by ascending key.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter {
            next: &self.list.head,
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Reader<T> {
    fn drop(&mut self) {
        // SAFETY: `index` is what the lock gave this reader.
        unsafe { bindings::krsi_list_unlock(self.index) };
    }
}

/// Iterates over the elements that a reader sees.
pub(crate) struct Iter<'a, T> {
    next: &'a Atomic<*mut Node<T>>,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        // SAFETY: The reader's SRCU section keeps each node that it can reach alive for `'a`, by
        // the list's invariants; what is read of it depends on its address, which was published by
        // a `Release`.
        let node: &'a Node<T> = unsafe { read_once(self.next).as_ref() }?;
        self.next = &node.next;
        Some(&node.value)
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_srcu_list)]
mod tests {
    use super::*;

    static DROPPED: Atomic<u32> = Atomic::new(0);

    /// A value that counts its end.
    struct Value(u32);

    impl Drop for Value {
        fn drop(&mut self) {
            DROPPED.add(1, Relaxed);
        }
    }

    static LIST: List<Value> = List::new();

    fn values() -> [u32; 4] {
        let mut seen = [0; 4];
        for (slot, value) in seen.iter_mut().zip(LIST.read().iter()) {
            *slot = value.0;
        }
        seen
    }

    #[test]
    fn elements_are_kept_by_key_replaced_and_dropped_after_readers() -> Result {
        // No other list is changed by this writer.
        let mut writer = Writer(());
        assert!(LIST.is_empty());
        for key in [2, 1, 3] {
            LIST.set(&mut writer, key, Some(Node::new(key, Value(key as u32))?));
        }
        assert_eq!(values(), [1, 2, 3, 0]);

        let reader = LIST.read();
        let mut iter = reader.iter();
        assert_eq!(iter.next().map(|value| value.0), Some(1));
        LIST.set(&mut writer, 2, Some(Node::new(2, Value(20))?));
        LIST.set(&mut writer, 1, None);
        LIST.set(&mut writer, 7, None);
        // A reader that began before sees what is there now, and never a freed element.
        assert_eq!(iter.next().map(|value| value.0), Some(20));
        assert_eq!(DROPPED.load(Relaxed), 0);
        drop(reader);
        assert_eq!(values(), [20, 3, 0, 0]);

        LIST.set(&mut writer, 2, None);
        LIST.set(&mut writer, 3, None);
        assert!(LIST.is_empty());
        // SAFETY: Waits for the callbacks of a static domain; a test may sleep.
        unsafe { bindings::srcu_barrier(&raw mut bindings::krsi_srcu) };
        assert_eq!(DROPPED.load(Relaxed), 4);
        Ok(())
    }

    #[test]
    fn the_right_to_write_is_given_once() {
        // The registry has taken it at boot, or this does.
        let _ = Writer::take();
        assert!(Writer::take().is_none());
    }
}
