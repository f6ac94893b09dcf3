// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi run`: attaches policies without pins, prints what they report, and detaches them at the
//! end; for trying things.

use std::{cell::RefCell, collections::HashSet, path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use libbpf_rs::{Map, MapCore, MapType, RingBufferBuilder};

use crate::{
    Status,
    config::wanted::read_modules,
    events::{event::Verdict, losses, report::Report},
    machine::kernel::{self, Mode},
    output::{End, Lines, WAIT, say},
    policy::{
        entry::Entry,
        object::{Loaded, Opened},
    },
    text::escape,
};

/// What a person may say to `krsi run`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  krsi run --audit env_audit
  krsi run exec_unlink --exempt-program 0@/usr/bin/runc --exempt-dir /var/lib/builder
  krsi run usb_mount --allow-usb 0951:1666:SERIAL
  krsi run ./my_policy.bpf.o")]
pub struct Args {
    /// The names of shipped policies, or files (*.bpf.o).
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<String>,
    /// Attach in at most audit mode: deny nothing.
    #[arg(short, long)]
    audit: bool,
    /// End after so many seconds.
    #[arg(short, long, value_name = "N")]
    seconds: Option<u32>,
    /// What this program does is exempt, as this user or as any.
    #[arg(short = 'e', long, value_name = "[UID@]PROGRAM")]
    exempt_program: Vec<String>,
    /// What a child of this program does is exempt.
    #[arg(short = 'E', long, value_name = "[UID@]PROGRAM")]
    exempt_parent: Vec<String>,
    /// What is done to files below this directory is exempt.
    #[arg(short = 'p', long, value_name = "DIR")]
    exempt_dir: Vec<PathBuf>,
    /// A sealed memfd with this digest may be executed.
    #[arg(short = 'c', long, value_name = "SHA256")]
    allow_memfd: Vec<String>,
    /// This library may be preloaded.
    #[arg(short = 'L', long, value_name = "LIBRARY")]
    allow_preload: Vec<String>,
    /// This USB stick may be mounted.
    #[arg(short = 'u', long, value_name = "VENDOR:PRODUCT:SERIAL")]
    allow_usb: Vec<String>,
    /// The modules of this list may be loaded: what sha256sum(1) says of their files.
    #[arg(short = 'm', long, value_name = "LIST")]
    allow_modules: Option<PathBuf>,
    /// Allow other modules as well, and record them.
    #[arg(short, long)]
    learn: bool,
    /// The file with this digest is denied.
    #[arg(short = 'x', long, value_name = "SHA256")]
    deny_digest: Vec<String>,
    /// Every file with the build id of this one is denied.
    #[arg(short = 'b', long, value_name = "FILE")]
    deny_build_id: Vec<PathBuf>,
}

impl Args {
    /// The entries that they are.
    fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for program in &self.exempt_program {
            entries.push(Entry::exempt_program(program)?);
        }
        for program in &self.exempt_parent {
            entries.push(Entry::exempt_parent(program)?);
        }
        for (number, dir) in (0..).zip(&self.exempt_dir) {
            entries.push(Entry::exempt_dir(dir, number)?);
        }
        for digest in &self.allow_memfd {
            entries.push(Entry::allow_memfd(digest)?);
        }
        for library in &self.allow_preload {
            entries.push(Entry::allow_preload(library)?);
        }
        for stick in &self.allow_usb {
            entries.push(Entry::allow_usb(stick)?);
        }
        for digest in &self.deny_digest {
            entries.push(Entry::deny_digest(digest)?);
        }
        for file in &self.deny_build_id {
            entries.push(Entry::deny_build_id(file)?);
        }
        if self.learn {
            entries.push(Entry::learn_modules());
        }
        if let Some(list) = &self.allow_modules {
            entries.extend(read_modules(list)?);
        }
        Ok(entries)
    }
}

/// Attaches, prints and detaches.
pub fn run(args: &Args) -> Result<Status> {
    let mut end = End::on_signal()?;
    kernel::abi()?;
    let entries = args.entries()?;
    let mut loaded = load(args, &entries)?;

    let mut links = Vec::new();
    for policy in &mut loaded {
        links.extend(policy.attach()?);
    }
    end.after(
        args.seconds
            .map(|seconds| Duration::from_secs(seconds.into())),
    );
    for policy in &loaded {
        say(&format!("krsi: {} is attached", policy.name()));
    }
    let status = print(&loaded, &end);
    drop(links);
    status
}

/// Loads the policies and puts the entries into those that have their maps.
fn load(args: &Args, entries: &[Entry]) -> Result<Vec<Loaded>> {
    let mut opened = Vec::new();
    for what in &args.policies {
        opened.push(Opened::new(what)?);
    }
    for entry in entries {
        ensure!(
            opened.iter().any(|policy| policy.has(entry.map)),
            "no policy here has a map {}",
            entry.map
        );
    }
    let modules = entries
        .iter()
        .filter(|entry| entry.map == "allowed")
        .count();
    let mut loaded = Vec::new();
    for mut policy in opened {
        for map in ["reports", "denials", "lost"] {
            ensure!(
                policy.has(map),
                "{} has no map {map}: see report.bpf.h",
                policy.name()
            );
        }
        if args.audit {
            policy.ask_for_audit()?;
        }
        if policy.has("allowed") {
            policy.make_room("allowed", modules.try_into()?)?;
        }
        let own: Vec<_> = entries
            .iter()
            .filter(|entry| policy.has(entry.map))
            .collect();
        let policy = policy.load()?;
        for entry in own {
            policy.put(entry)?;
        }
        loaded.push(policy);
    }
    Ok(loaded)
}

/// Prints what is reported until the end.
fn print(loaded: &[Loaded], end: &End) -> Result<Status> {
    let mut lines = Lines::new(end);
    if loaded.iter().any(|policy| policy.name() == "module_allow") {
        print_loaded_before(&mut lines)?;
    }
    let lines = RefCell::new(lines);
    let maps: Vec<_> = loaded
        .iter()
        .flat_map(|policy| policy.object.maps())
        .collect();
    let enforcing = RefCell::new(enforcing(&maps)?);
    let mut rings = RingBufferBuilder::new();
    for map in maps.iter().filter(|map| {
        ["reports", "denials"]
            .iter()
            .any(|ring| map.name() == *ring)
    }) {
        rings.add(map, |bytes| {
            let line = match Report::parse(bytes) {
                Ok(report) => {
                    let policy = String::from_utf8_lossy(&report.policy);
                    line_of(&report, enforcing.borrow().contains(&*policy))
                }
                Err(e) => format!("{e:#}"),
            };
            lines.borrow_mut().write(&line);
            0
        })?;
    }
    let rings = rings.build()?;
    let mut said = 0;
    while !end.is_here() {
        // An interrupted wait is no error: the end is looked for next.
        let _ = rings.poll_raw(WAIT);
        // Somebody may change the machine's mode. Not to know it is no reason to end.
        if let Ok(now) = self::enforcing(&maps) {
            enforcing.replace(now);
        }
        said = print_lost(&maps, &mut lines.borrow_mut(), said, end);
    }
    rings.consume()?;
    print_lost(&maps, &mut lines.borrow_mut(), said, end);
    drop(rings);
    Ok(match lines.into_inner().finish() {
        true => Status::Done,
        false => Status::Wrong,
    })
}

/// The names of the policies with these maps that run in enforce mode: others may have the same names.
fn enforcing(maps: &[Map<'_>]) -> Result<HashSet<String>> {
    let mut own = Vec::new();
    for map in maps
        .iter()
        .filter(|map| map.map_type() == MapType::StructOps)
    {
        own.push(map.info()?.info.id);
    }
    let policies = kernel::policies()?.into_iter();
    Ok(policies
        .filter(|policy| policy.mode == Mode::Enforce && own.contains(&policy.map))
        .map(|policy| policy.name)
        .collect())
}

/// A report as a line of words; `enforced`: whether its policy runs in enforce mode.
pub fn line_of(report: &Report, enforced: bool) -> String {
    let mut line = format!(
        "{}.{:06} policy={} seq={} verdict={} signal={} pid={} uid={} comm={} path={} value={}",
        report.time / 1_000_000_000,
        report.time / 1000 % 1_000_000,
        escape(&report.policy),
        report.seq,
        match Verdict::of(report, enforced) {
            Verdict::Reported => "reported",
            Verdict::WouldDeny => "would_deny",
            Verdict::Denied => "denied",
        },
        escape(&report.signal),
        report.tgid,
        report.uid,
        escape(&report.comm),
        escape(&report.path),
        escape(&report.value),
    );
    if report.value_len as usize > report.value.len() {
        line += &format!("... value_len={}", report.value_len);
    }
    if report.times > 1 {
        line += &format!(" times={}", report.times);
    }
    line
}

/// Says how many reports found no room since that was last said, and returns how many there were
/// in all; until lines are written again, and once more at the end.
fn print_lost(maps: &[Map<'_>], lines: &mut Lines<'_>, said: u64, end: &End) -> u64 {
    let lost = losses::sum(maps);
    if lost == said || (lines.has_failed() && !end.is_here()) {
        return said;
    }
    let text = format!("lost={}", lost - said);
    if lines.write(&text) {
        return lost;
    }
    if end.is_here() {
        say(&format!("krsi: {text}"));
    }
    said
}

/// The modules that came before the policy did, as reports without a number: it has judged none of
/// them. The kernel has escaped their names.
fn print_loaded_before(lines: &mut Lines<'_>) -> Result<()> {
    for line in kernel::modules()? {
        let word = |name| line.split(' ').find_map(|word| word.strip_prefix(name));
        if let (Some(name), Some(digest)) = (word("name="), word("digest=")) {
            lines.write(&format!(
                "signal=module_loaded_before value={digest}:{name}"
            ));
        }
    }
    Ok(())
}
