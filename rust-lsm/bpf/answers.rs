// SPDX-License-Identifier: GPL-2.0

//! What has been found out for an event so far, for kfuncs to answer: each at most once.
//!
//! Which answers are there is a bit each of one byte. So an event that is asked nothing, as most
//! are, writes one byte for all of them.

use super::abi::Digest;
use crate::{
    boundary::name::Leads,
    file_digest, //
};
use core::{
    cell::{
        Cell,
        UnsafeCell, //
    },
    mem::{
        needs_drop,
        MaybeUninit, //
    }, //
};
use kernel::prelude::*;

/// Room for an answer.
struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Slot<T> {
    #[inline(always)]
    fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

/// A question: its answer's type, bit and room.
pub(super) trait Question {
    /// Nothing has to be dropped of it.
    type Answer;
    #[doc(hidden)]
    const BIT: u8;
    #[doc(hidden)]
    fn slot(answers: &Answers) -> *mut Self::Answer;
}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($field:ident: $answer:ty) = $bit:literal,)*) => {
        /// The answers. Only the task that raised the event uses them.
        ///
        /// # Invariants
        ///
        /// A slot is initialised if `known` has its bit, and no bit is ever cleared.
        pub(super) struct Answers {
            known: Cell<u8>,
            $($field: Slot<$answer>,)*
        }

        impl Answers {
            /// None yet. No constant, as that would be copied with its slots.
            #[inline(always)]
            pub(super) fn new() -> Self {
                Self {
                    known: Cell::new(0),
                    $($field: Slot::new(),)*
                }
            }
        }

        $($(#[$doc])*
        pub(super) enum $name {}

        impl Question for $name {
            type Answer = $answer;
            const BIT: u8 = 1 << $bit;

            #[inline]
            fn slot(answers: &Answers) -> *mut $answer {
                answers.$field.0.get().cast()
            }
        })*
    };
}

questions! {
    /// Whether an exec's file carries set-id bits or capabilities.
    IsPrivileged(is_privileged: bool) = 0,
    /// Where its name leads.
    NameNow(name_now: Leads) = 1,
    /// The digest of a file.
    FileDigest(digest: Result<Digest>) = 2,
    /// The marks in a file.
    FileMarks(marks: file_digest::Marks) = 3,
}

impl Answers {
    /// The answer, if it is there.
    #[inline]
    pub(super) fn get<Q: Question>(&self) -> Option<&Q::Answer> {
        if self.known.get() & Q::BIT == 0 {
            return None;
        }
        // SAFETY: It is initialised, by the type invariants, and is not written to again.
        Some(unsafe { &*Q::slot(self) })
    }

    /// The answer; found now if it is not there.
    pub(super) fn get_or_find<Q: Question>(&self, find: impl FnOnce() -> Q::Answer) -> &Q::Answer {
        const { assert!(!needs_drop::<Q::Answer>()) };
        if let Some(answer) = self.get::<Q>() {
            return answer;
        }
        let found = find();
        // Who asked the same meanwhile may have a reference to what was found then.
        if self.known.get() & Q::BIT == 0 {
            // SAFETY: There is room for it, to which nobody has a reference.
            unsafe { Q::slot(self).write(found) };
            // INVARIANT: It was just written.
            self.known.set(self.known.get() | Q::BIT);
        }
        // SAFETY: As in `get`.
        unsafe { &*Q::slot(self) }
    }
}
