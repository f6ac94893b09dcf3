// SPDX-License-Identifier: GPL-2.0

//! fs-verity: files whose contents can't change, with the digest of the tree that sees to it.
//!
//! C header: [`include/linux/fsverity.h`](srctree/include/linux/fsverity.h).

use super::inode::Inode;
use kernel::{
    bindings,
    prelude::*, //
};

/// Bytes of the longest digest.
pub(crate) const MAX_SIZE: usize = bindings::FS_VERITY_MAX_DIGEST_SIZE as usize;

/// By which function a tree is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algo {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// The digest of a file.
#[derive(Clone, Copy)]
pub(crate) struct Digest {
    /// By which function.
    pub(crate) algo: Algo,
    /// The digest, 0 behind its end.
    pub(crate) value: [u8; MAX_SIZE],
    /// Its bytes.
    pub(crate) size: usize,
}

/// The digest of a file that is open, or was since its inode came into memory; `ENODATA` if it has
/// none. Doesn't sleep.
pub(crate) fn digest(inode: &Inode) -> Result<Digest> {
    let (mut value, mut algo) = ([0; MAX_SIZE], 0);
    // SAFETY: The inode is valid; `value` has room for the longest digest.
    let size =
        unsafe { bindings::krsi_verity_digest(inode.as_ptr(), value.as_mut_ptr(), &mut algo) };
    let algo = match u32::from(algo) {
        _ if size <= 0 => return Err(ENODATA),
        bindings::FS_VERITY_HASH_ALG_SHA256 => Algo::Sha256,
        bindings::FS_VERITY_HASH_ALG_SHA512 => Algo::Sha512,
        _ => return Err(ENODATA),
    };
    Ok(Digest {
        algo,
        value,
        size: size as usize,
    })
}

/// Whether a file has it, so that nobody can change its contents any more.
pub(crate) fn is_on(inode: &Inode) -> bool {
    inode.flags() & bindings::S_VERITY != 0
}
