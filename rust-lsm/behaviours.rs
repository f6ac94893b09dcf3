// SPDX-License-Identifier: GPL-2.0

//! What happens: a file or a folder for each behaviour, which gathers its facts into a context
//! and has the policies asked.

pub(crate) mod file_map_exec;
pub(crate) mod modules;
pub(crate) mod mounts;
pub(crate) mod process_exec;
pub(crate) mod process_executed;
pub(crate) mod removals;
