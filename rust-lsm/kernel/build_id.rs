// SPDX-License-Identifier: GPL-2.0

//! Build ids: what a linker writes into an ELF file to name it by.
//!
//! C header: [`include/linux/buildid.h`](srctree/include/linux/buildid.h).

use kernel::{
    bindings,
    fs::File,
    mm::virt::VmaRef,
    prelude::*, //
};

/// Bytes of the longest id.
pub(crate) const MAX_SIZE: usize = bindings::BUILD_ID_SIZE_MAX as usize;

/// An id.
#[derive(Clone, Copy)]
pub(crate) struct BuildId {
    id: [u8; MAX_SIZE],
    size: usize,
}

impl BuildId {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.id.get(..self.size).unwrap_or_default()
    }

    fn new(parse: impl FnOnce(*mut u8, *mut u32) -> c_int) -> Result<Self> {
        let (mut id, mut size) = ([0; MAX_SIZE], 0);
        match parse(id.as_mut_ptr(), &mut size) {
            0 => Ok(Self {
                id,
                size: size as usize,
            }),
            // What is not in memory, or can't be read.
            e if e == EFAULT.to_errno() => Err(EAGAIN),
            _ => Err(ENODATA),
        }
    }

    /// That of an open file: `ENODATA` if it is no ELF file or has none. Sleeps.
    pub(crate) fn of(file: &File) -> Result<Self> {
        // SAFETY: The file is open; the two have the room that is asked for.
        Self::new(|id, size| unsafe { bindings::build_id_parse_file(file.as_ptr(), id, size) })
    }

    /// That of a file that is mapped: `EAGAIN` if that part of it is not in memory. Doesn't sleep.
    pub(crate) fn of_mapped(area: &VmaRef) -> Result<Self> {
        // SAFETY: The area is valid and locked; the two have the room that is asked for.
        Self::new(|id, size| unsafe { bindings::build_id_parse_nofault(area.as_ptr(), id, size) })
    }
}
