// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi serve`: puts the events of what is applied where logs go, as a service. Enforcement does not
//! depend on it.

use std::{env, os::unix::net::UnixDatagram, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    Status,
    config::{self, Config, Events},
    events::{
        sink::{
            Sink, Sinks,
            file::EventFile,
            journald::Journal,
            otlp::{self, Collector},
            syslog::Syslog,
        },
        stream::Stream,
    },
    output::{End, WAIT, say},
};

/// What a person may say to `krsi serve`.
#[derive(clap::Args)]
#[command(after_help = "\
The section [events] of the configuration says where to:
  [events]
  journald = true
  file = \"/var/log/krsi/events.json\"
  otlp = \"http://localhost:4318\"")]
pub struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::PATH)]
    config: PathBuf,
}

/// Until it is interrupted.
pub fn run(args: &Args) -> Result<Status> {
    let end = End::on_signal()?;
    let sinks = Sinks::start(sinks(&Config::read(&args.config)?.file.events)?)?;
    let stream = Stream::open()?;
    notify("READY=1")?;
    while !end.is_here() {
        if let Some(event) = stream.next(WAIT) {
            sinks.send(&event);
        }
    }
    notify("STOPPING=1")?;
    stream.finish().for_each(|event| sinks.send(&event));
    let lost = sinks.finish();
    for (name, count) in &lost {
        say(&format!("krsi: {name}: reports lost: {count}"));
    }
    Ok(match lost.is_empty() {
        true => Status::Done,
        false => Status::Wrong,
    })
}

/// The sinks that the configuration asks for.
fn sinks(events: &Events) -> Result<Vec<(&'static str, Box<dyn Sink>)>> {
    let mut sinks: Vec<(_, Box<dyn Sink>)> = Vec::new();
    if events.journald {
        sinks.push(("journald", Box::new(Journal::new()?)));
    }
    if let Some(path) = &events.file {
        let file = EventFile::new(path, events.max_bytes, events.keep)?;
        sinks.push(("file", Box::new(file)));
    }
    if events.syslog {
        sinks.push(("syslog", Box::new(Syslog::new()?)));
    }
    if let Some(url) = &events.otlp {
        sinks.push((otlp::NAME, Box::new(Collector::new(url)?)));
    }
    ensure!(
        !sinks.is_empty(),
        "the section [events] of the configuration says nowhere to put events"
    );
    Ok(sinks)
}

/// Tells systemd, if that started it.
fn notify(state: &str) -> Result<()> {
    let Some(socket) = env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let datagram = UnixDatagram::unbound()?;
    let sent = match socket.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            datagram.send_to_addr(state.as_bytes(), &address)
        }
        None => datagram.send_to(state.as_bytes(), &socket),
    };
    sent.context("NOTIFY_SOCKET")?;
    Ok(())
}
