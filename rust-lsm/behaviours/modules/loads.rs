// SPDX-License-Identifier: GPL-2.0

//! Loads that are under way: what is known of the contents, for the row that is made when the module
//! comes. The two happen in one task, and no other load of that task comes between.
//!
//! Most loads that fail don't say so, and leave their note behind. It is overwritten by the next load
//! of its task, before a module comes of that, or by the next but fifteen of others. With more loads
//! than that at once the origin of some is not known.

use crate::{
    boundary::{
        process::TaskKey,
        sha256::Digest, //
    },
    bpf::abi, //
};
use kernel::prelude::*;

/// How many loads are noted.
const NOTES: usize = 16;

/// Where a module came from.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// `KRSI_MODULE_FILE`, `KRSI_MODULE_MEMORY`, or 0 if nobody asked then.
    pub(crate) source: u32,
    /// That of its contents, if a policy asked for it.
    pub(crate) digest: Option<Digest>,
}

impl Origin {
    /// In a word.
    pub(crate) fn source(&self) -> &'static str {
        match self.source {
            abi::KRSI_MODULE_FILE => "file",
            abi::KRSI_MODULE_MEMORY => "memory",
            _ => "unknown",
        }
    }
}

/// The notes.
pub(crate) struct Loads {
    /// Whether every load that begins is told of.
    open: bool,
    notes: [Option<(TaskKey, Origin)>; NOTES],
    next: usize,
}

impl Loads {
    /// None.
    pub(crate) const fn new() -> Self {
        Self {
            open: false,
            notes: [None; NOTES],
            next: 0,
        }
    }

    /// From now on every load is told of, or no more: then what is noted may be of another one.
    pub(crate) fn open(&mut self, open: bool) {
        if self.open != open {
            *self = Self {
                open,
                ..Self::new()
            };
        }
    }

    /// A task loads a module.
    pub(crate) fn note(&mut self, task: TaskKey, origin: Origin) {
        if !self.open {
            return;
        }
        self.take(task);
        if let Some(note) = self.notes.get_mut(self.next) {
            *note = Some((task, origin));
        }
        self.next = (self.next + 1) % NOTES;
    }

    /// The module that a task loads comes.
    pub(crate) fn take(&mut self, task: TaskKey) -> Origin {
        let mut notes = self.notes.iter_mut();
        let own = notes.find(|note| note.is_some_and(|(owner, _)| owner == task));
        own.and_then(Option::take)
            .map_or(Origin::default(), |(_, origin)| origin)
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_loads)]
mod tests {
    use super::*;

    fn origin(n: u8) -> Origin {
        Origin {
            source: abi::KRSI_MODULE_FILE,
            digest: Some([n; 32]),
        }
    }

    fn opened() -> Loads {
        let mut loads = Loads::new();
        loads.open(true);
        loads
    }

    #[test]
    fn a_task_gets_what_it_loads_last_and_once() {
        let mut loads = opened();
        let (one, other) = (TaskKey::new(1), TaskKey::new(2));
        loads.note(one, origin(1));
        loads.note(other, origin(2));
        loads.note(one, origin(3));
        assert!(loads.take(one) == origin(3));
        assert!(loads.take(one) == Origin::default());
        assert!(loads.take(other) == origin(2));
    }

    #[test]
    fn too_many_at_once_are_unknown_and_never_mistaken() {
        let mut loads = opened();
        for n in 0..=NOTES {
            loads.note(TaskKey::new(n + 1), origin(n as u8));
        }
        assert!(loads.take(TaskKey::new(1)) == Origin::default());
        for n in 1..=NOTES {
            assert!(loads.take(TaskKey::new(n + 1)) == origin(n as u8));
        }
    }

    #[test]
    fn nothing_is_kept_while_loads_are_not_told_of() {
        let mut loads = opened();
        loads.note(TaskKey::new(1), origin(1));
        loads.open(false);
        loads.note(TaskKey::new(2), origin(2));
        loads.open(true);
        assert!(loads.take(TaskKey::new(1)) == Origin::default());
        assert!(loads.take(TaskKey::new(2)) == Origin::default());
    }
}
