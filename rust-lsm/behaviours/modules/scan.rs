// SPDX-License-Identifier: GPL-2.0

//! How often all modules are looked at: `krsi.module_scan_ms=` on the kernel command line.

use super::MS;
use crate::boundary::boot_param;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// 0: nobody is looked at unless it is asked for.
static PERIOD_MS: Atomic<u32> = Atomic::new(5000);

/// When the next look at all of them is due, in nanoseconds since boot.
static NEXT: Atomic<u64> = Atomic::new(0);

/// Takes `krsi.module_scan_ms=`: a wrong value is reported and ignored. Once, at boot.
pub(crate) fn init() {
    let Some(value) = boot_param::module_scan_ms() else {
        return;
    };
    match parse(value) {
        Some(ms) => PERIOD_MS.store(ms, Relaxed),
        None => pr_err!("krsi.module_scan_ms= takes a number of milliseconds: ignored\n"),
    }
}

fn parse(value: &[u8]) -> Option<u32> {
    core::str::from_utf8(value).ok()?.parse().ok()
}

/// Nanoseconds between two looks; `None` if there are none.
pub(crate) fn period() -> Option<u64> {
    match PERIOD_MS.load(Relaxed) {
        0 => None,
        ms => Some(u64::from(ms) * MS),
    }
}

/// Whether all are to be looked at now; then the time of the next look is set. The worker alone
/// asks.
pub(crate) fn is_due(now: u64) -> bool {
    let due = NEXT.load(Relaxed);
    let Some(period) = period().filter(|_| now >= due) else {
        return false;
    };
    NEXT.store(following(due, period, now), Relaxed);
    true
}

/// When the next look is due.
pub(crate) fn next() -> Option<u64> {
    period().map(|_| NEXT.load(Relaxed))
}

/// The look after that which was due at `due`: in the same rhythm, unless one was left out.
fn following(due: u64, period: u64, now: u64) -> u64 {
    let next = due.saturating_add(period);
    if next > now {
        next
    } else {
        now.saturating_add(period)
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_scan)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_are_taken() {
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"250"), Some(250));
        for wrong in [&b""[..], b"-1", b"5s", b"99999999999", b" 1", b"\xff"] {
            assert_eq!(parse(wrong), None);
        }
    }

    #[test]
    fn looks_keep_their_rhythm() {
        assert_eq!(following(100, 50, 100), 150);
        assert_eq!(following(100, 50, 120), 150);
        assert_eq!(following(100, 50, 170), 220);
    }
}
