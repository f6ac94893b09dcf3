// SPDX-License-Identifier: GPL-2.0-or-later

//! What KRSI in the kernel says of itself, in securityfs. Documentation/abi.rst describes the files.

use std::{fmt, fs, io, str::FromStr};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::text;

/// Where the files are.
const DIR: &str = "/sys/kernel/security/krsi";

/// How far a policy may go, from the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing runs.
    Off,
    /// Denials are counted and reported.
    Audit,
    /// And enforced.
    Enforce,
}

impl FromStr for Mode {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "off" => Self::Off,
            "audit" => Self::Audit,
            "enforce" => Self::Enforce,
            _ => bail!("{text} is no mode"),
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Enforce => "enforce",
        })
    }
}

/// A policy that is attached.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    /// KRSI's number for it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The mode that it asks for.
    pub wanted: Mode,
    /// The one that it has.
    pub mode: Mode,
    /// The names of its ops.
    pub ops: Vec<String>,
    /// How often a program of it was run.
    pub runs: u64,
    /// Denials that were enforced.
    pub denials: u64,
    /// Those that were not, because of the mode.
    pub would_denials: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Denials that audit took no record of.
    pub unrecorded: u64,
    /// KRSI's own memory for it, bytes.
    pub memory: u64,
    /// The id of its struct_ops map.
    pub map: u32,
    /// The ids of the other maps that its programs use.
    pub maps: Vec<u32>,
    /// The ids of its programs.
    pub programs: Vec<u32>,
}

/// A line of the file `policies`.
fn parse_policy(line: &str) -> Result<Attached> {
    let word = |name: &str| {
        line.split(' ')
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .with_context(|| format!("the kernel tells no {name} of a policy"))
    };
    let number = |name| Ok::<u64, anyhow::Error>(word(name)?.parse()?);
    let list = word("ops")?.split(',').filter(|op| *op != "-");
    let programs = list
        .clone()
        .filter_map(|op| op.split_once(':')?.1.parse().ok());
    let mut maps = word("maps")?.split(',').map(str::parse);
    Ok(Attached {
        id: number("id")?,
        name: String::from_utf8_lossy(&text::unescape(word("name")?)).into_owned(),
        wanted: word("wanted")?.parse()?,
        mode: word("mode")?.parse()?,
        ops: list
            .map(|op| op.split(':').next().unwrap_or(op).to_owned())
            .collect(),
        runs: number("runs")?,
        denials: number("denials")?,
        would_denials: number("would_denials")?,
        errors: number("errors")?,
        // Not every ABI tells it.
        unrecorded: number("unrecorded").unwrap_or(0),
        memory: number("memory")?,
        map: maps
            .next()
            .context("the kernel tells no map of a policy")??,
        maps: maps.collect::<Result<_, _>>()?,
        programs: programs.collect(),
    })
}

fn read(file: &str) -> Result<String> {
    let path = format!("{DIR}/{file}");
    match fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing()),
        result => result.context(path),
    }
}

/// Why there is no KRSI here.
fn missing() -> anyhow::Error {
    let Ok(lsm) = fs::read_to_string("/sys/kernel/security/lsm") else {
        return anyhow::anyhow!(
            "/sys/kernel/security is not mounted: mount -t securityfs none /sys/kernel/security"
        );
    };
    let why = match is_built_in() {
        Some(false) => {
            "this kernel was built without CONFIG_SECURITY_KRSI=y: boot one with it, and"
        }
        Some(true) => "this kernel has KRSI and was started without it:",
        None => "this kernel runs without KRSI: boot one with CONFIG_SECURITY_KRSI=y, and",
    };
    anyhow::anyhow!(
        "{why} add this to the kernel command line: lsm={}",
        with_krsi(lsm.trim())
    )
}

/// Whether the kernel's configuration has KRSI, where that is to be read.
fn is_built_in() -> Option<bool> {
    let text = match fs::File::open("/proc/config.gz") {
        Ok(file) => io::read_to_string(flate2::read::GzDecoder::new(file)).ok()?,
        Err(_) => {
            let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
            fs::read_to_string(format!("/boot/config-{}", release.trim())).ok()?
        }
    };
    Some(text.lines().any(|line| line == "CONFIG_SECURITY_KRSI=y"))
}

/// The list of LSMs with KRSI in it: before BPF LSM, whose programs may use its kfuncs, and
/// without those that the kernel starts unasked.
fn with_krsi(lsm: &str) -> String {
    let mut words: Vec<_> = lsm
        .split(',')
        .filter(|word| !word.is_empty() && *word != "capability")
        .collect();
    let at = words.iter().position(|word| *word == "bpf");
    words.insert(at.unwrap_or(words.len()), "krsi");
    words.join(",")
}

/// The ABI of this kernel's KRSI.
pub fn abi() -> Result<u32> {
    let text = read("abi")?;
    text.trim().parse().with_context(|| format!("{DIR}/abi"))
}

/// The mode of the machine.
pub fn mode() -> Result<Mode> {
    read("mode")?.trim().parse()
}

/// The policies that are attached, in their order. Needs root.
pub fn policies() -> Result<Vec<Attached>> {
    read("policies")?.lines().map(parse_policy).collect()
}

/// The lines of the file `modules`, as words.
pub fn modules() -> Result<Vec<String>> {
    Ok(read("modules")?.lines().map(str::to_owned).collect())
}

/// The sums of the ledger of modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Rows in it.
    pub rows: u64,
    /// Modules for which there was no memory.
    pub lost: u64,
    /// Comparisons of a row since boot.
    pub looks: u64,
}

/// The sums of the ledger, which the last line of the file `modules` tells.
pub fn ledger() -> Result<Ledger> {
    let lines = modules()?;
    let total = lines.iter().find_map(|line| line.strip_prefix("total "));
    parse_ledger(total.context("the kernel tells no sums of its modules")?)
}

fn parse_ledger(total: &str) -> Result<Ledger> {
    let number = |name: &str| {
        let word = total
            .split(' ')
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let word = word.with_context(|| format!("the kernel tells no {name} of its modules"))?;
        Ok::<u64, anyhow::Error>(word.parse()?)
    };
    Ok(Ledger {
        rows: number("rows")?,
        lost: number("lost")?,
        looks: number("looks")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_of_a_policy() {
        let line = "id=1 name=env\\040audit wanted=enforce mode=audit flags=- ops=process_exec:24 \
                    runs=118 denials=1 would_denials=2 errors=3 memory=208 maps=10,9,7,8 uid=0 \
                    pid=142 comm= attached=1795510923 unrecorded=0";
        let policy = parse_policy(line).unwrap();
        assert_eq!(policy.name, "env audit");
        assert_eq!((policy.wanted, policy.mode), (Mode::Enforce, Mode::Audit));
        assert_eq!((policy.map, policy.errors), (10, 3));
        assert_eq!((policy.maps, policy.programs), (vec![9, 7, 8], vec![24]));
        assert_eq!(policy.ops, ["process_exec"]);
        assert!(parse_policy("id=1").is_err());
    }

    #[test]
    fn reads_the_sums_of_the_ledger() {
        let ledger = parse_ledger("rows=1 lost=2 looks=19").unwrap();
        assert_eq!((ledger.rows, ledger.lost, ledger.looks), (1, 2, 19));
    }

    #[test]
    fn says_what_to_boot_with() {
        assert_eq!(
            with_krsi("capability,landlock,lockdown,yama,bpf"),
            "landlock,lockdown,yama,krsi,bpf"
        );
        assert_eq!(with_krsi("capability"), "krsi");
    }
}
