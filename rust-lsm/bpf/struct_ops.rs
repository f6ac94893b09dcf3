// SPDX-License-Identifier: GPL-2.0

//! The BPF struct_ops type `krsi_ops`: its registration and references to attached maps.
//!
//! The BPF core calls `reg`, `update` and an explicit detach under one mutex that all users of
//! struct_ops share; `unreg` at the last close of a link comes without it. None of them waits for
//! a program here.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use super::{
    abi::OpsHeader,
    event::{
        Arguments,
        Event, //
    },
    ops::{
        Op,
        OpType, //
    }, //
};
use crate::boundary::{
    per_cpu::PerCpuCounter,
    prog::Prog,
    srcu_list::ReadLock, //
};
use core::{
    cell::UnsafeCell,
    ffi::c_void,
    mem::size_of,
    ptr::{
        null,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::Arc, //
};

/// Those who use the type: what is registered calls them.
pub(crate) trait StructOps: 'static {
    /// Whether a program, sleepable or not, may be written for the member at `offset`.
    fn check_member(offset: usize, sleepable: bool) -> Result;

    /// Whether the fields before the ops are as they must be.
    fn check_header(header: &OpsHeader) -> Result;

    /// Attaches a map's programs; without a link for the old way of registering.
    fn attach(ops: OpsRef, link: Option<LinkKey>) -> Result;

    /// Puts a map's programs in the place of those that are attached by this link.
    fn update(ops: OpsRef, link: LinkKey) -> Result;

    /// Detaches what is attached by this link. Must not wait for programs.
    fn detach(link: LinkKey);
}

/// A reference to the kernel's side of a struct_ops map, and by it to its programs.
///
/// # Invariants
///
/// `ops` is the kernel's side of a krsi_ops map that is ready, and a reference of
/// `bpf_struct_ops_get` is held. `progs` are the programs of its members, which the map holds.
pub(crate) struct OpsRef {
    ops: *const bindings::krsi_ops,
    progs: [*const bindings::bpf_prog; Op::COUNT],
}

// SAFETY: The map is reference-counted and immutable once it is ready; its programs can run, and
// its last reference can be put, on any CPU.
unsafe impl Send for OpsRef {}
// SAFETY: As above.
unsafe impl Sync for OpsRef {}

impl OpsRef {
    /// Takes a reference.
    ///
    /// # Safety
    ///
    /// `kdata` is what the BPF core passed to `reg` or `update`.
    unsafe fn get(kdata: *const c_void) -> Result<Self> {
        // SAFETY: By the caller's guarantee this is the kernel's side of a map that is referenced
        // during the call.
        if !unsafe { bindings::bpf_struct_ops_get(kdata) } {
            return Err(ENOENT);
        }
        // INVARIANT: The reference was just taken; `note` fills in the programs.
        let mut this = Self {
            ops: kdata.cast(),
            progs: [null(); Op::COUNT],
        };
        // SAFETY: `kdata` as above; `note` is called with `this.progs` only, before it returns.
        to_result(unsafe {
            bindings::bpf_struct_ops_for_each_prog(kdata, Some(note), (&raw mut this.progs).cast())
        })?;
        Ok(this)
    }

    /// The fields before the ops.
    pub(crate) fn header(&self) -> &OpsHeader {
        // SAFETY: The map is referenced and no longer changes; `abi.rs` checks the layout.
        unsafe { &*self.ops.cast() }
    }

    /// The id of the map.
    pub(crate) fn map_id(&self) -> u32 {
        // SAFETY: `ops` is the kernel's side of a map, by the invariants.
        unsafe { bindings::bpf_struct_ops_id(self.ops.cast()) }
    }

    /// The program of an op.
    pub(crate) fn prog(&self, op: Op) -> Option<&Prog> {
        let prog = *self.progs.get(op.index())?;
        // SAFETY: The map holds its programs, by the invariants.
        (!prog.is_null()).then(|| unsafe { Prog::from_ptr(prog) })
    }

    /// Runs the program of an op on a context, through the trampoline that BPF made for it: for
    /// one that may sleep, in no [`Section`].
    ///
    /// `EBUSY` if the program may not be run, because an extension has replaced a part of it.
    pub(crate) fn call<O: OpType>(&self, event: &Event<'_, O::Context>) -> Result<c_int> {
        if self.prog(O::OP).is_none_or(Prog::is_extended) {
            return Err(EBUSY);
        }
        // SAFETY: The map is referenced, and the context is that of an event, which lives during
        // the call.
        unsafe { O::call(self.ops, event.context()) }.ok_or(EBUSY)
    }
}

/// A program of an attached map, found with what its runs are counted in and without a look at its
/// map, to be run in a [`Section`].
///
/// # Invariants
///
/// `prog` and `runs` are valid as long as `owner` is.
pub(crate) struct Direct<T> {
    prog: NonNull<bindings::bpf_prog>,
    runs: NonNull<u64>,
    owner: Arc<T>,
}

// SAFETY: What the pointers lead to can be used on any CPU, and so can the owner.
unsafe impl<T: Send + Sync> Send for Direct<T> {}
// SAFETY: As above.
unsafe impl<T: Send + Sync> Sync for Direct<T> {}

impl<T> Direct<T> {
    /// Finds both in what owns them; `None` if there is no program.
    pub(crate) fn new(
        owner: Arc<T>,
        find: impl for<'a> FnOnce(&'a T) -> Option<(&'a Prog, &'a PerCpuCounter)>,
    ) -> Option<Self> {
        let (prog, runs) = find(&owner)?;
        // INVARIANT: Both are borrowed from the owner, which is shared and so never changes nor moves.
        let (prog, runs) = (NonNull::from(prog).cast(), NonNull::new(runs.as_ptr())?);
        Some(Self { prog, runs, owner })
    }

    /// What owns them.
    #[inline]
    pub(crate) fn owner(&self) -> &T {
        &self.owner
    }

    /// Runs it on a context, directly, and counts the run. `EBUSY` as [`OpsRef::call`].
    #[inline(always)]
    pub(crate) fn run<O: OpType>(
        &self,
        arguments: &Arguments<'_, O::Context>,
        _section: &Section,
    ) -> Result<c_int> {
        let (prog, runs) = (self.prog.as_ptr(), self.runs.as_ptr());
        // SAFETY: The program is valid, by the invariants.
        if unsafe { Prog::from_ptr(prog) }.is_extended() {
            // SAFETY: As is the counter.
            unsafe { bindings::krsi_counter_increase(runs) };
            return Err(EBUSY);
        }
        // SAFETY: As above. The section is what it runs in; the arguments are those of an event of
        // its op, which lives during the call.
        let returned = unsafe { bindings::krsi_run(prog, arguments.as_ptr(), runs) };
        Ok(if O::OP.spec().can_deny { returned } else { 0 })
    }
}

/// What programs that don't sleep run in: one for all that run on an event, where BPF's trampolines
/// have one for each.
///
/// It is RCU and no migration, as `__bpf_prog_enter()` has them for such a program. Three things
/// more are in the trampoline of others. Two that of a program of struct_ops doesn't have either: a
/// guard against recursion, and what a tail call needs, which is refused. The third is the run context
/// of the task: what reads it are helpers and kfuncs of tracing programs, BPF LSM's among them, by
/// which they get their cookies and instruction pointers; `bpf_base_func_proto()` gives none of them
/// to ours. Statistics (`kernel.bpf_stats_enabled`) are kept by `krsi_run()` as well, and fentry on a
/// program goes on working, as that patches the program itself.
///
/// # Invariants
///
/// The current task is in a section, which `index` ends.
pub(crate) struct Section {
    index: *mut bindings::srcu_ctr,
    lists: ReadLock,
}

impl Section {
    /// Begins one, in which lists are read as well.
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        // INVARIANT: It is begun here.
        Self {
            // SAFETY: May be called wherever a behaviour is told of; dropping it is the end.
            index: unsafe { bindings::krsi_run_begin() },
            // SAFETY: The lists' domain is locked with it, and is until the end.
            lists: unsafe { ReadLock::new() },
        }
    }

    /// That lists are read.
    #[inline(always)]
    pub(crate) fn lists(&self) -> &ReadLock {
        &self.lists
    }

    /// Leaves the section for as long as `work` takes, which may sleep if the caller may. The lists
    /// are read on.
    #[inline(never)]
    pub(crate) fn pause<R>(&self, work: impl FnOnce() -> R) -> R {
        // SAFETY: By the type's invariants.
        unsafe { bindings::krsi_run_pause() };
        let result = work();
        // SAFETY: It was just left.
        unsafe { bindings::krsi_run_resume() };
        result
    }
}

impl Drop for Section {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type's invariants.
        unsafe { bindings::krsi_run_end(self.index) };
    }
}

impl Drop for OpsRef {
    fn drop(&mut self) {
        // SAFETY: By the invariants a reference is held. Putting it doesn't sleep.
        unsafe { bindings::bpf_struct_ops_put(self.ops.cast()) };
    }
}

/// # Safety
///
/// Called by `bpf_struct_ops_for_each_prog` with a program of the map and the array of
/// `OpsRef::get`.
unsafe extern "C" fn note(prog: *mut bindings::bpf_prog, data: *mut c_void) -> c_int {
    // SAFETY: By the caller's guarantee; nobody else uses the array meanwhile.
    let (progs, offset) = unsafe {
        (
            &mut *data.cast::<[*const bindings::bpf_prog; Op::COUNT]>(),
            Prog::from_ptr(prog).member_offset(),
        )
    };
    if let Some(slot) = Op::at(offset).and_then(|op| progs.get_mut(op.index())) {
        *slot = prog;
    }
    0
}

/// Names a link while it exists. Only compared: the link may be freed right after its detach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkKey(usize);

impl LinkKey {
    fn of(link: *const bindings::bpf_link) -> Option<Self> {
        (!link.is_null()).then_some(Self(link as usize))
    }
}

/// # Safety
///
/// Called by the BPF core at registration.
unsafe extern "C" fn init(_btf: *mut bindings::btf) -> c_int {
    0
}

/// # Safety
///
/// Called by the verifier with a member of `struct krsi_ops` and the program for it.
unsafe extern "C" fn check_member<T: StructOps>(
    t: *const bindings::btf_type,
    member: *const bindings::btf_member,
    prog: *const bindings::bpf_prog,
) -> c_int {
    // SAFETY: The verifier passes valid pointers.
    let (offset, prog) = unsafe {
        (
            bindings::krsi_member_offset(t, member) as usize,
            Prog::from_ptr(prog),
        )
    };
    from_result(|| T::check_member(offset, prog.sleepable()).map(|()| 0))
}

/// # Safety
///
/// Called by the BPF core for each member, with the user's and the kernel's struct.
unsafe extern "C" fn init_member<T: StructOps>(
    t: *const bindings::btf_type,
    member: *const bindings::btf_member,
    kdata: *mut c_void,
    udata: *const c_void,
) -> c_int {
    // SAFETY: The BPF core passes valid pointers.
    let offset = unsafe { bindings::krsi_member_offset(t, member) } as usize;
    if offset >= size_of::<OpsHeader>() {
        return 0;
    }
    // SAFETY: Both are `struct krsi_ops`, which begins with the header (checked in `abi.rs`); the
    // user's is the core's own copy, and nobody else uses either under the map's mutex.
    let (user, ops) = unsafe { (&*udata.cast::<OpsHeader>(), &mut *kdata.cast::<OpsHeader>()) };
    from_result(|| {
        T::check_header(user)?;
        *ops = *user;
        Ok(1)
    })
}

/// # Safety
///
/// Called by the BPF core under its mutex.
unsafe extern "C" fn reg<T: StructOps>(kdata: *mut c_void, link: *mut bindings::bpf_link) -> c_int {
    from_result(|| {
        // SAFETY: Passed by the BPF core to `reg`.
        let ops = unsafe { OpsRef::get(kdata) }?;
        T::attach(ops, LinkKey::of(link)).map(|()| 0)
    })
}

/// # Safety
///
/// Called by the BPF core, with or without its mutex.
unsafe extern "C" fn unreg<T: StructOps>(_kdata: *mut c_void, link: *mut bindings::bpf_link) {
    if let Some(link) = LinkKey::of(link) {
        T::detach(link);
    }
}

/// # Safety
///
/// Called by the BPF core under its mutex.
unsafe extern "C" fn update<T: StructOps>(
    kdata: *mut c_void,
    _old: *mut c_void,
    link: *mut bindings::bpf_link,
) -> c_int {
    from_result(|| {
        // SAFETY: Passed by the BPF core to `update`.
        let ops = unsafe { OpsRef::get(kdata) }?;
        T::update(ops, LinkKey::of(link).ok_or(EOPNOTSUPP)?).map(|()| 0)
    })
}

/// The type, to be a static.
///
/// # Invariants
///
/// Written by the BPF core alone, when it is registered.
#[repr(transparent)]
pub(crate) struct Type(UnsafeCell<bindings::bpf_struct_ops>);

// SAFETY: The BPF core synchronises what it does with it.
unsafe impl Sync for Type {}

impl Type {
    /// The type for `T`.
    pub(crate) const fn new<T: StructOps>() -> Self {
        Self(UnsafeCell::new(bindings::bpf_struct_ops {
            verifier_ops: &raw const bindings::krsi_verifier_ops,
            init: Some(init),
            check_member: Some(check_member::<T>),
            init_member: Some(init_member::<T>),
            reg: Some(reg::<T>),
            unreg: Some(unreg::<T>),
            update: Some(update::<T>),
            cfi_stubs: (&raw mut bindings::krsi_cfi_stubs).cast(),
            name: as_char_ptr_in_const_context(c"krsi_ops"),
            ..pin_init::zeroed()
        }))
    }

    /// Registers it. Once, from a late initcall, when BTF is there.
    pub(crate) fn register(&'static self) -> Result {
        // SAFETY: The static lives for ever, and its callbacks keep the BPF core's contracts.
        to_result(unsafe { bindings::krsi_register_struct_ops(self.0.get()) })
    }

    /// Whether a program is of this type. Known once the verifier has set its struct_ops, which
    /// is after the first pass over its calls.
    pub(crate) fn has(&'static self, prog: &Prog) -> bool {
        // SAFETY: `aux` is valid while the reference to the program lives.
        prog.is_struct_ops() && unsafe { (*prog.aux()).st_ops == self.0.get().cast_const() }
    }
}
