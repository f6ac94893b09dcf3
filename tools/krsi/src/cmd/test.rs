// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi test DIR`: what the author of a policy has his CI run, on a machine that may lock
//! everybody out. Has this kernel verify each object of the directory, attaches all in enforce mode,
//! runs the tests, which are attacks and innocent things, and prints KTAP.

use std::{
    cell::RefCell,
    fs::{self, File},
    io::{ErrorKind, Read, Seek},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use libbpf_rs::{Link, Map, MapCore, MapType, RingBuffer, RingBufferBuilder};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{Pid, Signal, kill_process_group},
};

use crate::{
    Status,
    events::{losses, report::Report},
    machine::kernel,
    output::{End, Lines},
    policy::object::{Loaded, Opened, attached},
};

/// The exit status of a test that can't be run here, as of the kernel's kselftests.
const SKIPPED: i32 = 4;

/// How often to look whether a test has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How much a test may print, bytes.
const OUTPUT: u64 = 1 << 20;

/// How many of the reports of a test are printed.
const REPORTS: usize = 1000;

/// What a person may say to `krsi test`.
#[derive(clap::Args)]
#[command(after_help = "\
DIR has the objects, *.bpf.o. Each executable in DIR/tests is a test: it is run in DIR while all
objects are attached in enforce mode, and its exit status says whether all was as it must be: 0 if
so, 4 if it can't be run here. What it and the policies tell is printed.

Examples:
  krsi policy new my_policy && make -C my_policy
  krsi test my_policy")]
pub struct Args {
    /// The directory of a policy, as `krsi policy new` makes it.
    dir: PathBuf,
    /// A test that takes longer fails.
    #[arg(short, long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Prints KTAP.
struct Ktap<'a> {
    lines: Lines<'a>,
    number: usize,
    failed: bool,
}

impl Ktap<'_> {
    fn result(&mut self, name: &str, result: Result<()>) {
        self.number += 1;
        let word = if result.is_ok() { "ok" } else { "not ok" };
        self.lines
            .write(&format!("{word} {} - {name}", self.number));
        if let Err(error) = result {
            self.failed = true;
            self.say(&format!("{error:#}"));
        }
    }

    /// How a test ended, and what it printed.
    fn outcome(&mut self, name: &str, outcome: Result<(ExitStatus, String)>) {
        let (status, output) = match outcome {
            Ok(ended) => ended,
            Err(error) => return self.result(name, Err(error)),
        };
        match status.code() {
            Some(0) => self.result(name, Ok(())),
            Some(SKIPPED) => self.result(&format!("{name} # SKIP"), Ok(())),
            _ => self.result(name, Err(anyhow!("{status}"))),
        }
        self.say(&output);
    }

    fn say(&mut self, text: &str) {
        for line in text.lines() {
            self.lines.write(&format!("# {line}"));
        }
    }
}

/// What the policies reported during a test.
#[derive(Default)]
struct Told {
    lines: Vec<String>,
    /// How many there were besides.
    more: usize,
}

impl Told {
    fn say(self, ktap: &mut Ktap<'_>) {
        for line in &self.lines {
            ktap.say(line);
        }
        if self.more > 0 {
            ktap.say(&format!("and {} more reports", self.more));
        }
    }
}

/// Tests the policies of a directory.
pub fn run(args: &Args) -> Result<Status> {
    let end = End::on_signal()?;
    kernel::abi()?;
    let objects = files(&args.dir, |path, _| {
        path.to_string_lossy().ends_with(".bpf.o")
    })?;
    ensure!(
        !objects.is_empty(),
        "{} has no *.bpf.o: build it first",
        args.dir.display()
    );
    let dir = args.dir.join("tests");
    let tests = match dir.exists() {
        true => files(&dir, |_, mode| mode & 0o111 != 0)?,
        false => Vec::new(),
    };

    let mut ktap = Ktap {
        lines: Lines::new(&end),
        number: 0,
        failed: false,
    };
    ktap.lines.write("TAP version 13");
    ktap.lines
        .write(&format!("1..{}", 2 * objects.len() + tests.len()));
    let (loaded, links) = load_all(&objects, &mut ktap);
    let is_ready = loaded.len() == objects.len();
    let told = RefCell::new(Told::default());
    let maps: Vec<_> = loaded
        .iter()
        .flat_map(|policy| policy.object.maps())
        .collect();
    let rings = rings(&maps, &told)?;
    let take = || match &rings {
        Some(rings) => rings.consume(),
        None => Ok(()),
    };
    let mut lost = 0;
    for test in &tests {
        if !is_ready || end.is_here() {
            ktap.result(&name_of(test), Err(anyhow!("not run")));
            continue;
        }
        let outcome = run_test(test, args, &end, take);
        take()?;
        ktap.outcome(&name_of(test), outcome);
        told.take().say(&mut ktap);
        let before = std::mem::replace(&mut lost, losses::sum(&maps));
        if lost > before {
            ktap.say(&format!("and {} that were lost", lost - before));
        }
    }
    for (number, object) in objects.iter().enumerate() {
        let result = match loaded.get(number).filter(|_| is_ready) {
            Some(policy) => ensure_no_errors(policy),
            None => Err(anyhow!("not run")),
        };
        ktap.result(&format!("no run of {} failed", name_of(object)), result);
    }
    drop(links);
    Ok(match ktap.lines.finish() && !ktap.failed {
        true => Status::Done,
        false => Status::Wrong,
    })
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The files of a directory that are wanted by path and mode, in the order of their names.
fn files(dir: &Path, wanted: impl Fn(&Path, u32) -> bool) -> Result<Vec<PathBuf>> {
    let look = || {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            match fs::metadata(&path) {
                Ok(meta) if meta.is_file() && wanted(&path, meta.permissions().mode()) => {
                    files.push(path);
                }
                // A link that leads nowhere is no file.
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                _ => (),
            }
        }
        files.sort();
        Ok::<_, std::io::Error>(files)
    };
    look().with_context(|| dir.display().to_string())
}

/// Loads and attaches the objects, as long as the links live.
fn load_all(objects: &[PathBuf], ktap: &mut Ktap<'_>) -> (Vec<Loaded>, Vec<Link>) {
    let mut loaded = Vec::new();
    let mut links = Vec::new();
    for object in objects {
        let result = load(object).map(|(policy, link)| {
            loaded.push(policy);
            links.extend(link);
        });
        ktap.result(
            &format!("{} is verified and attached", name_of(object)),
            result,
        );
    }
    (loaded, links)
}

fn load(object: &Path) -> Result<(Loaded, Vec<Link>)> {
    let file = object
        .to_str()
        .with_context(|| format!("{} is not UTF-8", object.display()))?;
    let mut policy = Opened::new(file)?.load()?;
    let links = policy.attach()?;
    Ok((policy, links))
}

/// What reads the reports of those that report by report.bpf.h; none if none does.
fn rings<'a>(maps: &'a [Map<'_>], told: &'a RefCell<Told>) -> Result<Option<RingBuffer<'a>>> {
    let mut rings = RingBufferBuilder::new();
    let is_ring = |map: &&Map<'_>| map.name() == "reports" || map.name() == "denials";
    for map in maps.iter().filter(is_ring) {
        rings.add(map, |bytes| {
            let told = &mut *told.borrow_mut();
            if told.lines.len() >= REPORTS {
                told.more += 1;
                return 0;
            }
            let line = Report::parse(bytes).map_or_else(
                |e| format!("{e:#}"),
                |report| format!("report: {}", super::run::line_of(&report, true)),
            );
            told.lines.push(line);
            0
        })?;
    }
    Ok(match maps.iter().any(|map| is_ring(&map)) {
        true => Some(rings.build()?),
        false => None,
    })
}

/// How a test ended, and what it printed. Reports are taken meanwhile.
fn run_test(
    test: &Path,
    args: &Args,
    end: &End,
    take: impl Fn() -> libbpf_rs::Result<()>,
) -> Result<(ExitStatus, String)> {
    let program = fs::canonicalize(test)?;
    let mut output = File::from(memfd_create("krsi-test", MemfdFlags::CLOEXEC)?);
    let mut child = Command::new(&program)
        .current_dir(&args.dir)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0)
        .spawn()
        .context("it could not be started")?;
    let until = Instant::now() + Duration::from_secs(args.seconds.into());
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let is_too_much = output.metadata()?.len() > OUTPUT;
        if is_too_much || end.is_here() || Instant::now() >= until {
            // With what it has started.
            let group = Pid::from_child(&child);
            let _ = kill_process_group(group, Signal::KILL);
            child.wait()?;
            ensure!(!is_too_much, "it printed more than {OUTPUT} bytes");
            ensure!(!end.is_here(), "interrupted");
            bail!("it had not ended after {} seconds", args.seconds);
        }
        take()?;
        thread::sleep(LOOK);
    };
    let mut bytes = Vec::new();
    output.rewind()?;
    output.take(OUTPUT).read_to_end(&mut bytes)?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

/// What the kernel counted of its policies.
fn ensure_no_errors(loaded: &Loaded) -> Result<()> {
    for map in loaded.object.maps() {
        if map.map_type() != MapType::StructOps {
            continue;
        }
        let policy = attached(map.info()?.info.id)?.context("it is not attached any more")?;
        ensure!(
            policy.errors == 0,
            "{} of {} runs of {} failed",
            policy.errors,
            policy.runs,
            policy.name
        );
    }
    Ok(())
}
