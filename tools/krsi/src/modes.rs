// SPDX-License-Identifier: GPL-2.0-or-later

//! Which policies run in enforce mode: what the kernel says, believed for a moment.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::{
    event::Verdict,
    kernel::{self, Mode},
    report::Report,
};

/// How long it is believed.
const BELIEVED: Duration = Duration::from_millis(250);

/// The modes of the attached policies.
#[derive(Default)]
pub struct Modes {
    modes: HashMap<String, Mode>,
    asked: Option<Instant>,
}

impl Modes {
    /// What became of the thing that a report is of.
    pub fn verdict(&mut self, report: &Report) -> Verdict {
        if report.verdict == 0 {
            return Verdict::Reported;
        }
        if self.asked.is_none_or(|asked| asked.elapsed() >= BELIEVED) {
            self.asked = Some(Instant::now());
            let policies = kernel::policies().unwrap_or_default();
            self.modes = policies.into_iter().map(|p| (p.name, p.mode)).collect();
        }
        let mode = self.modes.get(&*String::from_utf8_lossy(&report.policy));
        match mode {
            Some(Mode::Enforce) => Verdict::Denied,
            _ => Verdict::WouldDeny,
        }
    }
}
