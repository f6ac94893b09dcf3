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
#[kunit_tests(krsi_args)]
mod tests {
    use super::*;

    /// A block with borders every `page` bytes.
    struct Block {
        bytes: &'static [u8],
        counted: usize,
        page: usize,
    }

    impl Strings for Block {
        fn len(&self) -> usize {
            self.bytes.len()
        }

        fn counted(&self) -> usize {
            self.counted
        }

        fn chunk(&self, at: usize) -> &[u8] {
            let end = ((at / self.page + 1) * self.page).min(self.bytes.len());
            self.bytes.get(at..end).unwrap_or(&[])
        }
    }

    const ARGS: &[u8] = b"ls\0-l\0\0A=arg\0";
    const ENV: &[u8] = b"A=1\0AB=2\0\0=x\0novalue\0A=second\0E=\0A\0";
    const BOTH: &[u8] = b"ls\0-l\0\0A=arg\0A=1\0AB=2\0\0=x\0novalue\0A=second\0E=\0A\0";

    fn args(bytes: &'static [u8], page: usize, argc: u32, envc: u32) -> Args<Block> {
        with_name(bytes, bytes.len(), page, argc, envc)
    }

    /// With the file name in the block from `counted` on.
    fn with_name(
        bytes: &'static [u8],
        counted: usize,
        page: usize,
        argc: u32,
        envc: u32,
    ) -> Args<Block> {
        let block = Block {
            bytes,
            counted,
            page,
        };
        Args::new(block, argc, envc)
    }

    fn name(bytes: &[u8]) -> Result<EnvName> {
        EnvName::new(|to| {
            let n = to.len().min(bytes.len());
            to[..n].copy_from_slice(&bytes[..n]);
            n
        })
    }

    /// Whether a span holds just these bytes.
    fn holds(args: &Args<Block>, span: Result<Span>, bytes: &[u8]) -> bool {
        let Ok(span) = span else {
            return false;
        };
        let mut rest = bytes;
        let mut same = span.len == bytes.len();
        args.pieces(span, |piece| match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => same = false,
        });
        same && rest.is_empty()
    }

    fn errno<T>(result: Result<T>) -> c_int {
        result.err().map_or(0, |e| e.to_errno())
    }

    #[test]
    fn values_are_found_wherever_the_borders_are() -> Result {
        for page in 1..=BOTH.len() + 1 {
            let args = args(BOTH, page, 4, 8);
            assert!(holds(&args, args.env_value(&name(b"A\0")?, 0), b"1"));
            assert!(holds(&args, args.env_value(&name(b"A\0")?, 1), b"second"));
            assert!(holds(&args, args.env_value(&name(b"AB\0")?, 0), b"2"));
            assert!(holds(&args, args.env_value(&name(b"E\0")?, 0), b""));
            assert!(holds(&args, args.arg(0), b"ls"));
            assert!(holds(&args, args.arg(2), b""));
            assert!(holds(&args, args.arg(3), b"A=arg"));
            assert!(holds(&args, Ok(args.args_block()), ARGS));
            assert!(holds(&args, Ok(args.env_block()), ENV));
        }
        Ok(())
    }

    #[test]
    fn only_definitions_of_exactly_this_name_count() -> Result {
        let args = args(BOTH, 7, 4, 8);
        assert_eq!(args.count_env(&name(b"A\0")?), 2);
        assert_eq!(args.count_env(&name(b"AB\0")?), 1);
        assert_eq!(args.count_env(&name(b"novalue\0")?), 0);
        assert_eq!(errno(args.env_value(&name(b"A\0")?, 2)), -2);
        assert_eq!(errno(args.env_value(&name(b"B\0")?, 0)), -2);
        Ok(())
    }

    #[test]
    fn an_offset_leads_to_the_value() -> Result {
        let args = args(BOTH, 5, 4, 8);
        let value = args.env_value(&name(b"A\0")?, 1)?;
        let rest = args.env_block().from(args.env_offset(value))?;
        assert!(holds(&args, Ok(rest.first(6)), b"second"));
        Ok(())
    }

    #[test]
    fn a_block_is_read_from_its_beginning_to_its_end() -> Result {
        let args = args(BOTH, 4096, 4, 8);
        let block = args.env_block();
        assert_eq!(block.from(ENV.len())?.len, 0);
        assert_eq!(errno(block.from(ENV.len() + 1)), -22);
        assert_eq!(errno(args.arg(4)), -2);
        Ok(())
    }

    #[test]
    fn the_environment_is_all_that_follows_the_arguments() -> Result {
        // Fewer strings than were counted, and more.
        for envc in [0, 7, 9, u32::MAX] {
            let args = args(BOTH, 8, 4, envc);
            assert!(args.is_torn());
            assert_eq!(args.count_env(&name(b"A\0")?), 2);
            assert!(holds(&args, args.env_value(&name(b"A\0")?, 1), b"second"));
            assert!(holds(&args, Ok(args.env_block()), ENV));
        }
        assert!(!args(BOTH, 8, 4, 8).is_torn());
        Ok(())
    }

    #[test]
    fn the_arguments_are_the_first_strings_or_as_many_as_there_are() -> Result {
        let more = args(BOTH, 8, 5, 8);
        assert!(more.is_torn());
        assert!(holds(&more, more.arg(4), b"A=1"));
        assert_eq!(more.count_env(&name(b"A\0")?), 1);

        let all = args(b"a\0A=1\0", 8, u32::MAX, u32::MAX);
        assert!(all.is_torn());
        assert!(holds(&all, all.arg(1), b"A=1"));
        assert_eq!(errno(all.arg(2)), -2);
        assert_eq!(all.count_env(&name(b"A\0")?), 0);
        assert_eq!(all.env_block().len, 0);
        Ok(())
    }

    #[test]
    fn a_string_without_a_nul_ends_with_the_block() -> Result {
        for page in 1..=6 {
            let env = args(b"a\0A=12", page, 1, 1);
            assert!(env.is_torn());
            assert!(holds(&env, env.env_value(&name(b"A\0")?, 0), b"12"));
            assert!(holds(&env, Ok(env.env_block()), b"A=12"));

            let arg = args(b"a\0bc", page, 2, 0);
            assert!(arg.is_torn());
            assert!(holds(&arg, arg.arg(1), b"bc"));
            assert_eq!(arg.env_block().len, 0);
        }
        assert!(args(b"", 8, 1, 0).is_torn());
        assert_eq!(errno(args(b"", 8, 1, 0).arg(0)), -2);
        Ok(())
    }

    #[test]
    fn the_file_name_is_read_where_strings_are_missing() -> Result {
        const STACK: &[u8] = b"a\0V=1\0A=path\0";
        for page in 1..=STACK.len() {
            let whole = with_name(STACK, 6, page, 1, 1);
            assert!(!whole.is_torn());
            assert_eq!(whole.count_env(&name(b"A\0")?), 0);
            assert!(holds(&whole, Ok(whole.env_block()), b"V=1\0"));

            let missing = with_name(STACK, 6, page, 1, 2);
            assert!(missing.is_torn());
            assert!(holds(
                &missing,
                missing.env_value(&name(b"A\0")?, 0),
                b"path"
            ));
            assert!(holds(&missing, Ok(missing.env_block()), b"V=1\0A=path\0"));

            let run_together = with_name(b"a\0V=1A=path\0", 5, page, 1, 1);
            assert!(run_together.is_torn());
            assert!(holds(
                &run_together,
                run_together.env_value(&name(b"V\0")?, 0),
                b"1A=path"
            ));

            // Of more strings than were counted none is the file name.
            let more = with_name(STACK, 6, page, 1, 0);
            assert!(more.is_torn());
            assert!(holds(&more, Ok(more.env_block()), b"V=1\0"));
        }
        Ok(())
    }

    #[test]
    fn the_order_of_questions_does_not_matter() -> Result {
        let args = args(BOTH, 3, 4, 8);
        let (a, ab) = (name(b"A\0")?, name(b"AB\0")?);
        for (n, value) in [
            (3, &b"A=arg"[..]),
            (1, b"-l"),
            (1, b"-l"),
            (2, b""),
            (0, b"ls"),
        ] {
            assert!(holds(&args, args.arg(n), value));
        }
        assert!(holds(&args, args.env_value(&a, 1), b"second"));
        assert!(holds(&args, args.env_value(&ab, 0), b"2"));
        assert_eq!(errno(args.env_value(&ab, 1)), -2);
        assert!(holds(&args, args.env_value(&a, 0), b"1"));
        assert_eq!(errno(args.env_value(&a, 2)), -2);
        assert!(holds(&args, args.env_value(&a, 1), b"second"));
        Ok(())
    }

    #[test]
    fn an_empty_environment_defines_nothing() -> Result {
        let args = args(b"a\0", 4096, 1, 0);
        assert_eq!(args.count_env(&name(b"A\0")?), 0);
        assert_eq!(args.env_block().len, 0);
        Ok(())
    }
}
