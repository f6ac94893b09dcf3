// SPDX-License-Identifier: GPL-2.0

//! `struct krsi_ops` as a BPF struct_ops type: what the BPF core asks is answered by admission,
//! what it attaches goes to the registry.

use super::{
    admission,
    registry, //
};
use crate::bpf::{
    abi::OpsHeader,
    struct_ops::{
        LinkKey,
        OpsRef,
        StructOps,
        Type, //
    }, //
};
use kernel::prelude::*;

/// The type of all policies.
pub(crate) static TYPE: Type = Type::new::<Policies>();

struct Policies;

impl StructOps for Policies {
    fn check_member(offset: usize, sleepable: bool) -> Result {
        admission::member(offset, sleepable)
    }

    fn check_header(header: &OpsHeader) -> Result {
        admission::header(header)
    }

    fn attach(ops: OpsRef, link: Option<LinkKey>) -> Result {
        registry::attach(ops, link)
    }

    fn update(ops: OpsRef, link: LinkKey) -> Result {
        registry::update(ops, link)
    }

    fn detach(link: LinkKey) {
        registry::detach(link);
    }
}
