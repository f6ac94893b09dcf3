// SPDX-License-Identifier: GPL-2.0

//! Finds the NULs that end strings, a word of eight bytes at a time.
//!
//! Subtracting 1 from each byte of a word sets the highest bit of a byte that is 0 or above 0x80, or
//! that stands above a 0 and is borrowed from. So the lowest such byte that was below 0x80 is a NUL,
//! and a word without any, or many words combined, is done with in three instructions a word.
//!
//! Each exec that a policy reads passes here, from its first byte to its last: look at what the
//! compiler makes of it (`llvm-objdump`) before and after a change.

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
use kernel::prelude::*;

const WORD: usize = size_of::<u64>();

/// Most strings are no longer.
const SHORT: usize = 8 * WORD;

/// In longer ones so many bytes are looked at together.
const LONG: usize = 32 * WORD;

/// The lowest and the highest bit of each byte.
const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// Counts the NULs of a piece of a block. Calls `visit` behind each, in order, with how many bytes of
/// the piece follow, until it answers false: but not where four bytes follow that `pass` is true of,
/// nor between NULs that follow each other.
///
/// Each string is looked at from its beginning on, wherever that is: so of a word the first NUL is
/// all that is needed, and what follows it is looked at next in any case.
#[inline(always)]
pub(crate) fn each(
    bytes: &[u8],
    pass: impl Fn([u8; 4]) -> bool,
    mut visit: impl FnMut(usize) -> bool,
) -> u32 {
    let passes = |rest: &[u8]| rest.first_chunk().is_some_and(|first| pass(*first));
    let mut rest = bytes;
    let mut count = 0;
    'long: while let Some(mut block) = rest.first_chunk::<SHORT>() {
        loop {
            rest = match behind_first(block) {
                Some(1) => {
                    let nuls = leading(rest);
                    count += nuls - 1;
                    rest.get(nuls as usize..).unwrap_or(&[])
                }
                Some(at) => rest.get(at..).unwrap_or(&[]),
                None => {
                    rest = behind_long(rest.get(SHORT..).unwrap_or(&[]));
                    continue 'long;
                }
            };
            count += 1;
            let Some(next) = rest.first_chunk() else {
                break;
            };
            block = next;
            if !pass(first(block)) && !visit(rest.len()) {
                return count;
            }
        }
        if !passes(rest) && !visit(rest.len()) {
            return count;
        }
    }
    while let Some(behind) = behind_nul(rest) {
        rest = behind;
        count += 1;
        if !passes(rest) && !visit(rest.len()) {
            break;
        }
    }
    count
}

/// What is behind the first NUL; `None` if there is none.
pub(crate) fn behind_nul(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    while let Some(block) = rest.first_chunk::<SHORT>() {
        if let Some(at) = behind_first(block) {
            return rest.get(at..);
        }
        rest = behind_long(rest.get(SHORT..)?);
    }
    while let Some((word, others)) = rest.split_first_chunk() {
        if let Some(at) = first_in_word(u64::from_le_bytes(*word)) {
            return rest.get(at + 1..);
        }
        rest = others;
    }
    let at = rest.iter().position(|byte| *byte == 0)?;
    rest.get(at + 1..)
}

/// How many bytes there are in words, from the beginning on, before one that may have a NUL or this
/// byte in it.
pub(crate) fn words_without(bytes: &[u8], other: u8) -> usize {
    let others = LOW * u64::from(other);
    let words = bytes.chunks_exact(WORD).map(|bytes| word(bytes, 0));
    let has_none = |word: &u64| suspects(*word) | suspects(*word ^ others) == 0;
    words.take_while(has_none).count() * WORD
}

/// How many NULs these bytes begin with.
#[cold]
fn leading(bytes: &[u8]) -> u32 {
    bytes.iter().take_while(|byte| **byte == 0).count() as u32
}

/// The first bytes.
#[inline(always)]
fn first(block: &[u8; SHORT]) -> [u8; 4] {
    [block[0], block[1], block[2], block[3]]
}

/// Where the first NUL ends. Unrolled by hand: the compiler does not.
#[inline(always)]
fn behind_first(block: &[u8; SHORT]) -> Option<usize> {
    let in_word = |at| first_in_word(word(block, at)).map(|nul| nul + at + 1);
    in_word(0)
        .or_else(|| in_word(WORD))
        .or_else(|| in_word(2 * WORD))
        .or_else(|| in_word(3 * WORD))
        .or_else(|| in_word(4 * WORD))
        .or_else(|| in_word(5 * WORD))
        .or_else(|| in_word(6 * WORD))
        .or_else(|| in_word(7 * WORD))
}

/// Which byte of a word is the first NUL.
#[inline(always)]
fn first_in_word(word: u64) -> Option<usize> {
    let suspects = suspects(word);
    if suspects == 0 {
        return None;
    }
    let nuls = suspects & !word;
    (nuls != 0).then(|| nuls.trailing_zeros() as usize / 8)
}

/// The word at `at`.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(u64::MAX, |word| u64::from_le_bytes(*word))
}

/// Not 0 if there is a NUL in the word; not only then.
#[inline(always)]
fn suspects(word: u64) -> u64 {
    word.wrapping_sub(LOW) & HIGH
}

/// The bytes without a beginning in which there are no NULs: nearly all of it.
#[inline(never)]
fn behind_long(bytes: &[u8]) -> &[u8] {
    behind_blocks::<SHORT>(behind_blocks::<LONG>(bytes))
}

/// The bytes without the blocks of `SIZE` bytes that they begin with in which there are no NULs.
#[inline(always)]
fn behind_blocks<const SIZE: usize>(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some((block, others)) = rest.split_first_chunk::<SIZE>() {
        let mut any = 0;
        let mut at = 0;
        while at < SIZE {
            any |= word(block, at).wrapping_sub(LOW);
            at += WORD;
        }
        if any & HIGH != 0 {
            break;
        }
        rest = others;
    }
    rest
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_nuls)]
mod tests {
    use super::*;

    const SIZE: usize = 3 * LONG + 13;

    /// Whether the scanner finds just what looking at each byte finds, in pieces of this size.
    fn is_right(bytes: &[u8; SIZE], piece: usize) -> bool {
        let mut right = true;
        for piece in bytes.chunks(piece) {
            let mut passed = 0;
            let mut told = 0;
            let never = |_| false;
            let count = each(piece, never, |left| {
                let before = &piece[..piece.len() - left];
                let new = &before[passed..];
                let text = new.iter().take_while(|byte| **byte != 0).count();
                let nuls = &new[text..];
                // A run may be told at once, but not what stands in it.
                right &= !nuls.is_empty() && nuls.iter().all(|byte| *byte == 0);
                passed = before.len();
                told += nuls.len();
                true
            });
            right &= !piece[passed..].contains(&0) && count as usize == told;
            right &= match behind_nul(piece) {
                Some(behind) => {
                    let at = piece.len() - behind.len();
                    piece.iter().position(|byte| *byte == 0) == Some(at - 1)
                }
                None => !piece.contains(&0),
            };
        }
        right
    }

    #[test]
    fn each_nul_is_found_wherever_it_is() {
        for at in 0..SIZE {
            for other in [b'x', 1, 0x7f, 0x80, 0x81, 0xff] {
                let mut bytes = [other; SIZE];
                bytes[at] = 0;
                assert!(is_right(&bytes, SIZE));
                assert!(is_right(&bytes, 64));
                assert!(is_right(&bytes, 129));
            }
        }
    }

    #[test]
    fn nuls_are_told_from_what_stands_beside_them() {
        // A pattern of two bytes in each way for nine bytes, repeated.
        for other in [b'=', 1, 0x80, 0xff] {
            for pattern in 0..1_u32 << 9 {
                let byte = |i: usize| {
                    if pattern >> (i % 9) & 1 != 0 {
                        other
                    } else {
                        0
                    }
                };
                let bytes: [u8; SIZE] = core::array::from_fn(byte);
                assert!(is_right(&bytes, SIZE));
            }
        }
    }

    #[test]
    fn a_scan_ends_when_it_is_told_to() {
        let bytes: [u8; SIZE] = core::array::from_fn(|i| (i % 3) as u8);
        let mut asked = 0;
        let count = each(
            &bytes,
            |_| false,
            |_| {
                asked += 1;
                false
            },
        );
        assert_eq!((asked, count), (1, 1));
    }

    #[test]
    fn what_is_passed_is_counted_alone() {
        let mut bytes = [b'x'; SIZE];
        for nul in [2, 70, 140, SIZE - 9] {
            bytes[nul] = 0;
        }
        bytes[71..].iter_mut().for_each(|byte| *byte &= b'w');
        let mut last = 0;
        let count = each(
            &bytes,
            |first| first == *b"xxxx",
            |left| {
                last = left;
                left != 8
            },
        );
        assert_eq!((last, count), (8, 4));
    }
}
