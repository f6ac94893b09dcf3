// SPDX-License-Identifier: GPL-2.0

//! Which files a process runs, as the numbers of their inodes.

use super::inode_number::is_current;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// An exec has six rounds at most, each with a file and the one below an overlay; two more for
/// what a program loader maps.
const MAX: usize = 14;

/// The numbers. Written by the process itself, and by who begins a record for processes that run
/// already; read by anyone. Zeroed memory is an empty one.
pub(crate) struct Runs<const N: usize = MAX>([Atomic<u64>; N]);

/// Those of the file of one round of an exec, and of the one below an overlay.
pub(crate) type Round = Runs<2>;

impl<const N: usize> Runs<N> {
    /// None.
    #[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
    pub(crate) const fn new() -> Self {
        Self([const { Atomic::new(0) }; N])
    }

    /// The numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0
            .iter()
            .map(|number| number.load(Relaxed))
            .filter(|number| is_current(*number))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether one of `numbers` is among them.
    pub(crate) fn include(&self, numbers: &[Option<u64>]) -> bool {
        self.iter().any(|number| numbers.contains(&Some(number)))
    }

    /// Adds a number; `E2BIG` if there is no room.
    pub(crate) fn add(&self, number: u64) -> Result {
        if self.include(&[Some(number)]) {
            return Ok(());
        }
        for slot in &self.0 {
            let old = slot.load(Relaxed);
            if !is_current(old) && slot.cmpxchg(old, number, Relaxed).is_ok() {
                return Ok(());
            }
        }
        Err(E2BIG)
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        for slot in &self.0 {
            slot.store(0, Relaxed);
        }
    }

    /// Takes over the numbers of another.
    pub(crate) fn copy(&self, from: &Self) {
        for (to, from) in self.0.iter().zip(&from.0) {
            to.store(from.load(Relaxed), Relaxed);
        }
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_runs)]
mod tests {
    use super::*;

    /// The `n`-th of numbers that are current, whatever was attached before.
    fn nth(n: u64) -> u64 {
        u64::MAX - 100 + n
    }

    fn includes(runs: &Runs, n: u64) -> bool {
        runs.include(&[None, Some(nth(n))])
    }

    #[test]
    fn a_number_is_added_once() -> Result {
        let runs: Runs = Runs::new();
        assert!(runs.is_empty() && !includes(&runs, 1) && !runs.include(&[None]));
        runs.add(nth(7))?;
        runs.add(nth(7))?;
        runs.add(nth(9))?;
        assert_eq!(runs.iter().count(), 2);
        assert!(includes(&runs, 9) && !includes(&runs, 8));
        Ok(())
    }

    #[test]
    fn all_can_be_forgotten() -> Result {
        let runs: Runs = Runs::new();
        runs.add(nth(7))?;
        runs.clear();
        assert!(runs.is_empty() && !includes(&runs, 7));
        Ok(())
    }

    #[test]
    fn what_has_no_room_is_refused() -> Result {
        let runs: Runs = Runs::new();
        for number in 1..=MAX as u64 {
            runs.add(nth(number))?;
        }
        assert!(runs.add(nth(50)).is_err());
        assert!(runs.add(nth(3)).is_ok());
        Ok(())
    }

    #[test]
    fn a_copy_forgets_what_was_there() -> Result {
        let (old, new): (Runs, Runs) = (Runs::new(), Runs::new());
        old.add(nth(1))?;
        old.add(nth(2))?;
        new.add(nth(3))?;
        old.copy(&new);
        assert!(includes(&old, 3) && !includes(&old, 1) && !includes(&old, 2));
        Ok(())
    }
}
