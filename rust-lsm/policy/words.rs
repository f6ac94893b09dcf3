// SPDX-License-Identifier: GPL-2.0

//! Lists in the lines and records that tell of policies.

use core::iter::Iterator;
use kernel::{
    fmt::{
        self,
        Display, //
    },
    prelude::*, //
};

/// Prints `a,b,c`, or `-` if there is nothing.
pub(super) struct List<I>(pub(super) I);

impl<I: Iterator<Item: Display> + Clone> Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for item in self.0.clone() {
            f.write_fmt(fmt!("{before}{item}"))?;
            before = ",";
        }
        if before.is_empty() {
            f.write_str("-")?;
        }
        Ok(())
    }
}
