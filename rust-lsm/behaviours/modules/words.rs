// SPDX-License-Identifier: GPL-2.0

//! What views and alterations are called in the kernel log and in securityfs.

use crate::bpf::abi;
use kernel::{
    fmt,
    prelude::*, //
};

const VIEWS: [(u32, &str); 6] = [
    (abi::KRSI_VIEW_LIST, "list"),
    (abi::KRSI_VIEW_SYSFS, "sysfs"),
    (abi::KRSI_VIEW_TREE, "tree"),
    (abi::KRSI_VIEW_BUGS, "bugs"),
    (abi::KRSI_VIEW_BTF, "btf"),
    (abi::KRSI_VIEW_FTRACE, "ftrace"),
];

const ALTERATIONS: [(u32, &str); 8] = [
    (abi::KRSI_ALTERED_STATE, "state"),
    (abi::KRSI_ALTERED_NAME, "name"),
    (abi::KRSI_ALTERED_MEMORY, "memory"),
    (abi::KRSI_ALTERED_SYMBOLS, "symbols"),
    (abi::KRSI_ALTERED_LINKS, "links"),
    (abi::KRSI_ALTERED_SYSFS, "sysfs"),
    (abi::KRSI_ALTERED_CHAIN, "chain"),
    (abi::KRSI_ALTERED_OTHER, "other"),
];

/// Prints a mask of `KRSI_VIEW_*`.
pub(crate) struct Views(pub(crate) u32);

impl fmt::Display for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.0, &VIEWS)
    }
}

/// Prints a mask of `KRSI_ALTERED_*`.
pub(crate) struct Alterations(pub(crate) u32);

impl fmt::Display for Alterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words(f, self.0, &ALTERATIONS)
    }
}

/// Prints `a,b,c`, or `-` if there is nothing.
fn words(f: &mut fmt::Formatter<'_>, mask: u32, names: &[(u32, &str)]) -> fmt::Result {
    let mut before = "";
    for (_, name) in names.iter().filter(|(bit, _)| mask & bit != 0) {
        f.write_str(before)?;
        f.write_str(name)?;
        before = ",";
    }
    if before.is_empty() {
        f.write_str("-")?;
    }
    Ok(())
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_words)]
mod tests {
    use super::*;
    use kernel::str::CString;

    #[test]
    fn masks_are_lists_of_words() -> Result {
        let views = CString::try_from_fmt(fmt!("{} {}", Views(0b10_0001), Views(0)))?;
        assert_eq!(views.to_bytes(), b"list,ftrace -");
        let altered = CString::try_from_fmt(fmt!("{}", Alterations(0b100_0010)))?;
        assert_eq!(altered.to_bytes(), b"name,chain");
        Ok(())
    }
}
