// SPDX-License-Identifier: GPL-2.0-or-later

//! syslog: one datagram an event to `/dev/log`, of the facility authpriv. Nothing is cut: a report has
//! room for 256 bytes of a path and of a value, which makes lines of less than 3 KiB when all of them
//! are escaped, and a receiver of RFC 5424 should take 2 KiB, rsyslog takes 8.

use anyhow::Result;

use super::{Sink, datagrams::Datagrams, priority};
use crate::events::event::Event;

/// Where syslog listens.
const SOCKET: &str = "/dev/log";

/// `LOG_AUTHPRIV`.
const FACILITY: u8 = 10;

/// The log.
pub struct Syslog(Datagrams);

impl Syslog {
    /// A socket to it.
    pub fn new() -> Result<Self> {
        Ok(Self(Datagrams::to(SOCKET)?))
    }
}

fn message(event: &Event) -> String {
    let priority = (FACILITY << 3) | priority(event);
    format!("<{priority}>krsi[{}]: {event}", std::process::id())
}

impl Sink for Syslog {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.0.send(message(event).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_a_warning_of_authpriv() {
        let report = crate::events::event::tests::report("env_audit");
        assert!(message(&Event::Report(Box::new(report))).starts_with("<84>krsi["));
        assert!(message(&Event::lost("", 1, "kernel")).starts_with("<83>krsi["));
    }

    #[test]
    fn a_line_is_never_too_long() {
        let mut report = crate::events::event::tests::report(&"p".repeat(64));
        report.signal = "s".repeat(32);
        report.process.comm = "\\377".repeat(16);
        (report.object, report.value) = ("\\377".repeat(256), "\\377".repeat(256));
        (report.seq, report.count) = (u64::MAX, u64::MAX);
        assert!(message(&Event::Report(Box::new(report))).len() < 3 << 10);
    }
}
