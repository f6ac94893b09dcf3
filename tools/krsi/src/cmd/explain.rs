// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi explain`: why was this reported or denied, in one paragraph, with what would allow just this.

use std::{
    fmt::Write,
    fs,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::FileType;

use crate::{
    Status,
    config::{self, Config},
    events::{
        event::{Event, Line, Reported, Verdict},
        sink::file::numbered,
    },
    machine::{file_id::FileId, regular::open_to_look, sys},
    output::tell,
    policy::module_list::hex,
    text,
};

/// No event is longer, bytes. Of a line that is, each part is taken for one, which is no event.
const LONGEST: u64 = 1 << 20;

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
    tell(&explain(&find(args)?))?;
    Ok(Status::Done)
}

/// The report of a line. One whose words are not escaped was not written by krsi.
fn parse(line: &[u8]) -> Option<Reported> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let Event::Report(report) = line.event.into_owned() else {
        return None;
    };
    let process = &report.process;
    let parents = process.ancestry.iter().map(|parent| &parent.comm);
    let are_escaped = [
        &report.policy,
        &report.behaviour,
        &report.signal,
        &report.object,
        &report.value,
        &process.comm,
    ]
    .into_iter()
    .chain(parents)
    .all(|text| text::is_escaped(text));
    are_escaped.then_some(*report)
}

/// The reports of a text, each as soon as its line is there. A line that was torn, as a machine that
/// lost power leaves it, hides no other.
fn reports(mut from: impl BufRead) -> impl Iterator<Item = io::Result<Reported>> {
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match from.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {
                    if let Some(report) = parse(&line) {
                        return Some(Ok(report));
                    }
                }
                Err(e) => return Some(Err(e)),
            }
        }
    })
}

/// The event that a person means; of a process the last one.
fn find(args: &Args) -> Result<Reported> {
    let wanted = args.event.as_str();
    if wanted == "-" || wanted.starts_with('{') {
        let first = match wanted {
            "-" => reports(io::stdin().lock()).next(),
            event => reports(event.as_bytes()).next(),
        };
        return first
            .transpose()?
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
    let file = open_to_look(path)?;
    let is_file = file.metadata().with_context(name)?.is_file();
    ensure!(is_file, "{} is no regular file", name());
    let mut found = None;
    for report in reports(BufReader::new(file)) {
        let report = report.with_context(name)?;
        if is_meant(&report) {
            found = Some(report);
        }
    }
    Ok(found)
}

/// The paragraph, and what would allow just this.
fn explain(report: &Reported) -> String {
    let process = &report.process;
    let verdict = match report.verdict {
        Verdict::Denied => "was denied",
        Verdict::WouldDeny => "would be denied in enforce mode",
        Verdict::Reported => "was reported and not denied",
    };
    let from = process.ancestry.first().map_or(String::new(), |parent| {
        format!(", started by {}[{}]", parent.comm, parent.pid)
    });
    let way = match way(report) {
        Some(command) => format!(
            "To allow just this until the next `krsi apply`, or with --save for good:\n  {command}"
        ),
        None => "Nothing exempts just this.".to_owned(),
    };
    format!(
        "The {} by {}[{}], user {}{from}, {verdict} by the policy {}: {}.\n{way}",
        what(report),
        process.comm,
        process.pid,
        process.uid,
        report.policy,
        reason(report)
    )
}

/// What was done to what.
fn what(report: &Reported) -> String {
    let done = match report.behaviour.as_str() {
        "process_exec" | "process_executed" => "execution",
        "file_unlink" | "executable_unlink" => "removal",
        "file_map_exec" => "mapping",
        "module_load" => "loading",
        "module_hidden" => "hiding of a module that was loaded",
        other => other,
    };
    match report.object.is_empty() {
        true => done.to_owned(),
        false => format!("{done} of {}", report.object),
    }
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
            let whose = match value.as_str() {
                "own" => "its own file".to_owned(),
                "descendant" => "the file of a program that it started and that runs".to_owned(),
                _ => format!("the file of a program that runs, or just ran ({value})"),
            };
            format!("it is {whose}, and malware does so to leave no trace")
        }
        (_, "deleted_then_executed") => format!("what was executed has no file ({value})"),
        (_, "executed_out_of_sight") => {
            format!("what was executed lies where nobody sees it ({value})")
        }
        (_, "usb_mount" | "usb_remount" | "usb_swap") => {
            let stick = value.replacen("\\040", ":", 1);
            format!("it is on the USB device {stick}, which is not allowed")
        }
        (_, "module_unknown") => format!("the module {value} is on no list"),
        (_, "module_hidden") => format!("it is there, and is not where it must be told: {value}"),
        (_, "denied_digest") => {
            format!("the contents with the SHA-256 {value} are listed as denied")
        }
        (_, "denied_verity") => format!("the fs-verity digest {value} is listed as denied"),
        (_, "denied_build_id") => format!("the build id {value} is listed as denied"),
        (_, signal) => format!("{signal} {value}"),
    }
}

/// The command that allows just this.
fn way(report: &Reported) -> Option<String> {
    let value = report.value.as_str();
    match (report.policy.as_str(), report.signal.as_str()) {
        (_, "torn_environment" | "unread_environment") => None,
        ("env_audit", "LD_PRELOAD") => command("exempt library add", &libraries(report)?),
        ("usb_mount" | "usb_readonly", _) => {
            let (id, serial) = value.split_once("\\040")?;
            command("usb allow", &[format!("{id}:{}", unescaped(serial)?)])
        }
        ("module_allow", "module_unknown") => {
            command("modules allow", &[value.split(':').next()?.to_owned()])
        }
        ("binary_deny", "denied_verity") => {
            let what = measured(report).unwrap_or_else(|| value.to_owned());
            command("binaries allow", &[what])
        }
        ("binary_deny", "denied_digest" | "denied_build_id") => {
            command("binaries allow", &[value.to_owned()])
        }
        ("exec_unlink", _) => {
            let (kind, program) = match program_of(report) {
                Some(program) => ("program", program),
                None => {
                    let parent = report.process.ancestry.first()?.exe.as_ref()?;
                    ("parent", unescaped(parent)?)
                }
            };
            let who = format!("{}@{program}", report.process.uid);
            command(&format!("exempt {kind} add"), &[who])
        }
        _ => None,
    }
}

/// A command that can be typed as it stands. Whoever is to be exempt has chosen the words: none of them
/// is an option.
fn command(what: &str, words: &[String]) -> Option<String> {
    let can_be = !words.is_empty() && !words.iter().any(|word| word.starts_with('-'));
    can_be.then(|| {
        let words: Vec<_> = words.iter().map(|text| word(text)).collect();
        format!("krsi {what} {}", words.join(" "))
    })
}

/// The libraries that LD_PRELOAD names, if the event has the whole of it.
fn libraries(report: &Reported) -> Option<Vec<String>> {
    let value = unescaped(&report.value)?;
    let is_whole = value.len() == report.value_len as usize && !value.starts_with("fnv1a:");
    let names = value.split([' ', ':']).filter(|name| !name.is_empty());
    is_whole.then(|| names.map(str::to_owned).collect())
}

/// The file that was denied by fs-verity, if it is still there: who denied it by its name did so by
/// the digest of its contents as well, which the event does not tell.
fn measured(report: &Reported) -> Option<String> {
    let path = unescaped(&report.object).filter(|path| path.starts_with('/'))?;
    let (_, digest) = sys::verity_digest(open_to_look(path.as_ref()).ok()?).ok()??;
    (hex(&digest) == report.value).then_some(path)
}

/// The program that did it: an event tells its file by numbers alone, and a process chooses its name.
fn program_of(report: &Reported) -> Option<String> {
    let process = &report.process;
    let name = unescaped(&process.comm)?;
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let running = fs::read_link(format!("/proc/{}/exe", process.pid)).ok();
    let candidates = running
        .into_iter()
        .chain(unescaped(&report.object).map(PathBuf::from))
        .chain(places.iter().map(|dir| Path::new(dir).join(&name)));
    candidates
        .filter(|path| {
            FileId::of(path, FileType::RegularFile)
                .is_ok_and(|file| (file.dev, file.ino) == process.exe)
        })
        .find_map(|path| path.to_str().map(str::to_owned))
}

/// What an event tells, as it was.
fn unescaped(text: &str) -> Option<String> {
    String::from_utf8(text::unescape(text)).ok()
}

/// A word for a shell, of which a terminal interprets nothing.
fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:@._-+=,".contains(&byte);
    let is_seen = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    if text.bytes().all(is_seen) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut word = String::from("$'");
    for byte in text.bytes() {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', byte.into()]),
            byte if is_seen(byte) => word.push(byte.into()),
            byte => write!(word, "\\{byte:03o}").expect("writing to a string does not fail"),
        }
    }
    word + "'"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::event::{Ancestor, tests::report};

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
        assert!(
            text.ends_with("\n  krsi usb allow 46f4:0001:direct"),
            "{text}"
        );
    }

    #[test]
    fn a_command_can_be_typed_as_it_stands() {
        let mut denied = report("env_audit");
        denied.value = "/a.so\\040/b.so:c'".into();
        denied.value_len = 14;
        let command = way(&denied);
        assert_eq!(
            command.as_deref(),
            Some("krsi exempt library add /a.so /b.so 'c'\\'''")
        );
        // What was cut, and a hash, name no library.
        denied.value_len = 300;
        assert_eq!(way(&denied), None);
        denied.value = "fnv1a:0011223344556677".into();
        denied.value_len = 22;
        assert_eq!(way(&denied), None);
    }

    /// Anybody may start a program with any LD_PRELOAD; root asks why it was denied.
    #[test]
    fn a_command_does_nothing_but_what_it_says() {
        let mut denied = report("env_audit");
        let mut of = |value: &[u8]| {
            denied.value = text::escape(value);
            denied.value_len = value.len() as u32;
            way(&denied)
        };
        let shown = of("/a\x1b]0;x\x07'\\\n\u{202e}.so".as_bytes()).unwrap();
        assert_eq!(
            shown,
            "krsi exempt library add $'/a\\033]0;x\\007\\'\\\\\\012\\342\\200\\256.so'"
        );
        assert_eq!(of(b"a.so:--save"), None);
        assert_eq!(of(b" : "), None);
    }

    #[test]
    fn what_krsi_did_not_write_is_no_event() {
        let mut forged = report("env_audit");
        forged.process.comm = "x\x1b[2J".into();
        let forged = Event::Report(Box::new(forged)).to_json();
        assert_eq!(parse(forged.as_bytes()), None);
    }

    #[test]
    fn an_event_is_taken_as_soon_as_it_is_there() {
        /// A watch that goes on: who reads further waits forever.
        struct Open(bool);
        impl Read for Open {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                assert!(!std::mem::replace(&mut self.0, true), "it would wait");
                let lost = Event::lost("", 1, "kernel").to_json();
                let event = Event::Report(Box::new(report("env_audit"))).to_json();
                let text = format!("{lost}\n{{\"sch\n{event}\n");
                to[..text.len()].copy_from_slice(text.as_bytes());
                Ok(text.len())
            }
        }
        let first = reports(BufReader::new(Open(false))).next();
        assert_eq!(first.unwrap().unwrap(), report("env_audit"));
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let event = Event::Report(Box::new(report("env_audit"))).to_json();
        let text = io::repeat(b'x').take(3 * LONGEST);
        let text = text.chain(io::Cursor::new(format!("\n{event}\n")));
        let all: Vec<_> = reports(BufReader::new(text)).collect();
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn a_program_is_exempt_rather_than_all_that_its_parent_starts() {
        let mut denied = report("exec_unlink");
        denied.signal = "executed_then_deleted".into();
        denied.behaviour = "executable_unlink".into();
        denied.process.pid = std::process::id();
        denied.process.ancestry = vec![Ancestor {
            pid: 1,
            comm: "init".into(),
            exe: Some("/usr/sbin/init".into()),
        }];
        // Another's file: what runs under this number is not who did it.
        let parent = "krsi exempt parent add 0@/usr/sbin/init";
        assert_eq!(way(&denied).as_deref(), Some(parent));
        let own = std::env::current_exe().unwrap();
        let Ok(file) = FileId::of(&own, FileType::RegularFile) else {
            // It lies on an overlay, where no program can be exempt.
            return;
        };
        denied.process.exe = (file.dev, file.ino);
        let program = word(&format!("0@{}", own.display()));
        let program = format!("krsi exempt program add {program}");
        assert_eq!(way(&denied), Some(program));
    }

    #[test]
    fn takes_the_event_from_its_line() {
        let event = Event::Report(Box::new(report("env_audit")));
        assert_eq!(parse(event.to_json().as_bytes()), Some(report("env_audit")));
        let lost = Event::lost("", 1, "kernel").to_json();
        assert_eq!(parse(lost.as_bytes()), None);
    }
}
