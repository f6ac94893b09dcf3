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
    boundary::arg_pages::Strings,
    env_name::EnvName, //
};
use core::{
    cell::Cell,
    ffi::CStr, //
};
use kernel::prelude::*;

/// What a walk over the whole block has found.
#[derive(Clone, Copy)]
struct Layout {
    /// How many arguments there are.
    args: u32,
    /// Where the environment begins.
    env: usize,
    /// Whether the strings are others than those that were counted.
    torn: bool,
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
    layout: Cell<Option<Layout>>,
    /// Where the block ends.
    end: Cell<usize>,
    /// The argument that was asked for last, so that a loop over them is one walk.
    last_arg: Cell<Place>,
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
        Self {
            end: Cell::new(strings.counted()),
            strings,
            argc,
            envc,
            layout: Cell::new(None),
            last_arg: Cell::new(Place { n: 0, at: 0 }),
            last_definition: Cell::new(None),
        }
    }

    /// Walks the whole block, once.
    fn layout(&self) -> Layout {
        if let Some(known) = self.layout.get() {
            return known;
        }
        let (mut args, all) = self.walk();
        let missing = args.n < self.argc || all.n < self.envc || !self.ends_with_nul();
        let torn = missing || all.at < self.end.get();
        if missing {
            self.end.set(self.strings.len());
            let all;
            (args, all) = self.walk();
            self.end.set(all.at.max(self.strings.counted()));
        }
        let found = Layout {
            args: args.n,
            env: args.at,
            torn,
        };
        self.layout.set(Some(found));
        found
    }

    /// Where the arguments end, and where all strings do.
    fn walk(&self) -> (Place, Place) {
        let args = self.skip(Place { n: 0, at: 0 }, self.argc);
        (args, self.skip(Place { n: 0, at: args.at }, self.envc))
    }

    /// Whether the strings are others than `argc` arguments and `envc` environment strings, each
    /// with its NUL.
    pub(crate) fn is_torn(&self) -> bool {
        self.layout().torn
    }

    fn ends_with_nul(&self) -> bool {
        let last = self.end.get().checked_sub(1);
        last.is_some_and(|at| self.strings.chunk(at).first() == Some(&0))
    }

    /// From one string on to the `n`-th, or to the end of the block.
    fn skip(&self, from: Place, n: u32) -> Place {
        let mut place = from;
        while place.n < n && place.at < self.end.get() {
            place = Place {
                n: place.n + 1,
                at: self.after(self.string_end(place.at)),
            };
        }
        place
    }

    /// Where the string begins that follows the one with this end.
    fn after(&self, end: usize) -> usize {
        (end + 1).min(self.end.get())
    }

    /// The offset of the NUL that ends the string at `at`; the block's end if there is none.
    fn string_end(&self, mut at: usize) -> usize {
        while at < self.end.get() {
            let chunk = self.strings.chunk(at);
            if let Ok(string) = CStr::from_bytes_until_nul(chunk) {
                return at + string.count_bytes();
            }
            if chunk.is_empty() {
                break;
            }
            at += chunk.len();
        }
        self.end.get()
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
        let at = self.layout().env;
        Span {
            at,
            len: self.end.get() - at,
        }
    }

    /// Argument `n`, without its NUL; `ENOENT` if there are fewer.
    pub(crate) fn arg(&self, n: u32) -> Result<Span> {
        if n >= self.layout().args {
            return Err(ENOENT);
        }
        let last = self.last_arg.get();
        let from = if last.n <= n {
            last
        } else {
            Place { n: 0, at: 0 }
        };
        let found = self.skip(from, n);
        self.last_arg.set(found);
        Ok(Span {
            at: found.at,
            len: self.string_end(found.at) - found.at,
        })
    }

    /// Calls `visit` with each definition of `name`, `from` being the first, and with its value,
    /// until it answers false. `name` ends with its '='.
    fn each_definition(
        &self,
        name: &[u8],
        from: Place,
        mut visit: impl FnMut(Place, Span) -> bool,
    ) {
        let Place { mut n, mut at } = from;
        while at < self.end.get() {
            let end = self.string_end(at);
            if end - at >= name.len() && self.stands_at(at, name) {
                let value = at + name.len();
                let span = Span {
                    at: value,
                    len: end - value,
                };
                if !visit(Place { n, at }, span) {
                    break;
                }
                n += 1;
            }
            at = self.after(end);
        }
    }

    /// Where to look for the `n`-th definition of `name` from. The string that was found last
    /// defines just one name: if it is this one, it has the number that it had then.
    fn definition_before(&self, name: &[u8], n: u32) -> Place {
        self.last_definition
            .get()
            .filter(|last| last.n <= n && self.stands_at(last.at, name))
            .unwrap_or(Place {
                n: 0,
                at: self.layout().env,
            })
    }

    /// The value of the `n`-th definition of a variable, from 0; `ENOENT` if there are fewer.
    pub(crate) fn env_value(&self, name: &EnvName, n: u32) -> Result<Span> {
        let name = name.with_equals();
        let mut found = Err(ENOENT);
        self.each_definition(name, self.definition_before(name, n), |place, value| {
            if place.n == n {
                self.last_definition.set(Some(place));
                found = Ok(value);
            }
            found.is_err()
        });
        found
    }

    /// How often a variable is defined.
    pub(crate) fn count_env(&self, name: &EnvName) -> usize {
        let mut count = 0;
        let first = Place {
            n: 0,
            at: self.layout().env,
        };
        self.each_definition(name.with_equals(), first, |_, _| {
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
