// SPDX-License-Identifier: GPL-2.0-or-later

//! What a person, a log or another program is told: a report with all that user space adds to it,
//! or a loss. One object a line as JSON; its schema is versioned ([`SCHEMA`]).

use std::{
    ffi::OsStr,
    fmt, fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{events::report::Report, text::escape};

/// The version of the schema: it grows by new fields; what changes the meaning of one is a new
/// version.
pub const SCHEMA: u32 = 1;

/// How many ancestors are told.
const ANCESTORS: usize = 8;

/// How much of a path is told, bytes: events that wait for somebody must not fill the memory.
const PATH: usize = 1024;

/// What became of the thing that was reported.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Verdict {
    /// The policy only tells of it.
    Reported,
    /// The policy would deny it, and runs in audit mode.
    WouldDeny,
    /// It was denied.
    Denied,
}

/// A process that an event's process descends from, as far as it is still there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ancestor {
    /// Process id.
    pub pid: u32,
    /// Name of its main thread.
    pub comm: String,
    /// Path of its executable, if that can be read; its first 1,024 bytes.
    pub exe: Option<String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// The parent's process id.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Name of the thread, chosen by itself.
    pub comm: String,
    /// When the thread started, nanoseconds since boot.
    pub start_ns: u64,
    /// Device and inode number of the executable.
    pub exe: (u64, u64),
    /// Id of the cgroup.
    pub cgroup_id: u64,
    /// Path of the cgroup, if it is still there; its first 1,024 bytes.
    pub cgroup: Option<String>,
    /// Id of the container, if the cgroup's path has one.
    pub container: Option<String>,
    /// Its ancestors, the parent first, as far as they are still there.
    pub ancestry: Vec<Ancestor>,
}

/// A thing that a policy reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// When, microseconds since the epoch: by the machine's clock, which somebody may set.
    pub time_us: u64,
    /// The same, nanoseconds since boot.
    pub boot_ns: u64,
    /// Its number among the reports of its policy.
    pub seq: u64,
    /// Name of the policy.
    pub policy: String,
    /// The op that was told of it.
    pub behaviour: String,
    /// What was seen.
    pub signal: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Who did it.
    pub process: Process,
    /// The file or device that it was done to; empty where there is none.
    pub object: String,
    /// What was found, such as a variable's value; its first bytes.
    pub value: String,
    /// How long that is in all, bytes.
    pub value_len: u32,
    /// How often it was there; 0 where that makes no sense.
    pub times: u32,
    /// How often the same was reported in a burst; 1 if once.
    pub count: u64,
}

/// Something that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A report.
    Report(Box<Reported>),
    /// Reports that nobody will see.
    Lost {
        /// The op that they were about; empty if that is not known.
        behaviour: String,
        /// How many.
        count: u64,
        /// Where they were lost: `kernel` (a buffer was full, or nobody read those of perf), `reader`
        /// (who was told was too slow) or where `krsi serve` puts events: `journald`, `file`, `syslog` or `otlp`.
        place: String,
    },
}

/// A line of JSON: the event with the version of its schema.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(title = "An event of KRSI")]
pub struct Line<'a> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The event.
    #[serde(flatten)]
    pub event: std::borrow::Cow<'a, Event>,
}

impl Event {
    /// A loss.
    pub fn lost(behaviour: &str, count: u64, place: &str) -> Self {
        Self::Lost {
            behaviour: behaviour.to_owned(),
            count,
            place: place.to_owned(),
        }
    }

    /// How many reports nobody is told of if it is lost. What sinks have lost, all of them tell.
    pub fn reports(&self) -> u64 {
        match self {
            Self::Report(report) => report.count,
            Self::Lost { count, place, .. } => match place.as_str() {
                "kernel" | "reader" => *count,
                _ => 0,
            },
        }
    }

    /// As one line of JSON, without its end.
    pub fn to_json(&self) -> String {
        let line = Line {
            schema: SCHEMA,
            event: std::borrow::Cow::Borrowed(self),
        };
        serde_json::to_string(&line).expect("an event has no map and nothing that fails")
    }
}

impl Verdict {
    /// That of a report; `enforced`: whether its policy runs in enforce mode.
    pub fn of(report: &Report, enforced: bool) -> Self {
        match report.verdict {
            0 => Self::Reported,
            _ if enforced => Self::Denied,
            _ => Self::WouldDeny,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Reported => "reported",
            Self::WouldDeny => "would deny",
            Self::Denied => "denied",
        })
    }
}

/// As a line for people.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(report) => report.fmt(f),
            Self::Lost {
                behaviour,
                count,
                place,
            } => {
                let of = if behaviour.is_empty() { "" } else { " of " };
                write!(f, "lost: {count} reports{of}{behaviour} by the {place}")
            }
        }
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verdict,
            signal,
            process,
            ..
        } = self;
        write!(
            f,
            "{verdict}: {signal} by {}[{}] uid {}",
            process.comm, process.pid, process.uid
        )?;
        if !self.object.is_empty() {
            write!(f, " on {}", self.object)?;
        }
        if !self.value.is_empty() {
            write!(f, " value {}", self.value)?;
        }
        if self.count > 1 {
            write!(f, ", {} times", self.count)?;
        }
        write!(f, " ({}:{})", self.policy, self.seq)
    }
}

impl Reported {
    /// A report, with what is still to be found of its process. `enforced`: whether the policy runs
    /// in enforce mode; `epoch`: the epoch's time at boot.
    pub fn new(report: &Report, enforced: bool, epoch: Duration) -> Self {
        let cgroup = cgroup_of(report);
        Self {
            time_us: (epoch + Duration::from_nanos(report.time)).as_micros() as u64,
            boot_ns: report.time,
            seq: report.seq,
            policy: escape(&report.policy),
            behaviour: report.behaviour().to_owned(),
            signal: escape(&report.signal),
            verdict: Verdict::of(report, enforced),
            process: Process {
                pid: report.tgid,
                tid: report.pid,
                ppid: report.ppid,
                uid: report.uid,
                euid: report.euid,
                comm: escape(&report.comm),
                start_ns: report.start_time,
                exe: (report.exe.dev, report.exe.ino),
                cgroup_id: report.cgroup,
                container: cgroup.as_deref().and_then(container_in),
                cgroup,
                ancestry: ancestry(report.ppid),
            },
            object: escape(&report.path),
            value: escape(&report.value),
            value_len: report.value_len,
            times: report.times,
            count: 1,
        }
    }
}

/// A process's words in /proc/PID/stat behind its name: its parent is the second.
fn parent_and_comm(pid: u32) -> Option<(u32, String)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(close + 2..)?).ok()?;
    let parent = rest.split(' ').nth(1)?.parse().ok()?;
    Some((parent, escape(stat.get(open + 1..close)?)))
}

/// A process and those that it descends from, as far as they are there.
fn ancestry(mut pid: u32) -> Vec<Ancestor> {
    let mut ancestors = Vec::new();
    while pid != 0 && ancestors.len() < ANCESTORS {
        let Some((parent, comm)) = parent_and_comm(pid) else {
            break;
        };
        let exe = fs::read_link(format!("/proc/{pid}/exe")).ok();
        ancestors.push(Ancestor {
            pid,
            comm,
            exe: exe.map(|exe: PathBuf| escape(start_of(exe.as_os_str().as_encoded_bytes()))),
        });
        pid = parent;
    }
    ancestors
}

/// The path of the process's cgroup, unless another process has its number by now.
fn cgroup_of(report: &Report) -> Option<String> {
    let text = fs::read(format!("/proc/{}/cgroup", report.tgid)).ok()?;
    let path = path_in(&text)?;
    let dir = [b"/sys/fs/cgroup", path].concat();
    let inode = fs::metadata(OsStr::from_bytes(&dir)).ok()?.ino();
    (inode == report.cgroup).then(|| escape(start_of(path)))
}

/// The path of a cgroup (v2) in what /proc/PID/cgroup says; its user may have given it any name.
fn path_in(text: &[u8]) -> Option<&[u8]> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| line.strip_prefix(b"0::"))
}

fn start_of(path: &[u8]) -> &[u8] {
    path.get(..PATH).unwrap_or(path)
}

/// The id of a container in a cgroup's path: its last part has 64 hexadecimal digits.
fn container_in(path: &str) -> Option<String> {
    path.rsplit('/').find_map(|part| {
        let part = part.trim_end_matches(".scope");
        let id = part.rsplit('-').next()?;
        (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A report to test with.
    pub fn report(policy: &str) -> Reported {
        Reported {
            time_us: 1_795_900_000_000_000,
            boot_ns: 1_000_000_000,
            seq: 1,
            policy: policy.into(),
            behaviour: "process_exec".into(),
            signal: "LD_PRELOAD".into(),
            verdict: Verdict::Denied,
            process: Process {
                pid: 10,
                tid: 10,
                ppid: 1,
                uid: 0,
                euid: 0,
                comm: "bash".into(),
                start_ns: 1,
                exe: (1, 2),
                cgroup_id: 1,
                cgroup: None,
                container: None,
                ancestry: Vec::new(),
            },
            object: "/usr/bin/ls".into(),
            value: "/tmp/hide.so".into(),
            value_len: 12,
            times: 1,
            count: 1,
        }
    }

    #[test]
    fn a_report_is_one_line_for_people() {
        let event = Event::Report(Box::new(report("env_audit")));
        assert_eq!(
            event.to_string(),
            "denied: LD_PRELOAD by bash[10] uid 0 on /usr/bin/ls value /tmp/hide.so (env_audit:1)"
        );
    }

    #[test]
    fn a_container_is_known_by_its_cgroup() {
        let id = "ab".repeat(32);
        let scope = format!("/system.slice/docker-{id}.scope");
        assert_eq!(container_in(&scope), Some(id.clone()));
        assert_eq!(
            container_in(&format!("/libpod_parent/{id}/inner")),
            Some(id)
        );
        assert_eq!(container_in("/system.slice/ssh.service"), None);
    }

    #[test]
    fn a_cgroup_may_have_any_name() {
        let text = b"1:name=systemd:/x\n0::/user/\xff\x1b[2J\n";
        assert_eq!(path_in(text), Some(&b"/user/\xff\x1b[2J"[..]));
        assert_eq!(path_in(b"1:cpu:/\n"), None);
    }

    #[test]
    fn its_own_process_has_ancestors() {
        let ancestors = ancestry(std::process::id());
        assert_eq!(ancestors[0].pid, std::process::id());
        assert!(ancestors[0].exe.is_some());
    }

    #[test]
    fn a_line_is_read_back() {
        let event = Event::Lost {
            behaviour: "process_exec".into(),
            count: 3,
            place: "kernel".into(),
        };
        let json = event.to_json();
        assert!(
            json.starts_with("{\"schema\":1,\"type\":\"lost\""),
            "{json}"
        );
        let line: Line<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(*line.event, event);
    }
}
