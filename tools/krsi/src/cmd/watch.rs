// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi watch`: the events of what is applied as they come, for people or as JSON.

use std::io::IsTerminal;

use anyhow::Result;
use clap::builder::PossibleValuesParser;

use crate::{
    Status,
    events::{
        event::{Event, Reported, Verdict},
        report::BEHAVIOURS,
        stream::Stream,
    },
    output::{End, Lines, WAIT},
};

/// What a person may say to `krsi watch`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  krsi watch
  krsi watch --verdict denied --policy usb_mount
  krsi watch --json | jq .object

Several may watch at once. What is lost is told as an event of its own.")]
pub struct Args {
    /// One JSON object a line: see `krsi schema`.
    #[arg(long)]
    json: bool,
    /// Only events of this behaviour, such as process_exec.
    #[arg(long, value_parser = PossibleValuesParser::new(BEHAVIOURS))]
    behaviour: Vec<String>,
    /// Only what this process did.
    #[arg(long)]
    pid: Vec<u32>,
    /// Only what was so judged.
    #[arg(long, value_enum)]
    verdict: Vec<Verdict>,
    /// Only reports of this policy.
    #[arg(long)]
    policy: Vec<String>,
    /// End after so many seconds.
    #[arg(short, long, value_name = "N")]
    seconds: Option<u32>,
}

impl Args {
    /// Whether a person wants to see it; losses always.
    fn wants(&self, event: &Event) -> bool {
        fn has<T: PartialEq>(list: &[T], item: &T) -> bool {
            list.is_empty() || list.contains(item)
        }
        match event {
            Event::Lost { .. } => true,
            Event::Report(report) => {
                has(&self.behaviour, &report.behaviour)
                    && has(&self.pid, &report.process.pid)
                    && has(&self.verdict, &report.verdict)
                    && has(&self.policy, &report.policy)
            }
        }
    }
}

/// Until it is interrupted.
pub fn run(args: &Args) -> Result<Status> {
    let mut end = End::on_signal()?;
    end.after(
        args.seconds
            .map(|n| std::time::Duration::from_secs(n.into())),
    );
    let stream = Stream::open()?;
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut lines = Lines::new(&end);
    let mut lost = false;
    let mut print = |event: &Event| {
        lost |= matches!(event, Event::Lost { .. });
        if args.wants(event) {
            lines.write(&match args.json {
                true => event.to_json(),
                false => for_people(event, colours),
            });
        }
    };
    while !end.is_here() {
        if let Some(event) = stream.next(WAIT) {
            print(&event);
        }
    }
    stream.finish().for_each(|event| print(&event));
    Ok(match lines.finish() && !lost {
        true => Status::Done,
        false => Status::Wrong,
    })
}

/// A line with the time of the day in UTC, in the colour of the verdict.
fn for_people(event: &Event, colours: bool) -> String {
    let (line, colour) = match event {
        Event::Report(report) => (
            format!("{} {event}", clock(report)),
            match report.verdict {
                Verdict::Denied => "31",
                Verdict::WouldDeny => "33",
                Verdict::Reported => "36",
            },
        ),
        Event::Lost { .. } => (event.to_string(), "35"),
    };
    match colours {
        true => format!("\x1b[{colour}m{line}\x1b[0m"),
        false => line,
    }
}

fn clock(report: &Reported) -> String {
    let seconds = report.time_us / 1_000_000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        report.time_us / 1000 % 1000
    )
}
