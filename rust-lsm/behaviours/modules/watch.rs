// SPDX-License-Identifier: GPL-2.0

//! The behaviours `module_live`, `module_gone` and `module_hidden`: what hears of modules, looks
//! at them and has told of them.
//!
//! From boot on, attached policies or not: what is hidden before the first look is found only by
//! who knew of it before. The notifier only notes things in the ledger; one worker looks and
//! tells, with no lock held, so that a program may do what it likes, load a module included.

use super::{
    ledger::{
        self,
        Vacancy, //
    },
    scan, //
};
use crate::{
    boundary::{
        cred::Ids,
        escape::Escaped,
        log::warn_limited,
        module::ModuleAddr,
        module_chain::{
            Watch,
            Watcher, //
        },
        process::TaskKey,
        task,
        worker, //
    },
    bpf::abi::ModuleLoader, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    }, //
};

/// Somebody asked for a look at all modules.
static ASKED: Atomic<bool> = Atomic::new(false);

static WATCHER: Watcher = Watcher::new::<Modules>();

/// Begins to watch. Once, at boot, before a module can be loaded.
pub(crate) fn start() -> Result {
    ledger::init()?;
    scan::init();
    worker::init(work);
    WATCHER.register()
}

struct Modules;

impl Watch for Modules {
    fn coming(module: ModuleAddr) {
        enter(module);
        worker::now();
    }

    fn live(module: ModuleAddr) {
        let scan = scan::period().is_some();
        let known =
            || ledger::lock().is_ok_and(|mut ledger| ledger.live(module, scan, task::boot_ns()));
        // Without a row there was no memory at its COMING.
        if !known() {
            enter(module);
            known();
        }
        worker::now();
    }

    fn going(module: ModuleAddr) {
        if let Ok(mut ledger) = ledger::lock() {
            ledger.going(module, task::boot_ns());
        }
        worker::now();
    }
}

/// Makes a row. A module that can't have one is counted, and loaded all the same.
fn enter(module: ModuleAddr) {
    let Some(record) = module.record() else {
        warn_limited!("told of a module that is not there\n");
        return;
    };
    let loader = ModuleLoader {
        start_time: task::process_start(),
        pid: task::current_tgid(),
        uid: Ids::current().uid,
        comm: task::comm(),
    };
    let vacancy = Vacancy::new();
    let Ok(mut ledger) = ledger::lock() else {
        return;
    };
    let origin = ledger.loads.take(TaskKey::current());
    match vacancy {
        Ok(vacancy) => {
            let unused = ledger.add(vacancy, module, &record, loader, origin, task::boot_ns());
            drop(ledger);
            drop(unused);
        }
        Err(_) => {
            ledger.lost += 1;
            drop(ledger);
            let name = Escaped(&record.name);
            warn_limited!("no memory to watch module {name}\n");
        }
    }
}

/// From now on every load is told of, or no more.
pub(crate) fn hear_loads(hear: bool) {
    if let Ok(mut ledger) = ledger::lock() {
        ledger.loads.open(hear);
    }
}

/// Looks at all modules now, and waits until what was found is told.
pub(crate) fn look_now() {
    ASKED.store(true, Relaxed);
    worker::now_and_wait();
}

/// What the worker does: visits each row, has told what is new, and sees to the next time.
fn work() {
    let now = task::boot_ns();
    let due = scan::is_due(now);
    let all = ASKED.xchg(false, Relaxed) || due;
    let scan = scan::period().is_some();
    let mut last = 0;
    let mut next = scan::next();
    let mut empty = true;

    while let Some(visit) = ledger::lock()
        .ok()
        .and_then(|mut ledger| ledger.visit(last, all, scan, task::boot_ns()))
    {
        for news in visit.news.iter().flatten() {
            news.tell();
        }
        last = visit.id;
        empty = false;
        next = [next, visit.next].into_iter().flatten().min();
    }
    if let Some(next) = next.filter(|_| !empty) {
        worker::within(next.saturating_sub(task::boot_ns()).div_ceil(1_000_000));
    }
}
