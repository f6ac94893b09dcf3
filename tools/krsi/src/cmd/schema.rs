// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi schema`: the JSON Schema of the events, made from the code.

use anyhow::Result;
use schemars::schema_for;

use crate::{Status, events::event::Line, output::tell};

/// Prints it.
pub fn run() -> Result<Status> {
    tell(&text()?)?;
    Ok(Status::Done)
}

fn text() -> Result<String> {
    Ok(serde_json::to_string_pretty(&schema_for!(Line<'_>))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who changes an event changes what others read: `krsi schema >events.schema.json`.
    #[test]
    fn is_the_one_that_is_committed() {
        let committed = include_str!("../../events.schema.json");
        assert_eq!(text().unwrap().trim(), committed.trim());
    }
}
