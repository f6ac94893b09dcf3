// SPDX-License-Identifier: GPL-2.0

//! Names of environment variables that programs ask for.

use crate::{
    bpf::abi::KRSI_ENV_NAME_SIZE,
    nuls, //
};
use core::mem::MaybeUninit;
use kernel::prelude::*;

/// The longest name with its NUL, which is also how much of a program's memory is read.
const NAME_SIZE: usize = KRSI_ENV_NAME_SIZE as usize;

/// A checked name of an environment variable, with a '=' after it.
pub(crate) struct EnvName<'a>(&'a [u8]);

impl<'a> EnvName<'a> {
    /// Room for the longest one.
    pub(crate) const ROOM: [MaybeUninit<u8>; NAME_SIZE] =
        [const { MaybeUninit::uninit() }; NAME_SIZE];

    /// Checks a copy of a name with its NUL: `EINVAL` if it is empty, has no NUL or a '='.
    pub(crate) fn new(given: &'a mut [u8]) -> Result<Self> {
        let plain = nuls::words_without(given, b'=');
        let ends = |byte: &u8| matches!(byte, 0 | b'=');
        let end = given
            .iter()
            .skip(plain)
            .position(ends)
            .map(|end| plain + end);
        let name = end.and_then(|end| given.get_mut(..=end)).ok_or(EINVAL)?;
        match name {
            [_, .., last @ 0] => *last = b'=',
            _ => return Err(EINVAL),
        }
        Ok(Self(name))
    }

    /// The name with its '=', as it stands before a value.
    pub(crate) fn with_equals(&self) -> &'a [u8] {
        self.0
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_env_name)]
mod tests {
    use super::*;

    fn errno<T>(result: Result<T>) -> c_int {
        result.err().map_or(0, |e| e.to_errno())
    }

    #[test]
    fn names_are_checked() -> Result {
        for wrong in [&b""[..], b"\0", b"A", b"A=\0", b"=\0", b"A=B\0"] {
            let mut copy = KVec::new();
            copy.extend_from_slice(wrong, GFP_KERNEL)?;
            assert_eq!(errno(EnvName::new(&mut copy)), -22);
        }
        assert_eq!(EnvName::new(&mut { *b"A\0rest=\0" })?.with_equals(), b"A=");
        assert_eq!(EnvName::new(&mut { *b"LONG\0" })?.with_equals(), b"LONG=");
        Ok(())
    }
}
