// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi explain`: why was this reported or denied, in one paragraph, with what would allow just this.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    Status,
    config::{self, Config},
    event::{Event, Line, Reported, Verdict},
    output::{End, Lines},
    sink::file::numbered,
    text,
};

/// What a person may say to `krsi explain`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  krsi explain 1234                        the last event of this process
  krsi explain usb_mount:3                 the third report of a policy
  krsi watch --json | head -1 | krsi explain -")]
pub struct Args {
    /// POLICY:SEQ, a process id, an event as JSON, or - for one on the standard input.
    #[arg(value_name = "EVENT")]
    event: String,
    /// The file that `krsi serve` writes; by default the one of the configuration.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Prints a paragraph.
pub fn run(args: &Args) -> Result<Status> {
    let end = End::on_signal()?;
    let report = find(args)?;
    let mut lines = Lines::new(&end);
    lines.write(&explain(&report));
    Ok(match lines.finish() {
        true => Status::Done,
        false => Status::Wrong,
    })
}

fn parse(line: &str) -> Option<Reported> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    match line.event.into_owned() {
        Event::Report(report) => Some(*report),
        Event::Lost { .. } => None,
    }
}

/// The event that a person means; of a process the last one.
fn find(args: &Args) -> Result<Reported> {
    let wanted = args.event.as_str();
    if wanted == "-" || wanted.starts_with('{') {
        let mut text = wanted.to_owned();
        if wanted == "-" {
            text.clear();
            std::io::stdin().read_to_string(&mut text)?;
        }
        return text
            .lines()
            .find_map(parse)
            .context("that is no event: krsi watch --json prints some");
    }
    let is_meant: Box<dyn Fn(&Reported) -> bool> = match wanted.split_once(':') {
        Some((policy, seq)) => {
            let seq: u64 = seq
                .parse()
                .with_context(|| format!("{wanted} is not POLICY:SEQ"))?;
            Box::new(move |report| report.policy == policy && report.seq == seq)
        }
        None => {
            let pid: u32 = wanted
                .parse()
                .with_context(|| format!("{wanted} is no event and no process id"))?;
            Box::new(move |report| report.process.pid == pid)
        }
    };
    let path = match &args.file {
        Some(path) => path.clone(),
        None => Config::read(config::PATH.as_ref())?.file.events.file.context(
            "krsi serve keeps no file of events: say so in the section [events], or name one by --file",
        )?,
    };
    let mut files = vec![path.clone()];
    files.extend(
        (1..)
            .map(|number| numbered(&path, number))
            .take_while(|file| file.exists()),
    );
    for file in files {
        if let Some(report) = last_in(&file, &is_meant)? {
            return Ok(report);
        }
    }
    bail!("{} has no event {wanted}", path.display())
}

/// The last event in a file that is meant.
fn last_in(path: &Path, is_meant: impl Fn(&Reported) -> bool) -> Result<Option<Reported>> {
    let name = || path.display().to_string();
    let file = fs::File::open(path).with_context(name)?;
    let mut found = None;
    for line in BufReader::new(file).lines() {
        let report = parse(&line.with_context(name)?);
        found = report.filter(|report| is_meant(report)).or(found);
    }
    Ok(found)
}

/// The paragraph.
fn explain(report: &Reported) -> String {
    let Reported {
        process,
        object,
        policy,
        ..
    } = report;
    let verdict = match report.verdict {
        Verdict::Denied => "was denied",
        Verdict::WouldDeny => "would be denied in enforce mode",
        Verdict::Reported => "was reported and not denied",
    };
    let what = match object.is_empty() {
        true => report.behaviour.clone(),
        false => format!("{} of {object}", report.behaviour),
    };
    let from = process.ancestry.first().map_or(String::new(), |parent| {
        format!(", started by {}[{}]", parent.comm, parent.pid)
    });
    let way = match way(report) {
        Some(command) => format!("To allow just this: {command} (with --save for good)."),
        None => "Nothing exempts just this.".to_owned(),
    };
    format!(
        "The {what} by {}[{}], user {}{from}, {verdict} by the policy {policy}: {}. {way}",
        process.comm,
        process.pid,
        process.uid,
        reason(report)
    )
}

/// What the signal means.
fn reason(report: &Reported) -> String {
    let value = &report.value;
    match (report.policy.as_str(), report.signal.as_str()) {
        (_, "torn_environment") => {
            "somebody wrote to its environment while it was started, which can hide a variable"
                .into()
        }
        (_, "unread_environment") => "its environment could not be read for want of memory".into(),
        ("env_audit", variable) => format!(
            "its environment has {variable}={value}, which can make the dynamic loader run other code"
        ),
        (_, "executed_then_deleted") => {
            format!(
                "a running program's file was removed ({value}), as malware does to leave no trace"
            )
        }
        (_, "deleted_then_executed") => format!("what was executed has no file ({value})"),
        (_, "executed_out_of_sight") => {
            format!("what was executed lies where nobody sees it ({value})")
        }
        (_, "usb_mount" | "usb_remount" | "usb_swap") => format!("it is on the USB device {value}"),
        (_, "module_unknown") => format!("the module {value} is on no list"),
        (_, "denied_digest") => {
            format!("the contents with the SHA-256 {value} are listed as denied")
        }
        (_, "denied_build_id") => format!("the build id {value} is listed as denied"),
        (_, signal) => format!("{signal} {value}"),
    }
}

/// The command that allows just this.
fn way(report: &Reported) -> Option<String> {
    let value = report.value.as_str();
    match (report.policy.as_str(), report.signal.as_str()) {
        (_, "torn_environment" | "unread_environment") => None,
        ("env_audit", "LD_PRELOAD") => Some(format!("krsi exempt library add {value}")),
        ("usb_mount" | "usb_readonly", _) => {
            let (id, serial) = value.split_once("\\040")?;
            let serial = String::from_utf8(text::unescape(serial)).ok()?;
            Some(format!("krsi usb allow '{id}:{serial}'"))
        }
        ("module_allow", "module_unknown") => {
            Some(format!("krsi modules allow {}", value.split(':').next()?))
        }
        ("binary_deny", "denied_digest" | "denied_build_id") => {
            Some(format!("krsi binaries allow {value}"))
        }
        ("exec_unlink", _) => {
            let parent = report.process.ancestry.first()?.exe.as_ref()?;
            Some(format!(
                "krsi exempt parent add {}@{parent}",
                report.process.uid
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::report;

    #[test]
    fn says_who_what_why_and_the_way_out() {
        let mut denied = report("usb_mount");
        denied.signal = "usb_mount".into();
        denied.behaviour = "mount".into();
        denied.object = "sda1".into();
        denied.value = "46f4:0001\\040direct".into();
        let text = explain(&denied);
        assert!(
            text.contains("The mount of sda1 by bash[10], user 0, was denied"),
            "{text}"
        );
        assert!(text.contains("krsi usb allow '46f4:0001:direct'"), "{text}");
    }

    #[test]
    fn takes_the_event_from_its_line() {
        let event = Event::Report(Box::new(report("env_audit")));
        assert_eq!(parse(&event.to_json()), Some(report("env_audit")));
        assert_eq!(parse(&Event::lost("", 1, "kernel").to_json()), None);
    }
}
