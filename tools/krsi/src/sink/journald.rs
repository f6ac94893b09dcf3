// SPDX-License-Identifier: GPL-2.0-or-later

//! The journal of systemd, with native fields: `journalctl KRSI_VERDICT=denied`. Its protocol is a
//! datagram of lines `FIELD=value`; no value here has a line end, for strings are escaped.

use std::{fmt::Write, os::unix::net::UnixDatagram};

use anyhow::{Context, Result};

use super::{Sink, priority};
use crate::event::Event;

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The journal.
pub struct Journal(UnixDatagram);

impl Journal {
    /// A socket to it.
    pub fn new() -> Result<Self> {
        Ok(Self(UnixDatagram::unbound()?))
    }
}

/// An event as the journal takes it.
fn fields(event: &Event) -> String {
    let mut text = format!(
        "MESSAGE={event}\nPRIORITY={}\nSYSLOG_IDENTIFIER=krsi\n",
        priority(event)
    );
    let mut field = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(text, "{name}={value}").expect("writing to a string does not fail");
    };
    match event {
        Event::Report(report) => {
            let verdict = serde_json::to_value(report.verdict).unwrap_or_default();
            field("KRSI_POLICY", &report.policy);
            field("KRSI_SEQ", &report.seq);
            field("KRSI_BEHAVIOUR", &report.behaviour);
            field("KRSI_SIGNAL", &report.signal);
            field("KRSI_VERDICT", &verdict.as_str().unwrap_or_default());
            field("KRSI_OBJECT", &report.object);
            field("KRSI_VALUE", &report.value);
            field("KRSI_COUNT", &report.count);
            field("OBJECT_PID", &report.process.pid);
            field("KRSI_UID", &report.process.uid);
            field("KRSI_COMM", &report.process.comm);
            if let Some(container) = &report.process.container {
                field("KRSI_CONTAINER", container);
            }
        }
        Event::Lost {
            behaviour, count, ..
        } => {
            field("KRSI_BEHAVIOUR", behaviour);
            field("KRSI_LOST", count);
        }
    }
    text
}

impl Sink for Journal {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.0
            .send_to(fields(event).as_bytes(), SOCKET)
            .context(SOCKET)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_a_line() {
        let report = crate::event::tests::report("env_audit");
        let text = fields(&Event::Report(Box::new(report)));
        assert!(text.lines().all(|line| line.contains('=')), "{text}");
        for field in [
            "PRIORITY=4",
            "KRSI_VERDICT=denied",
            "KRSI_OBJECT=/usr/bin/ls",
            "OBJECT_PID=10",
        ] {
            assert!(text.lines().any(|line| line == field), "{text}");
        }
    }
}
