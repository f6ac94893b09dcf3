// SPDX-License-Identifier: GPL-2.0

//! Which hooks are on: those that lead to an op that a policy would run for now, and those where
//! an exec's strings are prepared for BPF LSM programs.
//!
//! Lock order: the registry's mutex if it is held, then the one here, then what switching a
//! static key takes (`cpus_read_lock`, the jump label mutex) or beginning the record (its
//! spinlock, `alloc_lock` of tasks; not one within the other).

use super::lists;
use crate::{
    behaviours::{
        modules::watch,
        removals::{
            self,
            record, //
        }, //
    },
    boundary::{
        lsm::HookList,
        lsm_hooks::Hook,
        once::read_once, //
    },
    bpf::{
        kfunc::Group,
        ops::Op, //
    },
    state::digests, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Mutex,
        SetOnce, //
    }, //
};

static SWITCHES: SetOnce<Pin<KBox<Mutex<Switches>>>> = SetOnce::new();

/// How many BPF LSM programs read an exec's strings.
static STRING_READERS: Atomic<i32> = Atomic::new(0);

/// Whether each round of an exec is noted, for BPF LSM programs or the record of what runs: one flag,
/// as every exec looks at it.
static ROUNDS: Atomic<bool> = Atomic::new(false);

struct Switches {
    hooks: &'static HookList,
    on: [bool; Hook::COUNT],
}

impl Switches {
    fn set(&mut self, hook: Hook, on: bool) {
        if self.on[hook.index()] != on {
            self.on[hook.index()] = on;
            self.hooks.switch(hook, on);
        }
    }
}

/// Takes charge of the hooks, which are all off. Once, at boot.
pub(crate) fn init(hooks: &'static HookList) -> Result {
    let switches = Switches {
        hooks,
        on: [false; Hook::COUNT],
    };
    SWITCHES.populate(KBox::pin_init(
        new_mutex!(switches, "krsi_switches"),
        GFP_KERNEL,
    )?);
    Ok(())
}

/// Whether an exec's strings are to be prepared for BPF LSM programs.
#[inline]
pub(crate) fn strings_wanted() -> bool {
    read_once(&STRING_READERS) > 0
}

/// Whether a round of an exec may have to be noted.
#[inline]
pub(crate) fn rounds_wanted() -> bool {
    read_once(&ROUNDS)
}

/// Counts BPF LSM programs that read an exec's strings; the hooks change at the next `renew`.
pub(crate) fn count_string_readers(change: i32) {
    STRING_READERS.add(change, Relaxed);
}

/// The hooks by which digests that are kept are forgotten.
const KEEPING: [Hook; 3] = [Hook::FileOpen, Hook::InodeSetattr, Hook::InodeFree];

/// Whether a policy would run now that reads digests.
fn digests_wanted() -> bool {
    [Op::ProcessExec, Op::FileMapExec]
        .into_iter()
        .any(|op| lists::is_wanted(op) && lists::calls(op, Group::Digest))
}

/// Switches each hook as is wanted now, and the record of what runs. Sleeps.
pub(crate) fn renew() {
    renew_with(false);
}

/// The same before a policy is attached that reads digests: none runs before they can be kept.
pub(crate) fn expect_digests() {
    renew_with(true);
}

fn renew_with(expects_digests: bool) {
    let Some(switches) = SWITCHES.as_ref() else {
        return;
    };
    let mut switches = switches.lock();
    let notes_rounds = strings_wanted() || lists::is_wanted(Op::ExecutableUnlink);
    // Before the hooks are on.
    if notes_rounds {
        ROUNDS.store(true, Relaxed);
    }
    let mut wanted = [false; Hook::COUNT];
    let keeps = expects_digests || digests_wanted();
    for hook in KEEPING {
        wanted[hook.index()] |= keeps;
        // Before a policy runs that the other hooks lead to.
        if keeps {
            switches.set(hook, true);
        }
    }
    // They are kept only while those hooks are on.
    if keeps {
        digests::start();
    } else {
        digests::stop();
    }
    for op in Op::ALL {
        let prepares = op == Op::ProcessExec && strings_wanted();
        for hook in op.spec().hooks {
            wanted[hook.index()] |= lists::is_wanted(op) || prepares;
        }
    }
    // What is noted of loads is true only while all of them are told of.
    let told_of_loads = wanted[Hook::KernelPostReadFile.index()];
    if !told_of_loads {
        watch::hear_loads(false);
    }
    let told_of_removals = switches.on[Hook::TaskFree.index()];
    for hook in Hook::ALL {
        switches.set(hook, wanted[hook.index()]);
    }
    if switches.on[Hook::TaskFree.index()] != told_of_removals {
        removals::forget_notes();
    }
    if told_of_loads {
        watch::hear_loads(true);
    }
    // When its hooks are on it misses nothing that begins while it looks at what runs already.
    if lists::is_wanted(Op::ExecutableUnlink) {
        record::start();
    } else {
        record::stop();
    }
    if !notes_rounds {
        ROUNDS.store(false, Relaxed);
    }
}
