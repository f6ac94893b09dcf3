// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi serve`: puts the events of what is applied where logs go, as a service. Enforcement does not
//! depend on it.

use std::{env, os::unix::net::UnixDatagram, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};

use crate::{
    Status,
    config::{self, Config, Events},
    event::Event,
    output::{End, WAIT, say},
    sink::{
        Worker,
        file::EventFile,
        journald::Journal,
        otlp::{self, Collector},
        syslog::Syslog,
    },
    stream::Stream,
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
    let workers = start(&Config::read(&args.config)?.file.events)?;
    let stream = Stream::open()?;
    notify("READY=1")?;
    let mut said = vec![0; workers.len()];
    while !end.is_here() {
        if let Some(event) = stream.next(WAIT) {
            send(&workers, &event);
        }
        // What one of them lost the others tell, too.
        for (worker, said) in workers.iter().zip(&mut said) {
            let lost = worker.lost();
            if lost > *said {
                let event = Arc::new(Event::lost("", lost - *said, worker.name()));
                let others = workers.iter().filter(|other| other.name() != worker.name());
                others.for_each(|other| other.send(&event));
                *said = lost;
            }
        }
    }
    notify("STOPPING=1")?;
    stream.finish().for_each(|event| send(&workers, &event));
    let mut status = Status::Done;
    for worker in workers {
        let name = worker.name();
        let lost = worker.finish();
        if lost > 0 {
            say(&format!("krsi: {name}: reports lost: {lost}"));
            status = Status::Wrong;
        }
    }
    Ok(status)
}

fn send(workers: &[Worker], event: &Arc<Event>) {
    for worker in workers {
        worker.send(event);
    }
}

/// The sinks that the configuration asks for.
fn start(events: &Events) -> Result<Vec<Worker>> {
    let mut workers = Vec::new();
    if events.journald {
        workers.push(Worker::start("journald", Box::new(Journal::new()?))?);
    }
    if let Some(path) = &events.file {
        let file = EventFile::new(path, events.max_bytes, events.keep)?;
        workers.push(Worker::start("file", Box::new(file))?);
    }
    if events.syslog {
        workers.push(Worker::start("syslog", Box::new(Syslog::new()?))?);
    }
    if let Some(url) = &events.otlp {
        workers.push(Worker::start(otlp::NAME, Box::new(Collector::new(url)?))?);
    }
    ensure!(
        !workers.is_empty(),
        "the section [events] of the configuration says nowhere to put events"
    );
    Ok(workers)
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
