// SPDX-License-Identifier: GPL-2.0

//! Tells of a module, by a line in the kernel log and to the policies, with no lock held.

use super::{
    compare::Finding,
    words::{
        Alterations,
        Views, //
    }, //
};
use crate::{
    boundary::{
        escape::Escaped,
        module::{
            Range,
            CORE,
            DATA,
            NAME_SIZE,
            TEXT, //
        }, //
    },
    bpf::{
        abi,
        event::{
            About,
            Event,
            Subject, //
        },
        ops::{
            ModuleGone,
            ModuleHidden,
            ModuleLive,
            OpType, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::prelude::*;

/// What is to be told of a module, by value: its row may be gone when it is.
pub(crate) struct News {
    pub(crate) live: bool,
    pub(crate) gone: bool,
    /// It is live though GOING had been heard.
    pub(crate) reopened: bool,
    /// What is wrong now, and what was told last.
    pub(crate) hidden: Option<(Finding, Finding)>,
    pub(crate) name: [u8; NAME_SIZE],
    pub(crate) core: [Range; CORE],
    pub(crate) loader: abi::ModuleLoader,
    pub(crate) expected: u32,
    pub(crate) age: u64,
    pub(crate) hidden_for: u64,
    pub(crate) unseen_for: u64,
}

impl News {
    /// Tells all of it, in the order in which it happened.
    pub(crate) fn tell(&self) {
        if self.reopened {
            pr_warn!(
                "module {} is live though a notifier had it said to be going\n",
                Escaped(&self.name)
            );
        }
        if self.live {
            dispatch_if_wanted::<ModuleLive>(|| self.module());
        }
        if let Some((found, before)) = self.hidden {
            self.log(found, before);
            dispatch_if_wanted::<ModuleHidden>(|| self.module_hidden(found));
        }
        if self.gone {
            dispatch_if_wanted::<ModuleGone>(|| self.module());
        }
    }

    fn log(&self, found: Finding, before: Finding) {
        let name = Escaped(&self.name);
        let comm = Escaped(&self.loader.comm);
        let (pid, uid) = (self.loader.pid, self.loader.uid);
        if found.is_nothing() {
            pr_warn!(
                "module {name} is back: was missing from {}; altered {}; loaded by {comm} pid {pid} uid {uid}\n",
                Views(before.missing),
                Alterations(before.altered)
            );
        } else {
            pr_warn!(
                "module {name} is hidden: missing from {}; altered {}; loaded by {comm} pid {pid} uid {uid}\n",
                Views(found.missing),
                Alterations(found.altered)
            );
        }
    }

    fn module(&self) -> abi::Module {
        let (text, data) = (self.core[TEXT], self.core[DATA]);
        abi::Module {
            name: self.name,
            text: text.start as u64,
            text_size: text.size as u64,
            data: data.start as u64,
            data_size: data.size as u64,
            loader: self.loader,
            ..Default::default()
        }
    }

    fn module_hidden(&self, found: Finding) -> abi::ModuleHidden {
        let module = self.module();
        abi::ModuleHidden {
            name: module.name,
            text: module.text,
            text_size: module.text_size,
            data: module.data,
            data_size: module.data_size,
            loader: module.loader,
            expected: self.expected,
            missing: found.missing,
            altered: found.altered,
            age: self.age,
            hidden_for: self.hidden_for,
            unseen_for: self.unseen_for,
            ..Default::default()
        }
    }
}

fn dispatch_if_wanted<O: OpType>(context: impl FnOnce() -> O::Context) {
    if lists::is_wanted(O::OP) {
        // An op that can't deny answers Ok: its programs return nothing.
        let _ = dispatch::<O>(&Event::new(Subject::None, About::Nothing, context()));
    }
}
