// SPDX-License-Identifier: GPL-2.0

//! Inodes.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// Whether a filesystem with this magic number is on a disk of one machine, or in its memory.
fn is_local_magic(magic: u32) -> bool {
    matches!(
        magic,
        bindings::BTRFS_SUPER_MAGIC
            | bindings::EROFS_SUPER_MAGIC_V1
            | bindings::EXFAT_SUPER_MAGIC
            | bindings::EXT4_SUPER_MAGIC
            | bindings::F2FS_SUPER_MAGIC
            | bindings::HUGETLBFS_MAGIC
            | bindings::ISOFS_SUPER_MAGIC
            | bindings::MSDOS_SUPER_MAGIC
            | bindings::RAMFS_MAGIC
            | bindings::SQUASHFS_MAGIC
            | bindings::TMPFS_MAGIC
            | bindings::UDF_SUPER_MAGIC
            | bindings::XFS_SUPER_MAGIC
    )
}

/// Which inode this is, as user space writes it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InodeId {
    /// The device number of its superblock, encoded as `st_dev`.
    pub(crate) dev: u64,
    /// Its number.
    pub(crate) ino: u64,
    /// Tells inodes with one number apart; 0 for vfat, which draws one at random whenever it reads
    /// an inode.
    pub(crate) generation: u32,
}

/// What changes when a file's contents do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: i64,
    seconds: i64,
    nanoseconds: i64,
}

/// Wraps the kernel's `struct inode`.
///
/// # Invariants
///
/// The inode is valid while the reference lives.
#[repr(transparent)]
pub(crate) struct Inode(Opaque<bindings::inode>);

impl Inode {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::inode) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C struct.
    pub(crate) fn as_ptr(&self) -> *mut bindings::inode {
        self.0.get()
    }

    /// The LSMs' composite blob; null if it has none.
    pub(crate) fn security(&self) -> *mut c_void {
        // SAFETY: The inode is valid, and its blob lives as long as it does.
        unsafe { (*self.as_ptr()).i_security }
    }

    /// Its filesystem's magic number.
    pub(crate) fn magic(&self) -> u32 {
        // SAFETY: An inode has a superblock as long as it lives; the magic never changes.
        unsafe { (*(*self.as_ptr()).i_sb).s_magic as u32 }
    }

    /// Which it is.
    pub(crate) fn id(&self) -> InodeId {
        // SAFETY: The inode is valid, and so is its superblock; the fields are constant but for
        // the generation, which is one word.
        unsafe {
            let inode = self.as_ptr();
            let generation = if self.magic() == bindings::MSDOS_SUPER_MAGIC {
                0
            } else {
                (&raw const (*inode).i_generation).read_volatile()
            };
            InodeId {
                dev: bindings::krsi_user_dev((*(*inode).i_sb).s_dev),
                ino: (*inode).i_ino,
                generation,
            }
        }
    }

    /// What its filesystem calls its device: NUL-padded.
    pub(crate) fn device(&self) -> [c_char; 32] {
        // SAFETY: An inode has a superblock as long as it lives; its name is set before its first
        // inode, with a NUL at its end.
        unsafe { (*(*self.as_ptr()).i_sb).s_id }
    }

    /// Its mode, type and permission bits.
    pub(crate) fn mode(&self) -> u32 {
        // SAFETY: The inode is valid; its mode is one word.
        u32::from(unsafe { (&raw const (*self.as_ptr()).i_mode).read_volatile() })
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> bool {
        self.mode() & bindings::S_IFMT == bindings::S_IFDIR
    }

    /// Whether it is a regular file.
    pub(crate) fn is_regular(&self) -> bool {
        self.mode() & bindings::S_IFMT == bindings::S_IFREG
    }

    /// Whether nobody but this kernel changes its contents, through its page cache: by the
    /// filesystem. Of those that are not listed it is not known.
    pub(crate) fn is_local(&self) -> bool {
        self.flags() & bindings::S_DAX == 0 && is_local_magic(self.magic())
    }

    /// Its flags, `S_*`.
    pub(super) fn flags(&self) -> u32 {
        // SAFETY: The inode is valid; its flags are one word.
        unsafe { (&raw const (*self.as_ptr()).i_flags).read_volatile() }
    }

    /// How many have it open for writing; below 0, how many deny that to all.
    pub(crate) fn writers(&self) -> i32 {
        // SAFETY: The inode is valid; the count is one word.
        unsafe { (&raw const (*self.as_ptr()).i_writecount.counter).read_volatile() }
    }

    /// Whether anybody may have pages of its contents pinned, which he could write to. May sleep.
    pub(crate) fn is_pinned(&self) -> bool {
        // SAFETY: The inode is valid.
        unsafe { bindings::krsi_inode_pinned(self.as_ptr()) }
    }

    /// Whether it is what an overlay writes into its upper layer where a name is gone.
    pub(crate) fn is_whiteout(&self) -> bool {
        // SAFETY: The inode is valid; its device number never changes.
        let device = unsafe { (*self.as_ptr()).i_rdev };
        self.mode() & bindings::S_IFMT == bindings::S_IFCHR && device == 0
    }

    /// How many names it has.
    pub(crate) fn links(&self) -> u32 {
        // SAFETY: The inode is valid; the count is one word.
        unsafe { (&raw const (*self.as_ptr()).__bindgen_anon_1.i_nlink).read_volatile() }
    }

    /// Whether somebody has a lease or a delegation on it.
    #[inline]
    pub(crate) fn is_leased(&self) -> bool {
        self.has_locks()
            // SAFETY: The inode is valid.
            && unsafe { bindings::krsi_inode_leased(self.as_ptr()) }
    }

    /// Whether anybody ever locked it or had a lease on it: few files are.
    #[inline]
    fn has_locks(&self) -> bool {
        // SAFETY: The inode is valid; the pointer is one word, and only looked whether it is null.
        #[cfg(CONFIG_FILE_LOCKING)]
        return !unsafe { (&raw const (*self.as_ptr()).i_flctx).read_volatile() }.is_null();
        #[cfg(not(CONFIG_FILE_LOCKING))]
        false
    }

    /// What its contents are now, as far as size and time of change tell.
    pub(crate) fn stamp(&self) -> Stamp {
        // SAFETY: The inode is valid.
        unsafe {
            let time = bindings::krsi_inode_mtime(self.as_ptr());
            Stamp {
                size: bindings::krsi_inode_size(self.as_ptr()),
                seconds: time.tv_sec,
                nanoseconds: time.tv_nsec as i64,
            }
        }
    }

    /// Its address, to compare.
    pub(crate) fn address(&self) -> usize {
        self.as_ptr() as usize
    }
}
