// SPDX-License-Identifier: GPL-2.0

//! SHA-256, as a library call: no allocation, no crypto API.
//!
//! C header: [`include/crypto/sha2.h`](srctree/include/crypto/sha2.h).

use core::mem::MaybeUninit;
use kernel::bindings;

/// A digest.
pub(crate) type Digest = [u8; bindings::SHA256_DIGEST_SIZE as usize];

/// A digest that is being computed.
///
/// # Invariants
///
/// Initialised by `sha256_init`.
pub(crate) struct Sha256(bindings::sha256_ctx);

impl Sha256 {
    /// Of nothing yet.
    pub(crate) fn new() -> Self {
        let mut state = MaybeUninit::uninit();
        // SAFETY: `sha256_init` writes the whole state.
        unsafe { bindings::sha256_init(state.as_mut_ptr()) };
        // INVARIANT: Just done.
        // SAFETY: It is initialised.
        Self(unsafe { state.assume_init() })
    }

    /// Adds bytes. Takes as long as they are many; doesn't sleep.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // SAFETY: The state is initialised, `bytes` is memory of that length.
        unsafe { bindings::krsi_sha256_update(&mut self.0, bytes.as_ptr(), bytes.len()) };
    }

    /// The digest of all that was added.
    pub(crate) fn finish(mut self) -> Digest {
        let mut digest = [0; bindings::SHA256_DIGEST_SIZE as usize];
        // SAFETY: The state is initialised, and `digest` has the size that is written.
        unsafe { bindings::sha256_final(&mut self.0, digest.as_mut_ptr()) };
        digest
    }
}
