// SPDX-License-Identifier: GPL-2.0

//! Strings that somebody chose, made safe to print: one word of printable ASCII.

use core::fmt::Write;
use kernel::{
    fmt,
    prelude::*, //
};

/// Prints bytes up to the first NUL. Whatever is not printable ASCII, and space, backslash, '='
/// and ',', which the lines of KRSI's files are made of, becomes `\ooo`.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0.iter().take_while(|byte| **byte != 0) {
            match byte {
                b'\\' | b'=' | b',' => write!(f, "\\{byte:03o}")?,
                _ if byte.is_ascii_graphic() => f.write_char(char::from(byte))?,
                _ => write!(f, "\\{byte:03o}")?,
            }
        }
        Ok(())
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_escape)]
mod tests {
    use super::*;
    use kernel::str::CString;

    fn escaped(bytes: &[u8]) -> Result<CString> {
        CString::try_from_fmt(fmt!("{}", Escaped(bytes)))
    }

    #[test]
    fn plain_names_stay() -> Result {
        assert_eq!(escaped(b"env_audit-1.2")?.to_bytes(), b"env_audit-1.2");
        Ok(())
    }

    #[test]
    fn hostile_bytes_are_escaped() -> Result {
        assert_eq!(
            escaped(b"a b\n\\=,\x1b\xff")?.to_bytes(),
            b"a\\040b\\012\\134\\075\\054\\033\\377"
        );
        Ok(())
    }

    #[test]
    fn a_nul_ends_it() -> Result {
        assert_eq!(escaped(b"ab\0cd")?.to_bytes(), b"ab");
        Ok(())
    }
}
