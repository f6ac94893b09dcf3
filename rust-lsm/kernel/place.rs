// SPDX-License-Identifier: GPL-2.0

//! A place in the file system: a name that leads to a file, and the mount that it is seen through.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h).

use super::{
    inode::{
        Inode,
        InodeId, //
    },
    prog_mem::ProgMem, //
};
use core::{
    marker::PhantomData,
    ptr::{
        null_mut,
        NonNull, //
    },
};
use kernel::{
    bindings,
    error::from_err_ptr,
    fs::File,
    prelude::*,
    sync::rcu, //
};

/// Before the path of what the task's root doesn't lead to, as getcwd(2) says it.
const UNREACHABLE: &[u8] = b"(unreachable)";

/// How many directories are looked at from a file up.
const MAX_DEPTH: usize = 256;

/// How often that is done again because a name changed meanwhile.
const MAX_RENAMES: usize = 8;

/// A name that leads to a file.
///
/// # Invariants
///
/// `dentry` is valid for `'a` and leads to one inode meanwhile; `mnt` is valid, if it is not null.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    dentry: NonNull<bindings::dentry>,
    mnt: *mut bindings::vfsmount,
    _held: PhantomData<&'a ()>,
}

/// Which file this is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FileId {
    /// The real file, below an overlay that of the layer.
    pub(crate) real: InodeId,
    /// The overlay's, if there is one.
    pub(crate) overlay: Option<InodeId>,
}

impl<'a> Place<'a> {
    /// Wraps a dentry, seen through a mount, which may be null; `None` if it leads to no file.
    ///
    /// # Safety
    ///
    /// `dentry` is referenced for `'a`, and doesn't cease to lead where it does; so is `mnt`,
    /// unless it is null.
    #[inline]
    pub(crate) unsafe fn new(
        mnt: *mut bindings::vfsmount,
        dentry: *mut bindings::dentry,
    ) -> Option<Self> {
        let dentry = NonNull::new(dentry)?;
        // SAFETY: By the caller's guarantee.
        if unsafe { (*dentry.as_ptr()).d_inode }.is_null() {
            return None;
        }
        // INVARIANT: By the caller's guarantee; the dentry holds the inode.
        Some(Self {
            dentry,
            mnt,
            _held: PhantomData,
        })
    }

    /// The place that an open file was opened by; of what is mapped in an overlay, where the layer's
    /// file is meant, the overlay's.
    #[inline]
    pub(crate) fn of(file: &'a File) -> Self {
        let file = file.as_ptr();
        // SAFETY: An open file has a path for as long as it is open, which leads to a file, and they
        // never change, nor does whether it is a file of a layer.
        unsafe {
            let mut path = &(*file).__bindgen_anon_1.f_path;
            if (*file).f_mode & bindings::krsi_fmode_KRSI_FMODE_BACKING != 0 {
                path = &*bindings::krsi_user_path(file);
            }
            // INVARIANT: As above.
            Self {
                dentry: NonNull::new_unchecked(path.dentry),
                mnt: path.mnt,
                _held: PhantomData,
            }
        }
    }

    pub(crate) fn dentry(&self) -> *mut bindings::dentry {
        self.dentry.as_ptr()
    }

    /// The file that it leads to.
    #[inline]
    pub(crate) fn inode(&self) -> &'a Inode {
        // SAFETY: The dentry is valid for `'a` and holds its inode, by the type invariants.
        unsafe { Inode::from_ptr((*self.dentry.as_ptr()).d_inode) }
    }

    /// The file below an overlay that is meant; the same as `inode` where there is none.
    pub(crate) fn real_inode(&self) -> &'a Inode {
        self.real().inode()
    }

    /// Whether it lies in an overlay.
    pub(crate) fn is_overlay(&self) -> bool {
        self.inode().magic() == bindings::OVERLAYFS_SUPER_MAGIC
    }

    /// The place in the layer below an overlay, seen through no mount; the same without one. Of a
    /// file whose data lie in a layer of their own this is where its metadata are. Doesn't sleep.
    pub(crate) fn real(self) -> Self {
        if !self.is_overlay() {
            return self;
        }
        // SAFETY: The dentry is valid for `'a` and holds the real one: an overlay never lets go of
        // a layer's file while it leads to it.
        unsafe { Self::new(null_mut(), bindings::krsi_real_dentry(self.dentry.as_ptr())) }
            .unwrap_or(self)
    }

    /// Whether it is a file in an overlay, there in the upper layer: by what overlayfs itself knows.
    pub(crate) fn is_overlay_upper(&self) -> bool {
        // SAFETY: The inode is valid for `'a`, and an overlay's.
        self.is_overlay() && unsafe { bindings::krsi_in_upper_layer(self.inode().as_ptr()) }
    }

    /// How many names the file has; in an overlay the smaller of both counts.
    pub(crate) fn links(&self) -> u32 {
        let links = self.inode().links();
        if self.is_overlay() {
            links.min(self.real_inode().links())
        } else {
            links
        }
    }

    /// Whether it is the root of the mount that it is seen through.
    pub(crate) fn is_mount_root(&self) -> bool {
        // SAFETY: The mount is valid, by the type invariants, and its root never changes.
        !self.mnt.is_null() && unsafe { (*self.mnt).mnt_root } == self.dentry.as_ptr()
    }

    /// Which file this is: the real one below an overlay, and the overlay's. Doesn't sleep.
    pub(crate) fn id(&self) -> FileId {
        let (seen, real) = (self.inode(), self.real_inode());
        FileId {
            real: real.id(),
            overlay: (!core::ptr::eq(seen, real)).then(|| seen.id()),
        }
    }

    /// Writes its path to a program's memory, as `d_path` gives it, behind `(unreachable)` if the
    /// task's root doesn't lead to it; returns its length.
    ///
    /// `ENODATA` without a mount, `ENAMETOOLONG` if it doesn't fit; the memory is then an empty
    /// string. Doesn't sleep.
    pub(crate) fn path(&self, out: &ProgMem<'_>) -> Result<usize> {
        let start: *mut u8 = out.as_mut_ptr();
        if out.len() == 0 {
            return Err(ENAMETOOLONG);
        }
        if self.mnt.is_null() {
            out.write(0, &[0]);
            return Err(ENODATA);
        }
        let path = bindings::path {
            mnt: self.mnt,
            dentry: self.dentry.as_ptr(),
        };
        let size = out.len().min(c_int::MAX as usize);
        let mut is_reachable = false;
        // SAFETY: Mount and dentry are valid, by the type invariants; the memory is valid for
        // writes of its length.
        let found = from_err_ptr(unsafe {
            bindings::krsi_d_path(&path, start.cast(), size as c_int, &mut is_reachable)
        });
        let prefix: &[u8] = if is_reachable { &[] } else { UNREACHABLE };
        // `d_path` writes to the end of the memory, its NUL last.
        let skipped = found.map_or(0, |found| (found as usize).wrapping_sub(start as usize));
        let (Ok(found), true) = (found, skipped >= prefix.len()) else {
            out.write(0, &[0]);
            return Err(ENAMETOOLONG);
        };
        let len = size.checked_sub(skipped).ok_or(ENAMETOOLONG)?;
        // SAFETY: `found` has `len` bytes to the end of the memory, and the prefix is not longer
        // than what is before them, so both ranges lie in it.
        unsafe { bindings::memmove(start.wrapping_add(prefix.len()).cast(), found.cast(), len) };
        out.write(0, prefix);
        Ok((prefix.len() + len).saturating_sub(1))
    }

    /// Whether it lies below a directory of its filesystem, whatever that is mounted on: by the
    /// names that lead to it now. In an overlay the directory may be its own or the layer's.
    /// `E2BIG` if the directories are too many to tell, lead to no root, or are renamed all the
    /// while. Doesn't sleep.
    pub(crate) fn is_below(&self, dir: InodeId) -> Result<bool> {
        for _ in 0..MAX_RENAMES {
            // SAFETY: Only reads the count of renames.
            let renames = unsafe { bindings::krsi_renames_begin() };
            let is_below =
                self.has_above(dir)? || self.is_overlay() && self.real().has_above(dir)?;
            // SAFETY: As above.
            if !unsafe { bindings::krsi_renames_retry(renames) } {
                return Ok(is_below);
            }
        }
        Err(E2BIG)
    }

    fn has_above(&self, dir: InodeId) -> Result<bool> {
        let _rcu = rcu::read_lock();
        let mut at = self.dentry.as_ptr();
        for _ in 0..MAX_DEPTH {
            // SAFETY: The first dentry is valid; a parent that a dentry has or had is not freed
            // while RCU is held, nor is its inode, if it still has one.
            let (parent, inode) = unsafe {
                let parent = (&raw const (*at).d_parent).read_volatile();
                (parent, (&raw const (*parent).d_inode).read_volatile())
            };
            if parent == at {
                // SAFETY: As above; a dentry has its superblock as long as it is not freed.
                let root = unsafe { (*(*at).d_sb).s_root };
                // What no name leads to lies nobody knows where.
                return if at == root { Ok(false) } else { Err(E2BIG) };
            }
            // SAFETY: As above.
            if !inode.is_null() && unsafe { Inode::from_ptr(inode) }.id() == dir {
                return Ok(true);
            }
            at = parent;
        }
        Err(E2BIG)
    }
}
