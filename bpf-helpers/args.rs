// SPDX-License-Identifier: GPL-2.0

//! The walker over an exec's arguments and environment.
//!
//! An exec's strings are one block: `argc` arguments, then `envc` environment strings, each ended
//! by a NUL, the last of them just where `bprm->exec` points to. They need not look like
//! `NAME=value`, may be empty, and come from whoever called execve. Who shares the caller's memory
//! can write to it between execve's measuring of a string and its copying, so that there are more
//! strings than were counted, or fewer: the block is *torn*.
//!
//! The new program gets its strings by their NULs, from the first on (`create_elf_tables()`), and
//! so do readers: the arguments are the first `argc` strings, or as many as there are, and all
//! that follows is the environment. Where strings are missing the block goes on with what lies
//! behind it, the file name, as it does for the new program. What has no NUL ends with it.

use crate::{
    asked::{
        Asked,
        Beginnings,
        ASKED, //
    },
    boundary::arg_pages::Strings,
    env_name::EnvName,
    nuls, //
};
use core::cell::{
    Cell,
    OnceCell, //
};
use kernel::prelude::*;

/// What a pass over the whole block has found.
#[derive(Clone, Copy)]
struct Layout {
    /// How many arguments there are.
    args: u32,
    /// Where the environment begins.
    env: usize,
    /// Where it ends.
    end: usize,
    /// Whether the strings are others than those that were counted.
    torn: bool,
}

/// Where each string of the environment begins that begins like one of some names: the variables
/// that the pass over the block has looked for meanwhile.
struct Places {
    names: Cell<Beginnings>,
    at: [Cell<u32>; Self::MOST],
    count: Cell<usize>,
}

impl Places {
    const MOST: usize = 8;

    const fn new() -> Self {
        Self {
            names: Cell::new(Beginnings::NONE),
            at: [const { Cell::new(0) }; Self::MOST],
            count: Cell::new(0),
        }
    }

    fn add(&self, at: usize) {
        let count = self.count.get();
        match (self.at.get(count), u32::try_from(at)) {
            (Some(place), Ok(at)) => {
                place.set(at);
                self.count.set(count + 1);
            }
            // So they are not all: as if none had been looked for.
            _ => self.names.set(Beginnings::NONE),
        }
    }

    /// Those that begin like this name among them, in order; `None` if it was not looked for.
    fn of(&self, name: Beginnings) -> Option<impl Iterator<Item = usize> + '_> {
        let at = self.at.get(..self.count.get())?;
        let known = self.names.get().has_all(name);
        known.then(|| at.iter().map(|at| at.get() as usize))
    }
}

/// The `n`-th of some strings, and where it begins.
#[derive(Clone, Copy)]
struct Place {
    n: u32,
    at: usize,
}

/// The strings of an exec.
pub(crate) struct Args<S> {
    strings: S,
    argc: u32,
    envc: u32,
    asked: &'static Asked,
    layout: OnceCell<Layout>,
    places: Places,
    /// The argument that was asked for last, and the string behind it, so that a loop over them is
    /// one walk.
    last_args: Cell<[Place; 2]>,
    /// The definition that was found last, of whichever name, for the same reason.
    last_definition: Cell<Option<Place>>,
}

/// A part of the block: bytes from an offset on.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    at: usize,
    /// Its length in bytes.
    pub(crate) len: usize,
}

impl<S: Strings> Args<S> {
    /// Wraps a block that is said to hold `argc` and `envc` strings.
    pub(crate) fn new(strings: S, argc: u32, envc: u32) -> Self {
        Self::with_asked(strings, argc, envc, &ASKED)
    }

    fn with_asked(strings: S, argc: u32, envc: u32, asked: &'static Asked) -> Self {
        Self {
            strings,
            argc,
            envc,
            asked,
            layout: OnceCell::new(),
            places: Places::new(),
            last_args: Cell::new([Place { n: 0, at: 0 }; 2]),
            last_definition: Cell::new(None),
        }
    }

    fn layout(&self) -> &Layout {
        self.layout.get_or_init(|| self.measure())
    }

    /// Passes over the whole block, once.
    fn measure(&self) -> Layout {
        let end = self.strings.counted();
        let args = self.skip(Place { n: 0, at: 0 }, self.argc, end);
        let names = self.asked.beginnings();
        self.places.names.set(names);
        let (envc, whole) = self.look(args.at, end, names, &mut |at| {
            self.places.add(at);
            true
        });
        let whole = whole && (args.at < end || self.ends_with_nul(end));
        if args.n < self.argc || envc < self.envc || !whole {
            return self.measure_with_name();
        }
        Layout {
            args: args.n,
            env: args.at,
            end,
            torn: envc > self.envc,
        }
    }

    /// The same where strings are missing, so that some lie behind those that were copied.
    #[cold]
    fn measure_with_name(&self) -> Layout {
        self.places.names.set(Beginnings::NONE);
        let end = self.strings.len();
        let args = self.skip(Place { n: 0, at: 0 }, self.argc, end);
        let all = self.skip(Place { n: 0, at: args.at }, self.envc, end);
        Layout {
            args: args.n,
            env: args.at,
            end: all.at.max(self.strings.counted()),
            torn: true,
        }
    }

    /// Whether the strings are others than `argc` arguments and `envc` environment strings, each
    /// with its NUL.
    pub(crate) fn is_torn(&self) -> bool {
        self.layout().torn
    }

    /// The bytes from `at` on, up to `end` or to some border before it.
    fn piece(&self, at: usize, end: usize) -> &[u8] {
        let chunk = self.strings.chunk(at);
        chunk.get(..end.saturating_sub(at)).unwrap_or(chunk)
    }

    fn ends_with_nul(&self, end: usize) -> bool {
        let last = end.checked_sub(1);
        last.is_some_and(|at| self.piece(at, end).first() == Some(&0))
    }

    /// From one string on to the `n`-th, or to `end`. The last one needs no NUL.
    fn skip(&self, from: Place, n: u32, end: usize) -> Place {
        let mut left = n.saturating_sub(from.n);
        let mut at = from.at;
        while left > 0 && at < end {
            let mut rest = self.piece(at, end);
            if rest.is_empty() {
                break;
            }
            at += rest.len();
            while let Some(behind) = nuls::behind_nul(rest) {
                rest = behind;
                left -= 1;
                if left == 0 {
                    at -= rest.len();
                    break;
                }
            }
        }
        if left > 0 && at > from.at && !self.ends_with_nul(at) {
            left -= 1;
        }
        Place { n: n - left, at }
    }

    /// Counts the NULs from `at` to `end`, and calls `candidate` with where each string begins that
    /// may begin with one of `names`, in order, until it answers false. Whether the last byte is a
    /// NUL, too, if it never does and there are any.
    fn look(
        &self,
        mut at: usize,
        end: usize,
        names: Beginnings,
        candidate: &mut dyn FnMut(usize) -> bool,
    ) -> (u32, bool) {
        let pass = |first| names.exclude(first);
        let mut count = 0;
        let mut goes_on = true;
        // Whether a string begins where the next piece does.
        let mut begins = true;
        while goes_on && at < end {
            let piece = self.piece(at, end);
            if piece.is_empty() {
                break;
            }
            if begins && !piece.first_chunk().is_some_and(|first| pass(*first)) {
                goes_on = self.consider(at, end, names, candidate);
                if !goes_on {
                    break;
                }
            }
            begins = false;
            at += piece.len();
            count += nuls::each(piece, pass, |left| {
                if left == 0 {
                    begins = true;
                } else {
                    goes_on = self.consider(at - left, end, names, candidate);
                }
                goes_on
            });
        }
        (count, begins)
    }

    /// Looks again at a string that was not excluded.
    #[cold]
    #[inline(never)]
    fn consider(
        &self,
        at: usize,
        end: usize,
        names: Beginnings,
        candidate: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let may_be = match self.first_bytes(at, end) {
            Some(first) => names.has(first),
            None => names.are_all(),
        };
        !may_be || candidate(at)
    }

    /// The first bytes of a string wherever the borders are; `None` if there are fewer.
    fn first_bytes(&self, at: usize, end: usize) -> Option<[u8; 4]> {
        if let Some(first) = self.piece(at, end).first_chunk() {
            return Some(*first);
        }
        let mut first = [0; 4];
        for (byte, at) in first.iter_mut().zip(at..) {
            *byte = *self.piece(at, end).first()?;
        }
        Some(first)
    }

    /// The offset of the NUL that ends the string at `at`; the block's end if there is none.
    fn string_end(&self, at: usize) -> usize {
        let next = self.skip(Place { n: 0, at }, 1, self.layout().end).at;
        self.end_before(next, at)
    }

    /// The same where the next string is known.
    fn end_before(&self, next: usize, at: usize) -> usize {
        if next > at && self.ends_with_nul(next) {
            next - 1
        } else {
            next
        }
    }

    /// Whether these bytes stand at `at`.
    fn stands_at(&self, mut at: usize, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let chunk = self.strings.chunk(at);
            let n = chunk.len().min(bytes.len());
            if n == 0 || chunk[..n] != bytes[..n] {
                return false;
            }
            at += n;
            bytes = &bytes[n..];
        }
        true
    }

    /// The whole block of arguments.
    pub(crate) fn args_block(&self) -> Span {
        Span {
            at: 0,
            len: self.layout().env,
        }
    }

    /// The whole block of environment strings.
    pub(crate) fn env_block(&self) -> Span {
        let Layout { env, end, .. } = *self.layout();
        Span {
            at: env,
            len: end - env,
        }
    }

    /// Argument `n`, without its NUL; `ENOENT` if there are fewer.
    pub(crate) fn arg(&self, n: u32) -> Result<Span> {
        let layout = self.layout();
        if n >= layout.args {
            return Err(ENOENT);
        }
        let known = self.last_args.get();
        let first = Place { n: 0, at: 0 };
        let nearest = known.into_iter().rev().find(|known| known.n <= n);
        let found = self.skip(nearest.unwrap_or(first), n, layout.end);
        let next = self.skip(found, n + 1, layout.end);
        self.last_args.set([found, next]);
        Ok(Span {
            at: found.at,
            len: self.end_before(next.at, found.at) - found.at,
        })
    }

    /// What follows the first `skipped` bytes of the string at `at`.
    fn string_from(&self, at: usize, skipped: usize) -> Span {
        let at = at + skipped;
        Span {
            at,
            len: self.string_end(at) - at,
        }
    }

    /// Whether the string at `at` defines a variable of this name.
    fn defines(&self, at: usize, name: &EnvName<'_>) -> bool {
        let name = name.with_equals();
        at + name.len() <= self.layout().end && self.stands_at(at, name)
    }

    /// Calls `visit` with each definition of `name`, `from` being the first, until it answers
    /// false.
    fn each_definition(
        &self,
        name: &EnvName<'_>,
        from: Place,
        mut visit: impl FnMut(Place) -> bool,
    ) {
        let layout = self.layout();
        let beginning = Beginnings::of(name.with_equals());
        let mut n = from.n;
        let mut each = |at| {
            if at < from.at || !self.defines(at, name) {
                return true;
            }
            let place = Place { n, at };
            n += 1;
            visit(place)
        };
        match self.places.of(beginning) {
            Some(mut places) => {
                places.all(each);
            }
            None => {
                self.asked.note(beginning);
                self.look(from.at, layout.end, beginning, &mut each);
            }
        }
    }

    /// Where to look for the `n`-th definition of `name` from. The string that was found last
    /// defines just one name: if it is this one, it has the number that it had then.
    fn definition_before(&self, name: &EnvName<'_>, n: u32) -> Place {
        self.last_definition
            .get()
            .filter(|last| last.n <= n && self.defines(last.at, name))
            .unwrap_or(self.first_variable())
    }

    fn first_variable(&self) -> Place {
        Place {
            n: 0,
            at: self.layout().env,
        }
    }

    /// The value of the `n`-th definition of a variable, from 0; `ENOENT` if there are fewer.
    pub(crate) fn env_value(&self, name: &EnvName<'_>, n: u32) -> Result<Span> {
        let mut found = None;
        self.each_definition(name, self.definition_before(name, n), |place| {
            if place.n == n {
                found = Some(place);
            }
            found.is_none()
        });
        let found = found.ok_or(ENOENT)?;
        self.last_definition.set(Some(found));
        Ok(self.string_from(found.at, name.with_equals().len()))
    }

    /// How often a variable is defined.
    pub(crate) fn count_env(&self, name: &EnvName<'_>) -> usize {
        let mut count = 0;
        self.each_definition(name, self.first_variable(), |_| {
            count += 1;
            true
        });
        count
    }

    /// Where `value` begins in the block of environment strings.
    pub(crate) fn env_offset(&self, value: Span) -> usize {
        value.at - self.layout().env
    }

    /// Hands the bytes of `span` to `take`, in order and in pieces.
    pub(crate) fn pieces(&self, span: Span, mut take: impl FnMut(&[u8])) {
        let mut at = span.at;
        let end = span.at + span.len;
        while at < end {
            let chunk = self.strings.chunk(at);
            let n = chunk.len().min(end - at);
            if n == 0 {
                return;
            }
            take(&chunk[..n]);
            at += n;
        }
    }
}

impl Span {
    /// What is left of it from an offset on; `EINVAL` beyond its end.
    pub(crate) fn from(self, offset: usize) -> Result<Self> {
        let len = self.len.checked_sub(offset).ok_or(EINVAL)?;
        Ok(Self {
            at: self.at + offset,
            len,
        })
    }

    /// At most its first `len` bytes.
    pub(crate) fn first(self, len: usize) -> Self {
        Self {
            len: self.len.min(len),
            ..self
        }
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[path = "args_tests.rs"]
mod args_tests;
