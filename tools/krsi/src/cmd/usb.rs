// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi usb`: the sticks that are plugged in, and those that may be mounted.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    Status,
    config::saved::{Save, Saved},
    in_force::{applied::Applied, pins::Lock},
    machine::usb::{Stick, UsbId, plugged_in, stick_of},
    output::{Account, tell},
    policy::entry::Entry,
    text::escape,
};

/// The policies about sticks, of which a configuration has one.
const POLICIES: [&str; 2] = ["usb_mount", "usb_readonly"];

/// What a person may say to `krsi usb`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Allow sticks to be mounted, at once.
    #[command(after_help = "\
Examples:
  krsi usb allow /dev/sdb
  krsi usb allow 0951:1666:E0D55EA574 --save
  krsi usb allow 0951:1666:               all such sticks that have no serial number")]
    Allow(Sticks),
    /// Show the sticks that are plugged in, and those that are allowed.
    List,
    /// Allow sticks no longer. What is mounted stays so.
    Revoke(Sticks),
}

#[derive(clap::Args)]
struct Sticks {
    /// The sticks, or block devices on them.
    #[arg(required = true, value_name = "VENDOR:PRODUCT:SERIAL|DEVICE")]
    sticks: Vec<String>,
    #[command(flatten)]
    save: Save,
}

/// Does it.
pub fn run(args: &Args) -> Result<Status> {
    match &args.action {
        Action::Allow(sticks) => allow(sticks),
        Action::List => list(),
        Action::Revoke(sticks) => revoke(sticks),
    }
}

/// What a person calls a stick, as a policy does.
fn named(text: &str, sticks: &[Stick]) -> Result<UsbId> {
    if text.starts_with('/') {
        return Ok(stick_of(sticks, Path::new(text))?.id.clone());
    }
    let entry = Entry::allow_usb(text).with_context(|| {
        format!("{text} is neither a stick nor a device: `krsi usb list` says which there are")
    })?;
    UsbId::from_key(&entry.key).context("a key has an id")
}

/// Where all sticks are plugged in that are called so, and which a policy can't tell apart.
fn ports<'a>(id: &UsbId, sticks: &'a [Stick]) -> Vec<&'a str> {
    let alike = sticks.iter().filter(|stick| stick.id == *id);
    alike.map(|stick| stick.port.as_str()).collect()
}

/// That more than one is meant by what a person has named, if that is so.
fn all_of(id: &UsbId, sticks: &[Stick]) -> String {
    match ports(id, sticks).as_slice() {
        [] | [_] => String::new(),
        alike => format!(" (which are those in {})", alike.join(" and ")),
    }
}

/// A device means one stick: an error if the policy could not tell it from others.
fn ensure_is_one(device: &str, id: &UsbId, sticks: &[Stick]) -> Result<()> {
    let alike = ports(id, sticks);
    ensure!(
        alike.len() < 2,
        "{device}: the sticks in {} are alike, and none could be told from the others; to allow all \
         of them, name them: {id}",
        alike.join(" and ")
    );
    ensure!(
        !id.serial.is_empty(),
        "{device} has no serial number, and could not be told from others; to allow all such \
         sticks, name them: {id}"
    );
    Ok(())
}

fn save_change(
    saved: &mut Option<Saved>,
    change: impl FnOnce(&mut Saved) -> Result<()>,
) -> Result<()> {
    saved.as_mut().map_or(Ok(()), change)
}

fn allow(args: &Sticks) -> Result<Status> {
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policies = Applied::any_of(&POLICIES)?;
    let present = plugged_in(Path::new("/sys"))?;
    let mut saved = args.save.open()?;
    let mut entries = Vec::new();
    for text in &args.sticks {
        let id = named(text, &present)?;
        if text.starts_with('/') {
            ensure_is_one(text, &id, &present)?;
        }
        let entry = Entry::allow_usb(&id.to_string())?;
        save_change(&mut saved, |saved| {
            saved.add("usb", "allow", &id.to_string(), is(&entry))
        })?;
        entries.push((id, entry));
    }
    for (id, entry) in &entries {
        for policy in &policies {
            policy.put(entry)?;
        }
        let note = match ports(id, &present).len() {
            0 => " (not plugged in)",
            _ => "",
        };
        account.tell(&format!(
            "allowed {}{note}{}",
            shown(id),
            all_of(id, &present)
        ));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

fn revoke(args: &Sticks) -> Result<Status> {
    let _lock = Lock::take()?;
    let mut account = Account::default();
    let policies = Applied::any_of(&POLICIES)?;
    let present = plugged_in(Path::new("/sys"))?;
    let mut saved = args.save.open()?;
    let mut entries = Vec::new();
    for text in &args.sticks {
        let id = named(text, &present)?;
        let entry = Entry::allow_usb(&id.to_string())?;
        let mut is_there = false;
        for policy in &policies {
            is_there |= policy.has(&entry)?;
        }
        ensure!(is_there, "{} is not allowed", shown(&id));
        save_change(&mut saved, |saved| saved.remove("usb", "allow", is(&entry)))?;
        entries.push((id, entry));
    }
    for (id, entry) in &entries {
        for policy in &policies {
            policy.remove(entry)?;
        }
        account.tell(&format!(
            "no longer allowed {}{}",
            shown(id),
            all_of(id, &present)
        ));
    }
    saved.map_or(Ok(()), |saved| saved.write())?;
    account.finish()
}

/// Whether a text of the configuration means this stick.
fn is(entry: &Entry) -> impl Fn(&str) -> bool {
    move |text| Entry::allow_usb(text).is_ok_and(|other| other == *entry)
}

/// For a terminal: whoever made the stick chose its serial number.
fn shown(id: &UsbId) -> String {
    escape(id.to_string().as_bytes())
}

fn list() -> Result<Status> {
    let present = plugged_in(Path::new("/sys"))?;
    let mut allowed = BTreeSet::new();
    let policies = Applied::any_of(&POLICIES);
    for policy in policies.iter().flatten() {
        let keys = policy.keys("allowed_usb")?;
        allowed.extend(keys.iter().filter_map(|key| UsbId::from_key(key)));
    }
    for stick in &present {
        let state = match (&policies, allowed.contains(&stick.id)) {
            (Err(_), _) => "unprotected",
            (Ok(_), true) => "allowed",
            (Ok(_), false) => "not-allowed",
        };
        let devices: Vec<_> = stick
            .devices
            .iter()
            .map(|name| PathBuf::from("/dev").join(name).display().to_string())
            .collect();
        let mut alike = ports(&stick.id, &present);
        alike.retain(|port| *port != stick.port);
        let alike = match alike.as_slice() {
            [] => String::new(),
            others => format!(" alike={}", others.join(",")),
        };
        let line = format!(
            "{state} {} port={} devices={}{alike} called={}",
            shown(&stick.id),
            stick.port,
            devices.join(","),
            // It is the last: its spaces separate nothing.
            escape(stick.called.as_bytes()).replace("\\040", " ")
        );
        tell(&line)?;
    }
    let absent = |id: &&UsbId| !present.iter().any(|stick| stick.id == **id);
    for id in allowed.iter().filter(absent) {
        tell(&format!("allowed {} port=-", shown(id)))?;
    }
    match policies {
        Ok(_) => Ok(Status::Done),
        // What is plugged in was told all the same.
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stick(port: &str, serial: &str) -> Stick {
        Stick {
            id: UsbId {
                vendor: 1,
                product: 2,
                serial: serial.into(),
            },
            port: port.into(),
            called: String::new(),
            devices: Vec::new(),
        }
    }

    #[test]
    fn a_device_must_be_one_stick() {
        let sticks = [stick("1-1", "A"), stick("1-2", "A"), stick("1-3", "")];
        let alike = ensure_is_one("/dev/sdb", &sticks[0].id, &sticks).unwrap_err();
        assert!(alike.to_string().contains("1-1 and 1-2"), "{alike}");
        assert!(ensure_is_one("/dev/sdb", &sticks[2].id, &sticks[2..]).is_err());
        assert!(ensure_is_one("/dev/sdb", &sticks[0].id, &sticks[1..]).is_ok());
        let all = all_of(&sticks[0].id, &sticks);
        assert_eq!(all, " (which are those in 1-1 and 1-2)");
        assert_eq!(all_of(&sticks[0].id, &sticks[1..]), "");
    }

    #[test]
    fn the_same_stick_may_be_written_in_other_ways() {
        let entry = Entry::allow_usb("0001:00ab:S").unwrap();
        assert!(is(&entry)("1:AB:S"));
        assert!(!is(&entry)("1:AB:s"));
        assert!(!is(&entry)("nonsense"));
    }
}
