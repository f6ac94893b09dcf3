// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi status`: what is in force, what the kernel says of it, and what the configuration wants.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use anyhow::Result;
use libbpf_rs::{MapCore, MapHandle};
use serde::Serialize;

use crate::{
    Status,
    cmd::Question,
    config::{Config, wanted},
    events::{losses, report::BEHAVIOURS},
    in_force::{applied::Applied, pins},
    machine::{
        kernel::{self, Attached, Ledger, Mode},
        memory,
    },
    policy::object::shipped_abi,
    text::escape,
};

/// The version of the JSON: it grows by new fields.
const VERSION: u32 = 1;

/// What a person may say to `krsi status`.
#[derive(clap::Args)]
#[command(after_help = "\
The JSON is one object:
  version     1; it grows by new fields
  abi, mode   of KRSI in this kernel
  needs_abi   of the policies in this program; if it is higher, a newer kernel is needed
  policies    what is attached, also what others have attached:
    policy, id             its name, and KRSI's number for it
    applied                whether `krsi apply` attached it
    configured             off, audit or enforce: what the configuration says; null if it can't
                           be read or has no such policy
    wanted, mode           what it asks for, and what it has
    ops, runs, denials, would_denials, errors, unrecorded
                           as in /sys/kernel/security/krsi/policies
    memory                 bytes: krsi, programs, maps; the latter null without CAP_SYS_ADMIN
  missing     what the configuration wants and is not attached
  lost        reports that found no room, by behaviour
  reports     bytes of memory of the maps that all policies share
  ledger      of modules: rows, lost, looks
  problem     why the configuration can't be read, or null

Examples:
  krsi status
  krsi status --json | jq '.policies[] | {policy, mode, denials}'")]
pub struct Args {
    #[command(flatten)]
    question: Question,
}

/// All that is said.
#[derive(Serialize)]
struct All {
    version: u32,
    abi: u32,
    needs_abi: u32,
    mode: Mode,
    policies: Vec<Policy>,
    missing: Vec<String>,
    lost: BTreeMap<&'static str, u64>,
    reports: u64,
    ledger: Ledger,
    problem: Option<String>,
}

/// A policy that is attached.
#[derive(Serialize)]
struct Policy {
    policy: String,
    id: u64,
    applied: bool,
    configured: Option<Mode>,
    wanted: Mode,
    mode: Mode,
    ops: Vec<String>,
    runs: u64,
    denials: u64,
    would_denials: u64,
    errors: u64,
    unrecorded: u64,
    memory: Memory,
}

/// Bytes of the kernel's memory.
#[derive(Serialize)]
struct Memory {
    krsi: u64,
    programs: Option<u64>,
    maps: Option<u64>,
}

/// Says it.
pub fn run(args: &Args) -> Result<Status> {
    let all = All::look(&args.question.config)?;
    args.question.answer(&all, || all.text())?;
    Ok(Status::Done)
}

impl All {
    fn look(config: &Path) -> Result<Self> {
        let abi = kernel::abi()?;
        let mode = kernel::mode()?;
        let attached = kernel::policies()?;
        let applied = Applied::all()?;
        let configured = Config::read(config).map(|config| wanted::modes(&config.file));
        let (configured, problem) = match configured {
            Ok(configured) => (configured, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        let buffers = buffers()?;
        let mut shared = Vec::new();
        for map in &buffers {
            shared.push(map.info()?.info.id);
        }
        let is_applied = |policy: &Attached| applied.iter().any(|own| own.kernel.id == policy.id);
        let missing = configured.iter().filter(|(policy, mode)| {
            *mode != Mode::Off && !applied.iter().any(|own| own.policy == **policy)
        });
        let missing = missing.map(|(policy, _)| (*policy).to_owned()).collect();
        let policies = attached
            .into_iter()
            .map(|policy| {
                let is_applied = is_applied(&policy);
                Policy::new(policy, is_applied, &configured, &shared)
            })
            .collect();
        Ok(Self {
            version: VERSION,
            abi,
            needs_abi: shipped_abi()?,
            mode,
            policies,
            missing,
            lost: lost()?,
            reports: buffers.iter().filter_map(memory::of_map).sum(),
            ledger: kernel::ledger()?,
            problem,
        })
    }

    fn text(&self) -> String {
        let mut text = format!("KRSI: ABI {}, mode {}\n", self.abi, self.mode);
        if self.needs_abi > self.abi {
            let _ = writeln!(
                text,
                "policies need ABI {}: boot a newer kernel",
                self.needs_abi
            );
        }
        if let Some(problem) = &self.problem {
            let _ = writeln!(text, "configuration: {problem}");
        }
        text.push('\n');
        match (self.policies.is_empty(), self.missing.is_empty()) {
            (true, true) => {
                text.push_str(
                    "nothing is applied: `krsi apply` does what the configuration says\n",
                );
            }
            (true, false) => (),
            (false, _) => {
                let _ = writeln!(
                    text,
                    "{:<16} {:<10} {:<8} {:<8} {:>10} {:>8} {:>11} {:>7} {:>10}",
                    "POLICY",
                    "CONFIGURED",
                    "WANTED",
                    "MODE",
                    "RUNS",
                    "DENIED",
                    "WOULD DENY",
                    "ERRORS",
                    "MEMORY"
                );
            }
        }
        for policy in &self.policies {
            let _ = writeln!(text, "{}", policy.line());
        }
        for policy in &self.missing {
            let _ = writeln!(text, "{policy:<16} is wanted and not attached: krsi apply");
        }
        let lost: u64 = self.lost.values().sum();
        let _ = write!(text, "\nreports lost: {lost}");
        let of: Vec<_> = self
            .lost
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(behaviour, count)| format!("{behaviour} {count}"))
            .collect();
        if !of.is_empty() {
            let _ = write!(text, " ({})", of.join(", "));
        }
        let _ = writeln!(
            text,
            "; memory of their buffers: {} KiB\nmodules in the ledger: {}; not recorded for want of \
             memory: {}",
            self.reports >> 10,
            self.ledger.rows,
            self.ledger.lost
        );
        text
    }
}

impl Policy {
    fn new(
        policy: Attached,
        applied: bool,
        configured: &[(&'static str, Mode)],
        shared: &[u32],
    ) -> Self {
        let of = configured.iter().find(|(name, _)| *name == policy.name);
        let mut maps = policy.maps;
        maps.retain(|id| !shared.contains(id));
        maps.push(policy.map);
        Self {
            id: policy.id,
            applied,
            configured: of.map(|(_, mode)| *mode),
            policy: policy.name,
            wanted: policy.wanted,
            mode: policy.mode,
            ops: policy.ops,
            runs: policy.runs,
            denials: policy.denials,
            would_denials: policy.would_denials,
            errors: policy.errors,
            unrecorded: policy.unrecorded,
            memory: Memory {
                krsi: policy.memory,
                programs: memory::of_programs(&policy.programs),
                maps: memory::of_maps(&maps),
            },
        }
    }

    fn line(&self) -> String {
        let configured = match (self.applied, self.configured) {
            (false, _) => "not ours".to_owned(),
            (_, Some(mode)) => mode.to_string(),
            (_, None) => "-".to_owned(),
        };
        let Memory {
            krsi,
            programs,
            maps,
        } = self.memory;
        let memory = programs.zip(maps);
        let memory = memory.map(|(programs, maps)| (krsi + programs + maps) >> 10);
        format!(
            "{:<16} {configured:<10} {:<8} {:<8} {:>10} {:>8} {:>11} {:>7} {:>6} KiB",
            escape(self.policy.as_bytes()),
            self.wanted.to_string(),
            self.mode.to_string(),
            self.runs,
            self.denials,
            self.would_denials,
            self.errors,
            memory.map_or("-".to_owned(), |memory| memory.to_string()),
        )
    }
}

/// The maps that all applied policies share.
fn buffers() -> Result<Vec<MapHandle>> {
    let mut maps = Vec::new();
    for name in pins::SHARED {
        maps.extend(pins::open(&pins::shared(name))?);
    }
    Ok(maps)
}

/// How many reports found no room, by behaviour.
fn lost() -> Result<BTreeMap<&'static str, u64>> {
    let map = pins::open(&pins::shared("lost"))?;
    let counts = map.as_ref().map(losses::counts).unwrap_or_default();
    let counts = counts.into_iter().chain(std::iter::repeat(0));
    Ok(BEHAVIOURS.into_iter().zip(counts).collect())
}
