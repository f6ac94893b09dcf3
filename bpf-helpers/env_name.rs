// SPDX-License-Identifier: GPL-2.0

//! Names of environment variables that programs ask for.

use crate::bpf::abi::KRSI_ENV_NAME_SIZE;
use core::ffi::CStr;
use kernel::prelude::*;

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

    /// The name with its '=', as it stands before a value.
    pub(crate) fn with_equals(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_env_name)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> Result<EnvName> {
        EnvName::new(|to| {
            let n = to.len().min(bytes.len());
            to[..n].copy_from_slice(&bytes[..n]);
            n
        })
    }

    fn errno<T>(result: Result<T>) -> c_int {
        result.err().map_or(0, |e| e.to_errno())
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
