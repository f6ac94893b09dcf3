// SPDX-License-Identifier: GPL-2.0

//! The ops: the members of `struct krsi_ops` that are programs, with what is fixed about each.
//!
//! A new op is a member in the C header, a stub in `krsi_btf.c` and an entry here; the compiler
//! then asks for the behaviour that fires it.

use crate::boundary::lsm_hooks::Hook;
use core::mem::offset_of;
use kernel::{
    bindings,
    prelude::*, //
};

/// An op as a type: what a program of it is called with.
pub(crate) trait OpType {
    /// The public context.
    type Context;
    /// Which op this is.
    const OP: Op;

    /// Calls the member of `ops`; `None` if the policy has none.
    ///
    /// An op that can't deny answers 0.
    ///
    /// # Safety
    ///
    /// `ops` points to the kernel's side of an attached struct_ops map that stays referenced
    /// during the call; `context` is the public part of an `Event`; the caller may sleep if the
    /// op's table entry says that programs may.
    unsafe fn call(ops: *const bindings::krsi_ops, context: *mut Self::Context) -> Option<c_int>;

    /// The flags of the context of which policies before ABI 3 are told more.
    fn flags(context: &mut Self::Context) -> Option<&mut u32>;

    /// The strings of the context that name what the event is about, besides its file, each with
    /// its key in audit records.
    fn names(context: &Self::Context) -> impl Iterator<Item = (&'static str, &[u8])>;
}

macro_rules! ops {
    ($(
        $(#[$doc:meta])*
        $name:ident = $index:literal {
            call: $member:ident($context:ident) -> $ret:ident,
            may_sleep: $sleep:literal,
            $(more_flags: $flags:ident,)?
            $(names: [$($key:literal: $string:ident),*],)?
            hooks: [$($hook:ident),*],
        }
    )*) => {
        /// Names an op at run time.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Op { $( $(#[$doc])* $name = $index, )* }

        impl Op {
            /// All ops, in the order of `struct krsi_ops`.
            pub(crate) const ALL: [Op; [$($index),*].len()] = [$(Op::$name),*];

            /// What is fixed about it.
            pub(crate) const fn spec(self) -> &'static OpSpec {
                match self { $(
                    Op::$name => &OpSpec {
                        name: stringify!($member),
                        offset: offset_of!(bindings::krsi_ops, $member),
                        may_sleep: $sleep,
                        can_deny: ops!(@denies $ret),
                        hooks: &[$(Hook::$hook),*],
                    },
                )* }
            }
        }

        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl OpType for $name {
                type Context = bindings::$context;
                const OP: Op = Op::$name;

                #[inline]
                unsafe fn call(
                    ops: *const bindings::krsi_ops,
                    context: *mut Self::Context,
                ) -> Option<c_int> {
                    // SAFETY: `ops` is valid and its members don't change after registration;
                    // the member is a trampoline made for this prototype, and lives as long as
                    // the map, which the caller keeps referenced.
                    unsafe { (*ops).$member.map(|run| ops!(@answer $ret run(context))) }
                }

                fn flags(_context: &mut Self::Context) -> Option<&mut u32> {
                    [$(&mut _context.$flags)?].into_iter().next()
                }

                fn names(
                    _context: &Self::Context,
                ) -> impl Iterator<Item = (&'static str, &[u8])> {
                    [$($(($key, _context.$string.as_slice())),*)?].into_iter()
                }
            }
        )*
    };
    (@denies verdict) => { true };
    (@denies nothing) => { false };
    (@answer verdict $call:expr) => { $call };
    (@answer nothing $call:expr) => {{ $call; 0 }};
}

/// What is fixed about an op.
pub(crate) struct OpSpec {
    /// Its name, as in `struct krsi_ops`.
    pub(crate) name: &'static str,
    /// Its offset in `struct krsi_ops`, bytes.
    pub(crate) offset: usize,
    /// Whether a program may be sleepable: false where locks are held.
    pub(crate) may_sleep: bool,
    /// Whether what its programs return is a verdict.
    pub(crate) can_deny: bool,
    /// The LSM hooks that lead to it; none if a worker tells of it.
    pub(crate) hooks: &'static [Hook],
}

impl OpSpec {
    /// Whether a worker tells of it, later than it happened and not in the task that did it.
    pub(crate) const fn is_told_by_worker(&self) -> bool {
        self.hooks.is_empty()
    }
}

ops! {
    /// A file is about to be executed.
    ProcessExec = 0 {
        call: process_exec(krsi_exec) -> verdict,
        may_sleep: true,
        more_flags: flags,
        hooks: [BprmCredsForExec, BprmCheckSecurity],
    }
    /// The new program's credentials are in force.
    ProcessExecuted = 1 {
        call: process_executed(krsi_executed) -> nothing,
        may_sleep: true,
        hooks: [BprmCommittedCreds],
    }
    /// A name of a file goes away.
    FileUnlink = 2 {
        call: file_unlink(krsi_unlink) -> verdict,
        may_sleep: false,
        hooks: [PathUnlink, PathRename, InodeUnlink, InodeRename, TaskFree],
    }
    /// A name of a file that is being executed, or has been, goes away.
    ExecutableUnlink = 3 {
        call: executable_unlink(krsi_exec_unlink) -> verdict,
        may_sleep: false,
        hooks: [
            PathUnlink, PathRename, InodeUnlink, InodeRename, TaskFree,
            BprmCheckSecurity, BprmCommittedCreds, TaskAlloc, MmapFile, InodeFree
        ],
    }
    /// A module's init has succeeded.
    ModuleLive = 4 {
        call: module_live(krsi_module) -> nothing,
        may_sleep: true,
        hooks: [],
    }
    /// A module that was live is unloaded.
    ModuleGone = 5 {
        call: module_gone(krsi_module) -> nothing,
        may_sleep: true,
        hooks: [],
    }
    /// A module hides, otherwise than before, or no more.
    ModuleHidden = 6 {
        call: module_hidden(krsi_module_hidden) -> nothing,
        may_sleep: true,
        hooks: [],
    }
    /// A filesystem takes a device, is mounted or changed; or something is swapped to.
    Mount = 7 {
        call: mount(krsi_mount) -> verdict,
        may_sleep: false,
        names: ["device": device, "fs_type": fs_type],
        hooks: [SbOpenBdev, SbKernMount, SbReconfigure, Swapon],
    }
    /// A module is about to be loaded.
    ModuleLoad = 8 {
        call: module_load(krsi_module_load) -> verdict,
        may_sleep: true,
        names: ["module": name],
        hooks: [KernelPostReadFile, KernelPostLoadData],
    }
    /// The kernel asks for a module.
    ModuleRequest = 9 {
        call: module_request(krsi_module_request) -> verdict,
        may_sleep: true,
        names: ["alias": alias],
        hooks: [KernelModuleRequest],
    }
    /// A file is mapped executable.
    FileMapExec = 10 {
        call: file_map_exec(krsi_map_exec) -> verdict,
        may_sleep: false,
        hooks: [MmapFile, FileMprotect],
    }
}

impl Op {
    /// How many there are.
    pub(crate) const COUNT: usize = Op::ALL.len();

    /// The op whose member is at this offset of `struct krsi_ops`.
    pub(crate) fn at(offset: usize) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.spec().offset == offset)
    }

    /// Its index in tables of `COUNT` entries.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}
