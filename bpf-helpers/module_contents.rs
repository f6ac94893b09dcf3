// SPDX-License-Identifier: GPL-2.0

//! The contents of a module that is being loaded: what is read of them at once, and the digest, which
//! is computed only where a program asks for it.

use crate::{
    boundary::sha256::{
        Digest,
        Sha256, //
    },
    module_file::{
        Layout,
        Malformed,
        ModuleFile, //
    }, //
};
use core::cell::OnceCell;
use kernel::prelude::*;

/// Bytes that are hashed at once: the library keeps the processor meanwhile.
const PIECE: usize = 64 << 10;

/// All of what will be loaded, uncompressed.
pub(crate) struct ModuleContents<'a> {
    bytes: &'a [u8],
    file: Result<ModuleFile<'a>, Malformed>,
    digest: OnceCell<Digest>,
}

impl<'a> ModuleContents<'a> {
    /// Reads them as a module's file.
    pub(crate) fn new(bytes: &'a [u8], layout: &Layout) -> Self {
        Self {
            bytes,
            file: ModuleFile::read(bytes, layout),
            digest: OnceCell::new(),
        }
    }

    /// How many bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The module's file, if it is one.
    pub(crate) fn file(&self) -> Result<&ModuleFile<'a>, Malformed> {
        self.file.as_ref().map_err(|malformed| *malformed)
    }

    /// Computes the digest, once. Sleeps, and takes as long as the module is large.
    pub(crate) fn prepare(&self) {
        self.digest.get_or_init(|| {
            let mut sha256 = Sha256::new();
            self.bytes
                .chunks(PIECE)
                .for_each(|piece| sha256.update(piece));
            sha256.finish()
        });
    }

    /// The digest; `ENODATA` if it was not prepared.
    pub(crate) fn digest(&self) -> Result<&Digest> {
        self.digest.get().ok_or(ENODATA)
    }
}
