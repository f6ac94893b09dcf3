// SPDX-License-Identifier: GPL-2.0-or-later

//! syslog: one datagram an event to `/dev/log`, of the facility authpriv.

use std::os::unix::net::UnixDatagram;

use anyhow::{Context, Result};

use super::{Sink, priority};
use crate::event::Event;

/// Where syslog listens.
const SOCKET: &str = "/dev/log";

/// `LOG_AUTHPRIV`.
const FACILITY: u8 = 10;

/// The log.
pub struct Syslog(UnixDatagram);

impl Syslog {
    /// A socket to it.
    pub fn new() -> Result<Self> {
        Ok(Self(UnixDatagram::unbound()?))
    }
}

fn message(event: &Event) -> String {
    let priority = (FACILITY << 3) | priority(event);
    format!("<{priority}>krsi[{}]: {event}", std::process::id())
}

impl Sink for Syslog {
    fn take(&mut self, event: &Event) -> Result<()> {
        self.0
            .send_to(message(event).as_bytes(), SOCKET)
            .context(SOCKET)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_a_warning_of_authpriv() {
        let report = crate::event::tests::report("env_audit");
        assert!(message(&Event::Report(Box::new(report))).starts_with("<84>krsi["));
        assert!(message(&Event::lost("", 1, "kernel")).starts_with("<83>krsi["));
    }
}
