// SPDX-License-Identifier: GPL-2.0

//! The walker over an exec's arguments and environment.
//!
//! An exec's strings are one block: `argc` arguments, then `envc` environment strings, each ended
//! by a NUL, the last of them just where `bprm->exec` points to. They need not look like
//! `NAME=value`, may be empty, and come from whoever called execve: nothing is believed before
//! the whole block has been walked once.

use crate::{
    boundary::arg_pages::Strings,
    bpf::abi::KRSI_ENV_NAME_SIZE, //
};
use core::{
    cell::Cell,
    ffi::CStr, //
};
use kernel::prelude::*;

/// Where the environment begins in a block that was walked.
type Layout = Result<usize>;

/// The strings of an exec.
pub(crate) struct Args<S> {
    strings: S,
    argc: u32,
    envc: u32,
    layout: Cell<Option<Layout>>,
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
            strings,
            argc,
            envc,
            layout: Cell::new(None),
        }
    }

    /// Where the environment begins; `ENODATA` if the block does not end with its last string.
    fn layout(&self) -> Layout {
        if let Some(known) = self.layout.get() {
            return known;
        }
        let found = self
            .skip(0, self.argc)
            .and_then(|env| Some((env, self.skip(env, self.envc)?)))
            .filter(|(_, end)| *end == self.strings.len())
            .map(|(env, _)| env)
            .ok_or(ENODATA);
        self.layout.set(Some(found));
        found
    }

    /// The offset after `count` strings from `at` on.
    fn skip(&self, mut at: usize, count: u32) -> Option<usize> {
        for _ in 0..count {
            at = self.string_end(at)? + 1;
        }
        Some(at)
    }

    /// The offset of the NUL that ends the string at `at`.
    fn string_end(&self, mut at: usize) -> Option<usize> {
        while at < self.strings.len() {
            let chunk = self.strings.chunk(at);
            if let Ok(string) = CStr::from_bytes_until_nul(chunk) {
                return Some(at + string.count_bytes());
            }
            if chunk.is_empty() {
                return None;
            }
            at += chunk.len();
        }
        None
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
    pub(crate) fn args_block(&self) -> Result<Span> {
        Ok(Span {
            at: 0,
            len: self.layout()?,
        })
    }

    /// The whole block of environment strings.
    pub(crate) fn env_block(&self) -> Result<Span> {
        let at = self.layout()?;
        Ok(Span {
            at,
            len: self.strings.len() - at,
        })
    }

    /// Argument `n`, without its NUL; `ENOENT` if there are fewer.
    pub(crate) fn arg(&self, n: u32) -> Result<Span> {
        self.layout()?;
        if n >= self.argc {
            return Err(ENOENT);
        }
        let at = self.skip(0, n).ok_or(ENODATA)?;
        let end = self.string_end(at).ok_or(ENODATA)?;
        Ok(Span { at, len: end - at })
    }

    /// Calls `visit` with the value of each definition of `name`, until it answers false. `name`
    /// ends with its '='.
    fn each_value(&self, name: &[u8], mut visit: impl FnMut(Span) -> bool) -> Result {
        let mut at = self.layout()?;
        for _ in 0..self.envc {
            let end = self.string_end(at).ok_or(ENODATA)?;
            if end - at >= name.len() && self.stands_at(at, name) {
                let value = at + name.len();
                let span = Span {
                    at: value,
                    len: end - value,
                };
                if !visit(span) {
                    break;
                }
            }
            at = end + 1;
        }
        Ok(())
    }

    /// The value of the `n`-th definition of a variable, from 0; `ENOENT` if there are fewer.
    pub(crate) fn env_value(&self, name: &EnvName, n: u32) -> Result<Span> {
        let mut seen = 0;
        let mut found = Err(ENOENT);
        self.each_value(name.with_equals(), |value| {
            if seen == n {
                found = Ok(value);
            }
            seen += 1;
            found.is_err()
        })?;
        found
    }

    /// How often a variable is defined.
    pub(crate) fn count_env(&self, name: &EnvName) -> Result<usize> {
        let mut count = 0;
        self.each_value(name.with_equals(), |_| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    /// Where `value` begins in the block of environment strings.
    pub(crate) fn env_offset(&self, value: Span) -> Result<usize> {
        Ok(value.at - self.layout()?)
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

/// The longest name with its NUL, which is also how much of a program's memory is read.
const NAME_SIZE: usize = KRSI_ENV_NAME_SIZE as usize;

/// A checked name of an environment variable, with a '=' after it.
pub(crate) struct EnvName {
    bytes: [u8; NAME_SIZE],
    len: usize,
}

impl EnvName {
    /// Checks a name that `read` copies, with its NUL, to the memory it is given, answering how
    /// many bytes: `EINVAL` if it is empty, has no NUL or a '='.
    pub(crate) fn new(read: impl FnOnce(&mut [u8]) -> usize) -> Result<Self> {
        let mut bytes = [0; NAME_SIZE];
        let size = read(&mut bytes);
        let given = bytes.get(..size).ok_or(EINVAL)?;
        let name = CStr::from_bytes_until_nul(given).map_err(|_| EINVAL)?;
        let len = name.count_bytes();
        if len == 0 || name.to_bytes().contains(&b'=') {
            return Err(EINVAL);
        }
        *bytes.get_mut(len).ok_or(EINVAL)? = b'=';
        Ok(Self {
            bytes,
            len: len + 1,
        })
    }

    fn with_equals(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_args)]
mod tests {
    use super::*;

    /// A block with borders every `page` bytes.
    struct Block {
        bytes: &'static [u8],
        page: usize,
    }

    impl Strings for Block {
        fn len(&self) -> usize {
            self.bytes.len()
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
        Args::new(Block { bytes, page }, argc, envc)
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
            assert!(holds(&args, args.args_block(), ARGS));
            assert!(holds(&args, args.env_block(), ENV));
        }
        Ok(())
    }

    #[test]
    fn only_definitions_of_exactly_this_name_count() -> Result {
        let args = args(BOTH, 7, 4, 8);
        assert_eq!(args.count_env(&name(b"A\0")?)?, 2);
        assert_eq!(args.count_env(&name(b"AB\0")?)?, 1);
        assert_eq!(args.count_env(&name(b"novalue\0")?)?, 0);
        assert_eq!(errno(args.env_value(&name(b"A\0")?, 2)), -2);
        assert_eq!(errno(args.env_value(&name(b"B\0")?, 0)), -2);
        Ok(())
    }

    #[test]
    fn an_offset_leads_to_the_value() -> Result {
        let args = args(BOTH, 5, 4, 8);
        let value = args.env_value(&name(b"A\0")?, 1)?;
        let rest = args.env_block()?.from(args.env_offset(value)?)?;
        assert!(holds(&args, Ok(rest.first(6)), b"second"));
        Ok(())
    }

    #[test]
    fn a_block_is_read_from_its_beginning_to_its_end() -> Result {
        let args = args(BOTH, 4096, 4, 8);
        let block = args.env_block()?;
        assert_eq!(block.from(ENV.len())?.len, 0);
        assert_eq!(errno(block.from(ENV.len() + 1)), -22);
        assert_eq!(errno(args.arg(4)), -2);
        Ok(())
    }

    #[test]
    fn a_block_that_does_not_end_with_its_last_string_is_malformed() -> Result {
        // Too few strings, too many, and a last one without its NUL.
        for (argc, envc) in [(4, 7), (4, 9), (13, 0), (u32::MAX, u32::MAX)] {
            let args = args(BOTH, 8, argc, envc);
            assert_eq!(errno(args.count_env(&name(b"A\0")?)), -61);
            assert_eq!(errno(args.arg(0)), -61);
            assert_eq!(errno(args.env_block().map(|_| ())), -61);
        }
        assert_eq!(errno(args(b"a\0b", 8, 1, 1).args_block()), -61);
        assert_eq!(errno(args(b"", 8, 1, 0).args_block()), -61);
        Ok(())
    }

    #[test]
    fn an_empty_environment_defines_nothing() -> Result {
        let args = args(b"a\0", 4096, 1, 0);
        assert_eq!(args.count_env(&name(b"A\0")?)?, 0);
        assert_eq!(args.env_block()?.len, 0);
        Ok(())
    }

    #[test]
    fn names_are_checked() -> Result {
        for wrong in [&b""[..], b"\0", b"A", b"A=\0", b"=\0", b"A=B\0"] {
            assert_eq!(errno(name(wrong)), -22);
        }
        assert_eq!(errno(name(&[b'A'; NAME_SIZE])), -22);
        let mut longest = [b'A'; NAME_SIZE];
        longest[NAME_SIZE - 1] = 0;
        assert_eq!(errno(name(&longest)), 0);
        assert_eq!(name(b"A\0rest=\0")?.with_equals(), b"A=");
        Ok(())
    }
}
