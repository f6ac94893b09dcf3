// SPDX-License-Identifier: GPL-2.0

//! Superblocks.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use kernel::{
    bindings,
    fs::File,
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// Size of the names of types and of superblocks, with their NUL.
pub(crate) const NAME_SIZE: usize = 32;

/// Wraps the kernel's `struct super_block`.
///
/// # Invariants
///
/// The superblock is valid while the reference lives.
#[repr(transparent)]
pub(crate) struct SuperBlock(Opaque<bindings::super_block>);

impl SuperBlock {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::super_block) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C struct.
    pub(crate) fn as_ptr(&self) -> *mut bindings::super_block {
        self.0.get()
    }

    /// That of a file: in an overlay the overlay's.
    pub(crate) fn of_file(file: &File) -> &Self {
        // SAFETY: The file is open, so its inode lives, and with it the superblock.
        unsafe { Self::from_ptr((*(*file.as_ptr()).f_inode).i_sb) }
    }

    /// Its address, to compare.
    pub(crate) fn address(&self) -> usize {
        self.as_ptr() as usize
    }

    /// The LSMs' composite blob; null if it has none.
    pub(crate) fn security(&self) -> *mut c_void {
        // SAFETY: The superblock is valid, and its blob lives as long as it does.
        unsafe { (*self.as_ptr()).s_security }
    }

    /// Its device number, encoded as `st_dev`.
    pub(crate) fn number(&self) -> u64 {
        // SAFETY: The superblock is valid; the number is set before anybody finds it.
        unsafe { bindings::krsi_user_dev((*self.as_ptr()).s_dev) }
    }

    fn magic(&self) -> u32 {
        // SAFETY: The superblock is valid; the magic is one word.
        unsafe { (&raw const (*self.as_ptr()).s_magic).read_volatile() as u32 }
    }

    fn flags(&self) -> c_ulong {
        // SAFETY: The superblock is valid; the flags are one word.
        unsafe { (&raw const (*self.as_ptr()).s_flags).read_volatile() as c_ulong }
    }

    /// Whether it may only be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.flags() & bindings::MS_RDONLY as c_ulong != 0
    }

    /// Whether it may only be read once those flags that are in `mask` are as in `flags`.
    pub(super) fn would_be_read_only(&self, flags: c_uint, mask: c_uint) -> bool {
        let flags = (self.flags() as c_uint & !mask) | (flags & mask);
        flags & bindings::MS_RDONLY != 0
    }

    /// Whether it has been filled.
    pub(crate) fn is_filled(&self) -> bool {
        // SAFETY: The superblock is valid.
        unsafe { bindings::krsi_sb_filled(self.as_ptr()) }
    }

    /// The name of its type, cut to fit, with a NUL.
    pub(crate) fn type_name(&self) -> [u8; NAME_SIZE] {
        // SAFETY: The superblock holds its type, whose name never changes.
        copied(unsafe { CStr::from_char_ptr((*(*self.as_ptr()).s_type).name) }.to_bytes())
    }

    /// What it is called: the name of its device, or whatever the filesystem chose.
    pub(crate) fn name(&self) -> [u8; NAME_SIZE] {
        // SAFETY: The superblock is valid. The array is copied byte by byte, and may be anything.
        let id = unsafe { (&raw const (*self.as_ptr()).s_id).read_volatile() };
        copied(id.map(|byte| byte as u8).as_slice())
    }

    /// Whether its files are nowhere but in memory, or swapped out of it.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(
            self.magic(),
            bindings::TMPFS_MAGIC | bindings::RAMFS_MAGIC | bindings::HUGETLBFS_MAGIC
        )
    }

    /// Whether it stands on a raw flash device.
    pub(crate) fn is_on_mtd(&self) -> bool {
        // SAFETY: The superblock is valid.
        unsafe { bindings::krsi_sb_on_mtd(self.as_ptr()) }
    }

    /// Whether it shows files of other superblocks, as overlayfs does.
    pub(crate) fn is_stacked(&self) -> bool {
        // SAFETY: The superblock is valid; the depth is set when it is filled.
        unsafe { (*self.as_ptr()).s_stack_depth > 0 }
    }

    /// How many layers it has, if it is that of an overlay and has been filled.
    pub(crate) fn layers(&self) -> Option<u32> {
        let is_overlay = self.is_filled()
            && self.magic() == bindings::OVERLAYFS_SUPER_MAGIC
            && self.type_name().starts_with(b"overlay\0");
        // SAFETY: The superblock is a filled one of overlayfs.
        is_overlay.then(|| unsafe { bindings::krsi_overlay_layers(self.as_ptr()) })
    }

    /// The superblock of a layer; `None` if there is none.
    pub(crate) fn layer(&self, n: u32) -> Option<&SuperBlock> {
        if n >= self.layers()? {
            return None;
        }
        // SAFETY: The superblock is a filled one of overlayfs, and keeps the mounts of its layers
        // until it is freed.
        unsafe {
            let layer = bindings::krsi_overlay_layer(self.as_ptr(), n);
            (!layer.is_null()).then(|| SuperBlock::from_ptr(layer))
        }
    }
}

/// As much of a string as fits, up to its NUL, with one behind.
fn copied(from: &[u8]) -> [u8; NAME_SIZE] {
    let mut to = [0; NAME_SIZE];
    let string = from
        .iter()
        .take(NAME_SIZE - 1)
        .take_while(|byte| **byte != 0);
    for (to, from) in to.iter_mut().zip(string) {
        *to = *from;
    }
    to
}
