// SPDX-License-Identifier: GPL-2.0

//! Lines in the kernel log that a user can provoke: rate-limited together, and not repeated.
//!
//! A program that is refused is refused several times over: libbpf loads it again to get the
//! verifier's log, and the verifier may ask more than once. One line says it all, and leaves room
//! under the limit for the next program's.
//!
//! C header: [`include/linux/ratelimit.h`](srctree/include/linux/ratelimit.h).

use super::task;
use core::fmt::Write;
use kernel::{
    bindings,
    fmt,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// For how long a line is not repeated: the interval of the rate limit.
const INTERVAL_NS: u64 = 5_000_000_000;

/// Which line was written last, for which process, as a hash; and when. The two are not changed
/// together: at worst a line is written once too often or, if its twin is about to be, not again.
static LAST_LINE: Atomic<u64> = Atomic::new(0);
static LAST_TIME: Atomic<u64> = Atomic::new(0);

/// The FNV-1a hash of what is written to it, so that no line has to be kept.
struct Hash(u64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

/// The hash of a line of this process; `None` if the line can't be formatted.
fn hash(tgid: u32, line: fmt::Arguments<'_>) -> Option<u64> {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    hash.add(&tgid.to_ne_bytes());
    hash.write_fmt(line).ok()?;
    Some(hash.0)
}

/// Whether this line may be written now.
pub(crate) fn allowed(line: fmt::Arguments<'_>) -> bool {
    let Some(line) = hash(task::current_tgid(), line) else {
        return false;
    };
    let now = task::boot_ns();
    let age = now.saturating_sub(LAST_TIME.load(Relaxed));
    if LAST_LINE.load(Relaxed) == line && age < INTERVAL_NS {
        return false;
    }
    // SAFETY: The rate limit is a static that C has initialised.
    let allowed = unsafe { bindings::krsi_log_allowed() };
    if allowed {
        LAST_TIME.store(now, Relaxed);
        LAST_LINE.store(line, Relaxed);
    }
    allowed
}

/// `pr_warn!`, but not more than a hundred lines in five seconds, and the same line of the same
/// process once.
macro_rules! warn_limited {
    ($($arg:tt)*) => {
        if $crate::boundary::log::allowed(kernel::prelude::fmt!($($arg)*)) {
            kernel::pr_warn!($($arg)*);
        }
    };
}
pub(crate) use warn_limited;
