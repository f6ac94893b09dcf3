// SPDX-License-Identifier: GPL-2.0

//! The execs under way whose strings are prepared for BPF LSM programs, which run after this LSM's
//! hook.
//!
//! While no such program is loaded nothing is added. An exec is found by its task and holds the
//! strings of its last round; with them what tells them from all others: the exec's new
//! credentials, which stay referenced so that no other exec's come to their address, the round, and
//! where the strings lie. So nobody finds what an exec left behind that failed, nor an earlier
//! round's strings where none were prepared for this one, for want of memory or because the last
//! reader was unloaded and another one loaded.
//!
//! A task work removes an exec when its task returns to user space or ends, or already when the
//! exec cancels its io_uring (`begin_new_exec()`, after the last hook whose programs may read). So
//! no hook has to watch for the end of an exec. A task is not freed before its works have run: a
//! key is never another task's.

use super::shards::{
    Table,
    SHARDS, //
};
use crate::{
    args::Args,
    boundary::{
        arg_pages::ArgPages,
        bprm::Bprm,
        process::TaskKey,
        task, //
    }, //
};
use kernel::{
    cred::Credential,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNodeReservation, //
    },
    sync::{
        aref::ARef,
        Arc, //
    }, //
};

/// The strings of a round, or why they could not be prepared.
struct Prepared {
    /// The exec's.
    cred: ARef<Credential>,
    /// Which of the exec's strings they are.
    strings_id: (u32, usize, u32),
    args: Result<Args<ArgPages>>,
}

// SAFETY: References to credentials and pages may be given up by any task.
unsafe impl Send for Prepared {}

// SAFETY: As above; and the strings are looked at with the bprm of their exec alone, so by the task
// of the exec while that is in a hook.
unsafe impl Sync for Prepared {}

impl Prepared {
    /// Whether they are those of this exec as it is now.
    fn is_of(&self, bprm: &Bprm) -> bool {
        bprm.cred().is_some_and(|cred| {
            core::ptr::eq(cred, &*self.cred) && self.strings_id == bprm.strings_id()
        })
    }
}

type Execs = RBTree<TaskKey, Arc<Prepared>>;

static EXECS: Table<Execs> = Table::new();

/// Makes the table. Once, at boot.
pub(crate) fn init() -> Result {
    EXECS.init(Execs::new)
}

/// Looks at the part of the table where the current task's exec is.
fn with<R>(look: impl FnOnce(&mut Execs, TaskKey) -> R) -> Option<R> {
    let task = TaskKey::current();
    let look = |execs: &mut _| look(execs, task);
    EXECS.get()?.with(task.hash(SHARDS), look)
}

/// What is prepared for the exec as it is now.
fn find(bprm: &Bprm) -> Option<Arc<Prepared>> {
    let last = with(|execs, task| execs.get(&task).cloned()).flatten();
    last.filter(|prepared| prepared.is_of(bprm))
}

/// Prepares the strings of this round, unless they are. Sleeps.
///
/// On an error nothing is prepared, which programs are told.
pub(crate) fn prepare(bprm: &Bprm) -> Result {
    if find(bprm).is_some_and(|prepared| prepared.args.is_ok()) {
        return Ok(());
    }
    let prepared = Prepared {
        cred: bprm.cred().ok_or(ENODATA)?.into(),
        strings_id: bprm.strings_id(),
        args: ArgPages::collect(bprm).map(|pages| Args::new(pages, bprm.argc(), bprm.envc())),
    };
    let prepared = Arc::new(prepared, GFP_KERNEL_ACCOUNT)?;
    let space = RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT)?;
    let is_known = with(|execs, task| execs.get(&task).is_some()).ok_or(ENODEV)?;
    if !is_known {
        task::call_at_return(end)?;
    }
    let _last_rounds = with(|execs, task| execs.insert(space.into_node(task, prepared)));
    Ok(())
}

/// The current task's exec, of whatever outcome, is over.
fn end() {
    let _ended = with(|execs, task| execs.remove(&task));
}

/// Looks at the strings that were prepared for this round; at `ENODATA` if none were, as before the
/// LSM's own hook has run. Never sleeps.
pub(crate) fn look<R>(bprm: &Bprm, look: impl FnOnce(Result<&Args<ArgPages>>) -> R) -> R {
    let found = find(bprm);
    look(match &found {
        Some(prepared) => prepared.args.as_ref().map_err(|e| *e),
        None => Err(ENODATA),
    })
}
