// SPDX-License-Identifier: GPL-2.0

//! The behaviour `module_request`: the kernel asks for a module.
//!
//! Before modprobe is started, in the task for which the kernel asks. Process context; may sleep,
//! whatever the asker holds: it waits for modprobe next.

use super::load::padded;
use crate::{
    bpf::{
        abi::ModuleRequest as Context,
        event::{
            About,
            Event,
            Subject, //
        },
        ops::{
            ModuleRequest,
            Op, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    }, //
};
use kernel::prelude::*;

/// Tells the policies; with a denial modprobe is not started.
pub(crate) fn run(alias: &CStr) -> Result {
    if !lists::is_wanted(Op::ModuleRequest) {
        return Ok(());
    }
    let context = Context {
        alias: padded(alias.to_bytes()),
        ..Default::default()
    };
    dispatch::<ModuleRequest>(&Event::new(Subject::None, About::Nothing, context))
}
