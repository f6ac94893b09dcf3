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

/// Of strings of usual length about one ends in so many bytes.
const SHORT: usize = 8 * WORD;

/// While there is no NUL at all, so many bytes are looked at together.
const LONG: usize = 16 * WORD;

/// The lowest and the highest bit of each byte.
const LOW: u64 = u64::MAX / 255;
const HIGH: u64 = LOW << 7;

/// NULs that follow each other.
pub(crate) struct Nuls {
    /// How many there are.
    pub(crate) count: u32,
    /// How far before the end of the bytes the last of them is; 1 if it is the last byte.
    pub(crate) left: usize,
    /// The four bytes that follow, if there are as many.
    pub(crate) next: Option<[u8; 4]>,
}

/// A scanner over pieces of a block.
pub(crate) struct Scan {
    /// Whether the last piece ended within a long string.
    in_long: bool,
}

impl Scan {
    /// Begins a block.
    pub(crate) const fn new() -> Self {
        Self { in_long: false }
    }

    /// Calls `visit` with the NULs of the next piece, in order, until it answers false. Not with
    /// each alone: of a run it may be told at once.
    #[inline(always)]
    pub(crate) fn piece(&mut self, bytes: &[u8], mut visit: impl FnMut(Nuls) -> bool) {
        let mut rest = bytes;
        let mut seen = 0;
        if self.in_long {
            rest = behind_long(rest);
        }
        // With two words more, for what follows a NUL to be in the block.
        while let Some(block) = rest.first_chunk::<{ SHORT + 2 * WORD }>() {
            let left = rest.len();
            // Unrolled by hand: the compiler does not.
            let goes_on = in_word(block, 0, left, &mut seen, &mut visit)
                && in_word(block, WORD, left, &mut seen, &mut visit)
                && in_word(block, 2 * WORD, left, &mut seen, &mut visit)
                && in_word(block, 3 * WORD, left, &mut seen, &mut visit)
                && in_word(block, 4 * WORD, left, &mut seen, &mut visit)
                && in_word(block, 5 * WORD, left, &mut seen, &mut visit)
                && in_word(block, 6 * WORD, left, &mut seen, &mut visit)
                && in_word(block, 7 * WORD, left, &mut seen, &mut visit);
            if !goes_on {
                return;
            }
            rest = rest.get(SHORT..).unwrap_or(&[]);
            if seen != left {
                rest = behind_long(rest);
            }
        }
        self.in_long = rest.is_empty();
        while let Some((_, after)) = rest.split_first_chunk::<WORD>() {
            if !in_word(rest, 0, rest.len(), &mut seen, &mut visit) {
                return;
            }
            rest = after;
        }
        while let Some((byte, after)) = rest.split_first() {
            let nul = Nuls {
                count: 1,
                left: rest.len(),
                next: None,
            };
            if *byte == 0 && !visit(nul) {
                return;
            }
            rest = after;
        }
    }
}

/// Calls `visit` with the NULs of the word at `at`; false if it answered so. `left` is how many
/// bytes there are from the block's first on, and becomes `seen` if there is a NUL.
#[inline(always)]
fn in_word(
    block: &[u8],
    at: usize,
    left: usize,
    seen: &mut usize,
    visit: &mut impl FnMut(Nuls) -> bool,
) -> bool {
    let mut word = word(block, at);
    let mut nuls = suspects(word);
    if nuls == 0 {
        return true;
    }
    nuls &= !word;
    while nuls != 0 {
        let nul = at + nuls.trailing_zeros() as usize / 8;
        *seen = left;
        let one = Nuls {
            count: 1,
            left: left - nul,
            next: next(block, nul),
        };
        if !visit(one) {
            return false;
        }
        if nuls & (nuls - 1) == 0 {
            break;
        }
        if word == 0 {
            let last = at + WORD - 1;
            return visit(Nuls {
                count: WORD as u32 - 1,
                left: left - last,
                next: next(block, last),
            });
        }
        // Only the lowest is certain: without it and what is below, again.
        word |= nuls ^ (nuls - 1);
        nuls = suspects(word) & !word;
    }
    true
}

/// The word at `at`.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(u64::MAX, |word| u64::from_le_bytes(*word))
}

/// What follows the byte at `at`.
#[inline(always)]
fn next(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at + 1..).and_then(<[u8]>::first_chunk).copied()
}

/// Not 0 if there is a NUL in the word; not only then.
#[inline(always)]
fn suspects(word: u64) -> u64 {
    word.wrapping_sub(LOW) & HIGH
}

/// The bytes without a beginning in which there are no NULs.
#[inline(never)]
fn behind_long(bytes: &[u8]) -> &[u8] {
    let mut free = 0;
    for block in bytes.chunks_exact(LONG) {
        if suspects_in_long(block) != 0 {
            break;
        }
        free += LONG;
    }
    let mut rest = bytes.get(free..).unwrap_or(&[]);
    while let Some((block, after)) = rest.split_first_chunk::<WORD>() {
        if suspects(u64::from_le_bytes(*block)) != 0 {
            break;
        }
        rest = after;
    }
    rest
}

/// Not 0 if there is a NUL in these `LONG` bytes; not only then.
#[inline(always)]
fn suspects_in_long(block: &[u8]) -> u64 {
    let Some(block) = block.first_chunk::<LONG>() else {
        return HIGH;
    };
    let mut any = 0;
    let mut at = 0;
    while at < LONG {
        any |= word(block, at).wrapping_sub(LOW);
        at += WORD;
    }
    any & HIGH
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_nuls)]
mod tests {
    use super::*;

    const SIZE: usize = 3 * LONG + 13;

    /// Whether the scanner finds just what looking at each byte finds, in pieces of this size.
    fn is_right(bytes: &[u8; SIZE], piece: usize) -> bool {
        let mut scan = Scan::new();
        let mut found = [false; SIZE];
        let mut right = true;
        let mut begin = 0;
        for piece in bytes.chunks(piece) {
            let end = begin + piece.len();
            scan.piece(piece, |nuls| {
                let last = end - nuls.left;
                for at in last + 1 - nuls.count as usize..=last {
                    right &= !found[at];
                    found[at] = true;
                }
                if let Some(next) = nuls.next {
                    right &= bytes[last + 1..].starts_with(&next);
                }
                true
            });
            begin = end;
        }
        right
            && bytes
                .iter()
                .zip(found)
                .all(|(byte, found)| (*byte == 0) == found)
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
        let mut asked = 0;
        Scan::new().piece(&[0; SIZE], |_| {
            asked += 1;
            false
        });
        assert_eq!(asked, 1);
    }
}
