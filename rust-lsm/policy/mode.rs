// SPDX-License-Identifier: GPL-2.0

//! What KRSI as a whole may do: off, audit or enforce.
//!
//! `krsi.mode=` on the kernel command line sets it at boot and caps it from then on; without it
//! Kconfig says how to begin and nothing caps. A policy's own wish never goes beyond it.

use crate::boundary::{
    boot_param,
    once, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// The modes, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// No policy runs.
    Off,
    /// Policies run and their denials are counted.
    Audit,
    /// Their denials are enforced.
    Enforce,
}

const BUILT_IN: Mode = if cfg!(CONFIG_SECURITY_KRSI_ENFORCE) {
    Mode::Enforce
} else {
    Mode::Audit
};

static CURRENT: Atomic<u32> = Atomic::new(BUILT_IN as u32);
static CAP: Atomic<u32> = Atomic::new(Mode::Enforce as u32);

impl Mode {
    /// All modes.
    pub(crate) const ALL: [Mode; 3] = [Mode::Off, Mode::Audit, Mode::Enforce];

    /// What users call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Audit => "audit",
            Mode::Enforce => "enforce",
        }
    }

    /// The mode of this name.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name().as_bytes() == name)
    }

    fn load(from: &Atomic<u32>) -> Self {
        match once::read_once(from) {
            0 => Mode::Off,
            1 => Mode::Audit,
            _ => Mode::Enforce,
        }
    }
}

/// The mode now.
pub(crate) fn current() -> Mode {
    Mode::load(&CURRENT)
}

/// Changes it; `EPERM` beyond the boot's cap. Called by the registry, which then switches hooks.
pub(crate) fn change(to: Mode) -> Result {
    if to > Mode::load(&CAP) {
        return Err(EPERM);
    }
    CURRENT.store(to as u32, Relaxed);
    Ok(())
}

/// Takes `krsi.mode=`: a wrong value is reported and ignored. Once, at boot.
pub(crate) fn init() {
    let Some(value) = boot_param::mode() else {
        return;
    };
    match Mode::parse(value) {
        Some(mode) => {
            CURRENT.store(mode as u32, Relaxed);
            CAP.store(mode as u32, Relaxed);
        }
        None => pr_err!("krsi.mode= takes off, audit or enforce: ignored\n"),
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_mode)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_exactly() {
        for mode in Mode::ALL {
            assert!(Mode::parse(mode.name().as_bytes()) == Some(mode));
        }
        for name in [&b""[..], b"Off", b"enforce ", b"enforcing", b"au"] {
            assert!(Mode::parse(name).is_none());
        }
    }

    #[test]
    fn modes_ascend() {
        assert!(Mode::Off < Mode::Audit && Mode::Audit < Mode::Enforce);
    }
}
