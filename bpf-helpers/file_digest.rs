// SPDX-License-Identifier: GPL-2.0

//! What the kfuncs about a file's contents answer, prepared by the hook.

use crate::{
    boundary::{
        build_id::BuildId,
        contents::Contents,
        sha256::Sha256,
        verity, //
    },
    state::digests::{
        self,
        Kept, //
    }, //
};
use kernel::prelude::*;

/// How often contents are read that did not hold still, though nobody seemed to write to them.
const TRIES: usize = 3;

/// The SHA-256 of contents.
#[derive(Clone, Copy)]
pub(crate) struct Digest {
    /// The digest.
    pub(crate) value: Kept,
    /// Nobody can ever write to them.
    pub(crate) lasts: bool,
    /// Nobody can write to them now, as they are being executed.
    pub(crate) is_denied: bool,
}

/// What a file is marked with.
pub(crate) struct Marks {
    /// Its fs-verity digest.
    pub(crate) verity: Result<verity::Digest>,
    /// Its build id.
    pub(crate) build_id: Result<BuildId>,
}

/// The SHA-256 of contents that held still. Reads them, which sleeps, if it may and must.
///
/// `ENODATA`, `EOPNOTSUPP`: there is none; `EBUSY`: somebody writes, or may; `EAGAIN`: it must be read
/// and can't; `EINTR`: the task is being killed; `ENOMEM` and what reading answers.
pub(crate) fn sha256(contents: &Contents<'_>) -> Result<Digest> {
    let lasts = contents.can_hold_still()?;
    let value = match digests::kept(contents.inode()) {
        Some(kept) => kept,
        None => read(contents, lasts)?,
    };
    Ok(Digest {
        value,
        lasts,
        is_denied: contents.are_denied(),
    })
}

/// Apart, so that what is kept does not pay for its stack.
#[cold]
#[inline(never)]
fn read(contents: &Contents<'_>, lasts: bool) -> Result<Kept> {
    if !contents.may_read() {
        return Err(EAGAIN);
    }
    for _ in 0..TRIES {
        match try_read(contents, lasts) {
            // Somebody opened the file, or all were forgotten.
            Err(e) if e == EBUSY && contents.hold_still() => (),
            result => return result,
        }
    }
    Err(EBUSY)
}

fn try_read(contents: &Contents<'_>, lasts: bool) -> Result<Kept> {
    let watch = match digests::watch(contents.inode()) {
        // Nobody asks for digests that would have to be forgotten, so none is kept.
        Err(e) if e == EAGAIN && lasts => None,
        watch => Some(watch?),
    };
    if !contents.hold_still() {
        return Err(EBUSY);
    }
    let mut sha256 = Sha256::new();
    contents.read(|piece| sha256.update(piece))?;
    let digest = Kept::from(sha256.finish());
    if let Some(watch) = watch {
        digests::keep(contents.inode(), &watch, digest)?;
    }
    Ok(digest)
}

/// What a file is marked with. Reads its head, which sleeps, if it may.
pub(crate) fn marks(contents: &Contents<'_>) -> Marks {
    Marks {
        verity: verity::digest(contents.inode()),
        build_id: contents.build_id(),
    }
}
