// SPDX-License-Identifier: GPL-2.0-or-later

//! Carries a plan out. Everything that can fail is done beside what is in force, which stays until
//! all is ready. Then what comes is put in force before anything goes, so that nothing that is
//! protected before and after is unprotected in between.

use anyhow::{Context, Result};
use libbpf_rs::MapHandle;

use crate::{
    applied,
    contents::Difference,
    object::Opened,
    pins,
    plan::{Action, Change, Plan},
    shared::Shared,
    staged::{self, Staged},
};

/// Carries it out; needs the lock.
pub fn carry_out(plan: &Plan) -> Result<()> {
    let staged = stage(plan).inspect_err(|_| {
        // The error is what counts; the next apply cleans up as well.
        let _ = staged::recover();
    });
    let (shared, staged) = staged.context("what was in force stays")?;

    put_in_force(plan, shared, staged).context(
        "this stopped half way: each policy is in force as it was or as it is to be; apply again",
    )
}

fn put_in_force(plan: &Plan, shared: Option<Shared>, staged: Vec<Staged<'_>>) -> Result<()> {
    for (name, map, difference) in kept_maps(plan) {
        difference.put_first(name, map)?;
    }
    if let Some(shared) = shared {
        shared.pin()?;
    }
    for policy in staged {
        policy.put_in_place()?;
    }
    for (name, map, difference) in kept_maps(plan) {
        difference.take_last(name, map)?;
    }
    for policy in &plan.detach {
        detach(policy)?;
    }
    Ok(())
}

/// What is attached or updated, ready to be put in place.
fn stage(plan: &Plan) -> Result<(Option<Shared>, Vec<Staged<'_>>)> {
    let is_changed = |change: &&Change| !matches!(change.action, Action::Keep);
    let mut staged = Vec::new();
    let mut shared = None;
    for change in plan.changes.iter().filter(is_changed) {
        if shared.is_none() {
            let object = Opened::new(change.wanted.policy)?;
            shared = Some(Shared::find_or_make(&object)?);
        }
        let Some(shared) = &shared else { continue };
        let policy = change.wanted.policy;
        staged.push(Staged::new(change, shared).with_context(|| policy.to_owned())?);
    }
    for policy in &mut staged {
        policy.attach()?;
    }
    Ok((shared, staged))
}

/// The maps that are in use and stay, each with its name and what changes.
fn kept_maps(plan: &Plan) -> impl Iterator<Item = (&'static str, &MapHandle, &Difference)> {
    let maps = plan.changes.iter().flat_map(|change| &change.maps);
    maps.filter_map(|governed| Some((governed.name, governed.map.as_ref()?, &governed.difference)))
}

/// Takes a policy out of force, and its pins away; needs the lock.
pub fn detach(policy: &str) -> Result<()> {
    let dir = pins::policy(policy);
    match applied::link_in(&dir)? {
        // Whoever has it open does not keep it.
        Some((link, map)) if map != 0 => link
            .detach()
            .with_context(|| format!("detaching {policy}"))?,
        _ => (),
    }
    applied::remove(&dir)
}
