// SPDX-License-Identifier: GPL-2.0

//! The kfuncs that tell of a module that is being loaded. None faults, none sleeps.

use crate::{
    boundary::prog_mem::ProgMem,
    env_name::EnvName,
    module_contents::ModuleContents, //
};
use kernel::prelude::*;

/// The digest.
pub(crate) fn get_module_digest(module: &ModuleContents<'_>, out: &ProgMem<'_>) -> Result<usize> {
    let digest = module.digest()?;
    if out.len() < digest.len() {
        return Err(EINVAL);
    }
    out.write(0, digest);
    Ok(0)
}

/// The first value of a key, which has the form of a variable's name.
pub(crate) fn get_module_info(
    module: &ModuleContents<'_>,
    key: &ProgMem<'_>,
    out: &ProgMem<'_>,
) -> Result<usize> {
    let mut room = EnvName::ROOM;
    let key = EnvName::new(key.read_into(&mut room))?;
    let file = module.file().map_err(|_| EBADMSG)?;
    let value = file.info(key.with_equals()).ok_or(ENOENT)?;
    if let Some(room) = out.len().checked_sub(1) {
        let written = out.write(0, value.get(..room).unwrap_or(value));
        out.write(written, &[0]);
    }
    Ok(value.len())
}
