// SPDX-License-Identifier: GPL-2.0-or-later

//! Carries a plan out.
//!
//! What it guarantees: each policy is in force as it was or as it is to be, with its mode and all its
//! entries, and nothing in between, but that what is to come is tried beside it for a moment, so that
//! what either denies is denied. So nobody edits the maps in force: a policy of which anything changes
//! is loaded once more, with maps of its own that are filled, and takes its place whole. Everything that can fail is done before
//! the first takes its place, what comes is put in force before anything goes, and where the kernel
//! refuses a step all the same, those before it are taken back: then all is as it was. Who is killed
//! leaves some policies as they were and others as they are to be; the next one does the rest.

use anyhow::{Context, Error, Result};

use crate::{
    in_force::{
        applied, pins,
        plan::{Action, Change, Plan},
        shared::Shared,
        staged::{self, Staged},
    },
    policy::object::Opened,
};

/// Carries it out; needs the lock.
pub fn carry_out(plan: &Plan) -> Result<()> {
    let staged = stage(plan).inspect_err(|_| {
        // The error is what counts; the next apply cleans up as well.
        let _ = staged::recover();
    });
    let (shared, mut staged) = staged.context("what was in force stays")?;
    if let Err(error) = put_in_force(shared.as_ref(), &mut staged) {
        return Err(take_back(error, shared, staged));
    }
    finish(plan, staged).context("all that is wanted is in force, and something more: apply again")
}

/// The steps that only the kernel can refuse.
fn put_in_force(shared: Option<&Shared>, staged: &mut [Staged<'_>]) -> Result<()> {
    for policy in &mut *staged {
        policy.update()?;
    }
    if let Some(shared) = shared {
        shared.put_in_place()?;
    }
    staged.iter_mut().try_for_each(Staged::put_in_place)
}

/// After an error, which is returned with what has become of it.
fn take_back(mut error: Error, shared: Option<Shared>, staged: Vec<Staged<'_>>) -> Error {
    let mut is_whole = true;
    let mut note = |result: Result<()>| {
        if let Err(e) = result {
            error = Error::msg(format!("{error:#}; then {e:#}"));
            is_whole = false;
        }
    };
    for policy in staged.into_iter().rev() {
        note(policy.take_back());
    }
    note(shared.map_or(Ok(()), |shared| shared.take_back()));
    error.context(match is_whole {
        true => "what was in force stays",
        false => "this stopped half way: each policy is as it was or as it is to be; apply again",
    })
}

/// What goes.
fn finish(plan: &Plan, staged: Vec<Staged<'_>>) -> Result<()> {
    staged.into_iter().try_for_each(Staged::clean_up)?;
    plan.detach.iter().try_for_each(|policy| detach(policy))
}

/// What is attached or updated, ready to be put in place.
fn stage(plan: &Plan) -> Result<(Option<Shared>, Vec<Staged<'_>>)> {
    let is_changed = |change: &&Change| !matches!(change.action, Action::Keep);
    let mut staged = Vec::new();
    let mut shared = None;
    for change in plan.changes.iter().filter(is_changed) {
        if shared.is_none() {
            let object = Opened::new(change.wanted.policy)?;
            shared = Some(Shared::find_or_make(&object, &plan.events)?);
        }
        let Some(shared) = &shared else { continue };
        let policy = change.wanted.policy;
        staged.push(
            Staged::new(change, shared, plan.events.buffer).with_context(|| policy.to_owned())?,
        );
    }
    for policy in &mut staged {
        policy.attach()?;
    }
    Ok((shared, staged))
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
