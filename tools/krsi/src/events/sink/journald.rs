// SPDX-License-Identifier: GPL-2.0-or-later

//! The journal of systemd, with native fields: `journalctl KRSI_VERDICT=denied`. Its protocol is a
//! datagram of lines `FIELD=value`; no value here has a line end, for strings are escaped.

use std::fmt::Write;

use anyhow::Result;

use super::{Sink, datagrams::Datagrams, priority};
use crate::events::event::{Event, Reported};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// `MESSAGE_ID` of a report: `journalctl MESSAGE_ID=...`.
const REPORT: &str = "5d2a1c1f0c6b4f0e9f4a6d0b8d3e7a11";

/// `MESSAGE_ID` of a loss.
const LOSS: &str = "c1f7be2a41c94d6a8a4e0f52f7d6b3c9";

/// The journal.
pub struct Journal(Datagrams);

impl Journal {
    /// A socket to it.
    pub fn new() -> Result<Self> {
        Ok(Self(Datagrams::to(SOCKET)?))
    }
}

/// An event as the journal takes it.
fn fields(event: &Event) -> String {
    let mut text = format!(
        "MESSAGE={event}\nPRIORITY={}\nSYSLOG_IDENTIFIER=krsi\nSYSLOG_FACILITY=10\n",
        priority(event)
    );
    let mut field = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(text, "{name}={value}").expect("writing to a string does not fail");
    };
    match event {
        Event::Report(report) => {
            field("MESSAGE_ID", &REPORT);
            fields_of(report, field);
        }
        Event::Lost {
            behaviour,
            count,
            place,
        } => {
            field("MESSAGE_ID", &LOSS);
            field("KRSI_BEHAVIOUR", behaviour);
            field("KRSI_LOST", count);
            field("KRSI_PLACE", place);
        }
    }
    text
}

/// The fields of a report, named as in the JSON.
fn fields_of(report: &Reported, mut field: impl FnMut(&str, &dyn std::fmt::Display)) {
    let verdict = serde_json::to_value(report.verdict).unwrap_or_default();
    field("KRSI_TIME_US", &report.time_us);
    field("KRSI_BOOT_NS", &report.boot_ns);
    field("KRSI_SEQ", &report.seq);
    field("KRSI_POLICY", &report.policy);
    field("KRSI_BEHAVIOUR", &report.behaviour);
    field("KRSI_SIGNAL", &report.signal);
    field("KRSI_VERDICT", &verdict.as_str().unwrap_or_default());
    field("KRSI_OBJECT", &report.object);
    field("KRSI_VALUE", &report.value);
    field("KRSI_VALUE_LEN", &report.value_len);
    field("KRSI_TIMES", &report.times);
    field("KRSI_COUNT", &report.count);
    let process = &report.process;
    field("OBJECT_PID", &process.pid);
    field("KRSI_TID", &process.tid);
    field("KRSI_PPID", &process.ppid);
    field("KRSI_UID", &process.uid);
    field("KRSI_EUID", &process.euid);
    field("KRSI_COMM", &process.comm);
    field("KRSI_CGROUP_ID", &process.cgroup_id);
    for (name, value) in [
        ("KRSI_CGROUP", &process.cgroup),
        ("KRSI_CONTAINER", &process.container),
    ] {
        if let Some(value) = value {
            field(name, value);
        }
    }
    // A field may be there more than once; the journal keeps no order of them.
    for ancestor in &process.ancestry {
        let name = ancestor.exe.as_ref().unwrap_or(&ancestor.comm);
        field("KRSI_ANCESTOR", &format_args!("{} {name}", ancestor.pid));
    }
}

impl Sink for Journal {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.0.send(fields(event).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_a_line() {
        let report = crate::events::event::tests::report("env_audit");
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
