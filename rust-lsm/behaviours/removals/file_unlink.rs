// SPDX-License-Identifier: GPL-2.0

//! The behaviour `file_unlink`: a name of a file goes away.
//!
//! Once for each attempt that permissions allow, whatever way it comes: unlink, a rename over the
//! name, io_uring, nfsd, the kernel itself. The inodes of directory and victim are locked, so
//! programs must not sleep.

use super::removal::Removal;
use crate::{
    bpf::{
        abi::{
            Unlink,
            HEADER, //
        },
        ops::FileUnlink, //
    },
    policy::dispatch::dispatch, //
};
use kernel::prelude::*;

/// Tells the policies; the answer is the removal's. Called while the op is wanted.
#[inline(always)]
pub(crate) fn run(removal: &Removal<'_>) -> Result {
    let context = Unlink {
        how: removal.how(),
        flags: removal.flags(),
        links_left: removal.links_left(),
        reserved: 0,
        event: HEADER,
    };

    dispatch::<FileUnlink>(&removal.event(context))
}
