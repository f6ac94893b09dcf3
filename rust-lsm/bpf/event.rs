// SPDX-License-Identifier: GPL-2.0

//! An event: the public context that programs see, and what stands behind it for kfuncs.
//!
//! The kernel's objects lie in front of the public struct, at the same distance for every
//! context, so that a kfunc that is handed any context finds them from its header.

use super::{
    abi::{
        Digest,
        EventHeader,
        UsbId,
        KRSI_EXEC_PRIVILEGED,
        KRSI_EXEC_TORN,
        KRSI_REASON_SIZE, //
    },
    answers::{
        Answers,
        FileDigest,
        FileMarks,
        IsPrivileged,
        NameNow, //
    },
    kfunc::{
        Group,
        Needs, //
    },
    ops::OpType, //
};
use crate::{
    args::Args,
    boundary::{
        arg_pages::ArgPages,
        bprm::Bprm,
        contents::Contents,
        file,
        name::Leads,
        place::Place,
        prog_mem::ProgMem, //
    },
    file_digest::{
        self,
        Marks, //
    },
    module_contents::ModuleContents, //
};
use core::{
    cell::{
        Cell,
        OnceCell,
        UnsafeCell, //
    },
    marker::PhantomData,
    mem::{
        align_of,
        offset_of,
        MaybeUninit, //
    },
};
use kernel::{
    alloc::Flags,
    fs::File,
    mm::virt::VmaRef,
    prelude::*, //
};

/// Facts of an exec that cost.
pub(crate) trait ExecFacts {
    /// The exec.
    fn bprm(&self) -> &Bprm;

    /// Those among `wanted`, of `KRSI_EXEC_*`, that hold; what else is in it is left out. Doesn't
    /// sleep.
    fn among(&self, wanted: u32) -> u32;

    /// Whether the file carries set-id bits or capabilities. Sleeps.
    fn is_privileged(&self) -> bool;

    /// Where the file's name leads. Sleeps.
    fn name_now(&self) -> Leads;
}

/// What an event is about, besides its file.
pub(crate) enum About<'a> {
    /// Nothing else.
    Nothing,
    /// A name that goes away, by its path with a NUL, or why that is not known: the hook is too late to
    /// ask.
    Removal(Result<&'a [u8]>),
    /// An exec, whose arguments and environment can be read, by what can be asked about it.
    Exec(&'a dyn ExecFacts),
    /// The module that is being loaded.
    Module(&'a ModuleContents<'a>),
    /// A mount, by the USB device that it stands on: `ENODATA` if on none, `E2BIG` if on several.
    Mount(Result<&'a UsbId>),
}

/// The file that an event is about.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// There is none.
    None,
    /// By a name alone.
    Place(Place<'a>),
    /// Open, so that its contents can be asked for.
    File(&'a File),
    /// The same, mapped by an area that is locked.
    Mapped(&'a File, &'a VmaRef),
}

/// What kfuncs find behind a context. Only the task that raised the event uses it.
///
/// # Invariants
///
/// `reason` is initialised if `noted` has `REASON`.
pub(crate) struct Behind<'a> {
    subject: Subject<'a>,
    about: About<'a>,
    args: OnceCell<Result<Args<ArgPages>>>,
    answers: Answers,
    /// `FAILED`, `REASON`.
    noted: Cell<u8>,
    /// Why a program denies. Nothing of it is written before there is one.
    reason: Cell<MaybeUninit<[u8; REASON_SIZE]>>,
}

/// With a NUL.
const REASON_SIZE: usize = KRSI_REASON_SIZE as usize;

/// What can be noted of a run: that a kfunc could not answer, that there is a reason.
const FAILED: u8 = 1 << 0;
const REASON: u8 = 1 << 1;

impl<'a> Behind<'a> {
    /// Makes available what the kfuncs of these groups answer, once an event. Called before programs
    /// run, as it may fault pages in, read a file and sleep. An error is kept for the kfuncs to
    /// answer; but for arguments that can't be had the needs are met, which is answered.
    pub(crate) fn prepare(&self, needs: Needs) -> Needs {
        if let (true, Ok(facts)) = (needs.has(Group::Exec), self.facts()) {
            self.args.get_or_init(|| {
                let bprm = facts.bprm();
                let pages = ArgPages::collect(bprm)?;
                Ok(Args::new(pages, bprm.argc(), bprm.envc()))
            });
        }
        if needs.has(Group::Privileged) {
            let _ = self.is_privileged();
        }
        if needs.has(Group::Name) {
            let _ = self.name_now();
        }
        // Which file holds the contents is looked for only where they are asked for.
        if needs.has(Group::Digest) || needs.has(Group::Memfd) && self.is_memfd() {
            if let Some(contents) = self.contents() {
                let digest = || file_digest::sha256(&contents).map(Digest::from);
                self.answers.get_or_find::<FileDigest>(digest);
            }
        }
        if needs.has(Group::Marks) {
            if let Some(contents) = self.contents() {
                let marks = || file_digest::marks(&contents);
                self.answers.get_or_find::<FileMarks>(marks);
            }
        }
        if let (true, Ok(module)) = (needs.has(Group::ModuleDigest), self.module()) {
            module.prepare();
        }
        needs.prepared_but(self.lacks_args().then_some(Group::Exec))
    }

    /// What can be asked about an exec; `ENODATA` if this is none.
    pub(crate) fn facts(&self) -> Result<&'a dyn ExecFacts> {
        match self.about {
            About::Exec(facts) => Ok(facts),
            _ => Err(ENODATA),
        }
    }

    /// Whether an exec's file carries set-id bits or capabilities. Sleeps if it was not prepared.
    pub(crate) fn is_privileged(&self) -> Result<bool> {
        let facts = self.facts()?;
        Ok(*self
            .answers
            .get_or_find::<IsPrivileged>(|| facts.is_privileged()))
    }

    /// The flags of an exec that are asked for, which policies before ABI 3 are told. Sleeps.
    pub(crate) fn asked_flags(&self) -> Result<u32> {
        let privileged = if self.is_privileged()? {
            KRSI_EXEC_PRIVILEGED
        } else {
            0
        };
        Ok(self.facts()?.among(u32::MAX) | privileged)
    }

    /// Where the name of an exec's file leads. Sleeps if it was not prepared.
    pub(crate) fn name_now(&self) -> Result<Leads> {
        let facts = self.facts()?;
        Ok(*self.answers.get_or_find::<NameNow>(|| facts.name_now()))
    }

    /// Whether the arguments could not be made available.
    pub(crate) fn lacks_args(&self) -> bool {
        matches!(self.args.get(), Some(Err(_)))
    }

    /// The prepared digest; `ENODATA` if nothing was prepared. Never sleeps.
    pub(crate) fn digest(&self) -> Result<&Digest> {
        self.answers
            .get::<FileDigest>()
            .ok_or(ENODATA)?
            .as_ref()
            .map_err(|e| *e)
    }

    /// The same; `ENODATA` as well if the file is no memfd.
    pub(crate) fn memfd_digest(&self) -> Result<&Digest> {
        if self.is_memfd() {
            self.digest()
        } else {
            Err(ENODATA)
        }
    }

    /// What was prepared of the file's marks; `ENODATA` if nothing was. Never sleeps.
    pub(crate) fn marks(&self) -> Result<&Marks> {
        self.answers.get::<FileMarks>().ok_or(ENODATA)
    }

    /// The file that the event is about; `ENODATA` if it has none.
    pub(crate) fn place(&self) -> Result<Place<'a>> {
        match self.subject {
            Subject::None => Err(ENODATA),
            Subject::Place(place) => Ok(place),
            Subject::File(file) | Subject::Mapped(file, _) => Ok(Place::of(file)),
        }
    }

    /// What can be read of the file; `None` if it is not open.
    fn contents(&self) -> Option<Contents<'a>> {
        match self.subject {
            Subject::None | Subject::Place(_) => None,
            Subject::File(file) => Some(Contents::of(file, None)),
            Subject::Mapped(file, area) => Some(Contents::of(file, Some(area))),
        }
    }

    fn is_memfd(&self) -> bool {
        match self.subject {
            Subject::None | Subject::Place(_) => false,
            Subject::File(file) | Subject::Mapped(file, _) => file::is_memfd(file),
        }
    }

    /// The USB device that the mount stands on; `ENODATA` if it is another event.
    pub(crate) fn usb(&self) -> Result<&'a UsbId> {
        match self.about {
            About::Mount(usb) => usb,
            _ => Err(ENODATA),
        }
    }

    /// Writes the file's path with its NUL to a program's memory; answers its length.
    ///
    /// `ENODATA` if it is not known, `ENAMETOOLONG` if it doesn't fit; the memory is then an empty
    /// string. Doesn't sleep.
    pub(crate) fn path(&self, out: &ProgMem<'_>) -> Result<usize> {
        let About::Removal(path) = self.about else {
            return self.place()?.path(out);
        };
        let fits = |path: &[u8]| path.len() <= out.len();
        match path.and_then(|path| fits(path).then_some(path).ok_or(ENAMETOOLONG)) {
            Ok(path) => Ok(out.write(0, path).saturating_sub(1)),
            Err(e) => {
                out.write(0, &[0]);
                Err(e)
            }
        }
    }

    /// The same for KRSI itself, in memory of its own.
    pub(crate) fn path_string(&self, memory: Flags) -> Result<KVec<u8>> {
        let About::Removal(path) = self.about else {
            return self.place()?.path_string(memory);
        };
        let mut copy = KVec::new();
        copy.extend_from_slice(path?, memory)?;
        Ok(copy)
    }

    /// The prepared arguments; `ENODATA` if nothing was prepared. Never sleeps.
    pub(crate) fn args(&self) -> Result<&Args<ArgPages>> {
        match self.args.get() {
            Some(Ok(args)) => Ok(args),
            Some(Err(e)) => Err(*e),
            None => Err(ENODATA),
        }
    }

    /// Whether the program that ran last noted anything: a failure or a reason.
    #[inline]
    pub(crate) fn is_noted(&self) -> bool {
        self.noted.get() != 0
    }

    /// What a program did is judged: what it noted is forgotten, before the next one runs.
    pub(crate) fn end_run(&self) {
        self.noted.set(0);
    }

    /// Keeps why the program that is running now will deny, for its record: up to the first NUL,
    /// and what there is room for. Answers how many bytes that is.
    pub(crate) fn set_reason(&self, text: &ProgMem<'_>) -> usize {
        let mut bytes = [0; REASON_SIZE];
        text.read(&mut bytes[..REASON_SIZE - 1]);
        let len = bytes.iter().take_while(|byte| **byte != 0).count();
        bytes[len..].fill(0);
        // INVARIANT: There is one when it is noted.
        self.reason.set(MaybeUninit::new(bytes));
        self.note(REASON);
        len
    }

    /// What the program that ran last gave as its reason, with a NUL.
    pub(crate) fn reason(&self) -> [u8; REASON_SIZE] {
        if self.noted.get() & REASON != 0 {
            // SAFETY: By the type's invariants.
            unsafe { self.reason.get().assume_init() }
        } else {
            [0; REASON_SIZE]
        }
    }

    /// The module that is being loaded; `ENODATA` if it is another event.
    pub(crate) fn module(&self) -> Result<&'a ModuleContents<'a>> {
        match self.about {
            About::Module(module) => Ok(module),
            _ => Err(ENODATA),
        }
    }

    /// Notes that a kfunc could not answer the program that is running now.
    pub(crate) fn note_failure(&self) {
        self.note(FAILED);
    }

    /// Whether a kfunc could not answer the program that ran last.
    pub(crate) fn has_failed(&self) -> bool {
        self.noted.get() & FAILED != 0
    }

    fn note(&self, what: u8) {
        self.noted.set(self.noted.get() | what);
    }
}

/// A context `C` with what stands behind it.
///
/// # Invariants
///
/// `C` begins with a `krsi_event` and is aligned like it, so that `public` has the same offset in
/// every `Event`.
#[repr(C)]
pub(crate) struct Event<'a, C> {
    behind: Behind<'a>,
    public: UnsafeCell<C>,
}

impl<'a, C> Event<'a, C> {
    const ALIGNED: () = assert!(align_of::<C>() == align_of::<EventHeader>());

    /// Puts a context in front of the kernel's objects. All of it is made here and inlined, so that it
    /// is made where it stays: what is moved is copied whole, with the room for answers.
    #[inline(always)]
    pub(crate) fn new(subject: Subject<'a>, about: About<'a>, public: C) -> Self {
        let () = Self::ALIGNED;
        Self {
            behind: Behind {
                subject,
                about,
                args: OnceCell::new(),
                answers: Answers::new(),
                noted: Cell::new(0),
                reason: Cell::new(MaybeUninit::uninit()),
            },
            public: UnsafeCell::new(public),
        }
    }

    /// What stands behind it.
    pub(crate) fn behind(&self) -> &Behind<'a> {
        &self.behind
    }

    /// The context.
    pub(crate) fn public(&self) -> &C {
        // SAFETY: It is only changed by `change_flags`, while nobody has this reference.
        unsafe { &*self.public.get() }
    }

    /// The context to call a program with. Programs only read it.
    ///
    /// The pointer carries the provenance of the whole event, for `Behind::of`.
    #[inline]
    pub(super) fn context(&self) -> *mut C {
        core::ptr::from_ref(self)
            .cast::<u8>()
            .wrapping_add(offset_of!(Self, public))
            .cast::<C>()
            .cast_mut()
    }
}

/// What a program of struct_ops is called with directly: an array of its arguments.
pub(crate) struct Arguments<'a, C>([u64; 1], PhantomData<&'a UnsafeCell<C>>);

impl<C> Arguments<'_, C> {
    #[inline]
    pub(super) fn as_ptr(&self) -> *const u64 {
        self.0.as_ptr()
    }
}

impl<C> Event<'_, C> {
    /// The arguments of its programs: the context.
    #[inline]
    pub(crate) fn arguments(&self) -> Arguments<'_, C> {
        Arguments([self.context() as u64], PhantomData)
    }

    /// Makes available what programs need, see [`Behind::prepare`]. Of an exec it is known then
    /// whether its strings are others than those that were counted; without their pages it is not,
    /// which is an error of each policy that reads.
    #[cold]
    #[inline(never)]
    pub(crate) fn prepare<O: OpType<Context = C>>(&self, needs: Needs) -> Needs {
        let ready = self.behind.prepare(needs);
        self.change_flags::<O>(|flags| {
            if self.behind.args().is_ok_and(Args::is_torn) {
                flags | KRSI_EXEC_TORN
            } else {
                flags
            }
        });
        ready
    }

    /// Calls `run` while the context has these flags, too, if it is one of which policies before
    /// ABI 3 are told more.
    pub(crate) fn with_flags<O: OpType<Context = C>, R>(
        &self,
        flags: u32,
        run: impl FnOnce() -> R,
    ) -> R {
        let before = self.change_flags::<O>(|before| before | flags);
        let result = run();
        if let Some(before) = before {
            self.change_flags::<O>(|_| before);
        }
        result
    }

    /// Changes the flags, if it has such; answers what they were.
    fn change_flags<O: OpType<Context = C>>(&self, change: impl FnOnce(u32) -> u32) -> Option<u32> {
        // SAFETY: Only the task that raised the event uses it, and no program runs now.
        let context = unsafe { &mut *self.public.get() };
        O::flags(context).map(|slot| core::mem::replace(slot, change(*slot)))
    }
}

impl Behind<'_> {
    /// What stands behind the context with this header.
    ///
    /// # Safety
    ///
    /// `header` is the header of a context that `Event::context` returned, and its event lives
    /// for `'b`. The verifier guarantees it to a kfunc: it accepts only the pointer that the
    /// program was called with, for no program can make a `struct krsi_event` of its own.
    pub(crate) unsafe fn of<'b>(header: *const EventHeader) -> &'b Behind<'b> {
        // CAST: `public` has one offset in every `Event`, by its invariants.
        let event = header
            .wrapping_byte_sub(offset_of!(Event<'static, EventHeader>, public))
            .cast::<Event<'b, EventHeader>>();
        // SAFETY: By the caller's guarantee this is an event that lives for `'b`; `behind` is at
        // its beginning, whatever its context.
        unsafe { &(*event).behind }
    }
}
