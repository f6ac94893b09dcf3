// SPDX-License-Identifier: GPL-2.0

//! What the LSM keeps of a BPF program.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use super::blob;
use crate::boundary::prog::Prog;
use core::mem::size_of;
use kernel::sync::atomic::Atomic;

/// The LSM's part of a program's blob.
pub(crate) struct ProgState {
    /// Which groups of kfuncs it calls, one bit each.
    pub(crate) kfunc_groups: Atomic<u32>,
}

const _: () = assert!(size_of::<ProgState>() <= blob::PROG_SIZE as usize);

/// What is kept of a program; `None` before `bpf_prog_load` and after `bpf_prog_free`.
pub(crate) fn of(prog: &Prog) -> Option<&ProgState> {
    // SAFETY: The composite blob, zeroed at its allocation, lives as long as the program is known
    // to LSMs; the size is checked above, and zero is valid for atomics.
    unsafe { blob::prog(prog.security()) }
}
