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
    mem::offset_of,
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

/// Bounds the walk from a file to the root of its filesystem.
const MAX_PATH_DEPTH: usize = 256;

/// A name that leads to a file.
///
/// # Invariants
///
/// `dentry` and `inode`, to which it leads, are valid for `'a`; so is `mnt`, if it is not null.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    dentry: NonNull<bindings::dentry>,
    inode: NonNull<bindings::inode>,
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

/// A name, as it can be remembered: the directory that it was in and its last component.
pub(crate) struct Name {
    dir: FileId,
    last: KVec<u8>,
}

impl Name {
    fn is_in(&self, dir: &Place<'_>) -> bool {
        self.dir == dir.id()
    }
}

/// What a remembered name leads to now, as far as the dcache knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// The dcache doesn't know.
    Unknown,
    /// To the same file.
    Same,
    /// To another file.
    Other,
    /// Nowhere.
    Nowhere,
}

impl<'a> Place<'a> {
    /// Wraps a dentry, seen through a mount, which may be null; `None` if it leads to no file.
    ///
    /// # Safety
    ///
    /// `dentry` is referenced for `'a`, and doesn't cease to lead where it does; so is `mnt`,
    /// unless it is null.
    pub(crate) unsafe fn new(
        mnt: *mut bindings::vfsmount,
        dentry: *mut bindings::dentry,
    ) -> Option<Self> {
        // INVARIANT: By the caller's guarantee; the dentry holds the inode.
        Some(Self {
            dentry: NonNull::new(dentry)?,
            // SAFETY: By the caller's guarantee.
            inode: NonNull::new(unsafe { (*dentry).d_inode })?,
            mnt,
            _held: PhantomData,
        })
    }

    /// The place that an open file was opened by.
    pub(crate) fn of(file: &'a File) -> Self {
        // SAFETY: An open file has a path and an inode for as long as it is open, and they never
        // change.
        unsafe {
            let path = &(*file.as_ptr()).__bindgen_anon_1.f_path;
            // INVARIANT: As above.
            Self {
                dentry: NonNull::new_unchecked(path.dentry),
                inode: NonNull::new_unchecked(bindings::krsi_file_inode(file.as_ptr())),
                mnt: path.mnt,
                _held: PhantomData,
            }
        }
    }

    pub(crate) fn dentry(&self) -> *mut bindings::dentry {
        self.dentry.as_ptr()
    }

    pub(crate) fn mnt(&self) -> *mut bindings::vfsmount {
        self.mnt
    }

    /// The same place, seen through a mount.
    ///
    /// # Safety
    ///
    /// `mnt` is referenced for `'a`.
    pub(crate) unsafe fn through(self, mnt: *mut bindings::vfsmount) -> Self {
        // INVARIANT: By the caller's guarantee.
        Self { mnt, ..self }
    }

    /// The file that it leads to.
    pub(crate) fn inode(&self) -> &'a Inode {
        // SAFETY: The inode is valid for `'a`, by the type invariants.
        unsafe { Inode::from_ptr(self.inode.as_ptr()) }
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

    /// Whether it lies in an overlay, there in the upper layer.
    pub(crate) fn is_overlay_upper(&self) -> bool {
        self.is_overlay() && self.real().is_in_used_layer()
    }

    /// Whether it lies in the upper layer or the work directory of an overlay that is mounted:
    /// below a directory that overlayfs has marked as its own.
    pub(crate) fn is_in_used_layer(&self) -> bool {
        let _rcu = rcu::read_lock();
        let mut at = self.dentry.as_ptr();
        for _ in 0..MAX_PATH_DEPTH {
            // SAFETY: The first dentry is valid; a parent that a dentry has or had is not freed
            // while RCU is held, nor is its inode.
            let parent = unsafe {
                let inode = (&raw const (*at).d_inode).read_volatile();
                if !inode.is_null() && bindings::krsi_overlay_in_use(inode) {
                    return true;
                }
                (&raw const (*at).d_parent).read_volatile()
            };
            if parent == at {
                break;
            }
            at = parent;
        }
        false
    }

    /// Which file this is: the real one below an overlay, and the overlay's. Doesn't sleep.
    pub(crate) fn id(&self) -> FileId {
        let (seen, real) = (self.inode(), self.real_inode());
        FileId {
            real: real.id(),
            overlay: (!core::ptr::eq(seen, real)).then(|| seen.id()),
        }
    }

    /// Writes its path to a program's memory, as `d_path` gives it; returns its length.
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
        // SAFETY: Mount and dentry are valid, by the type invariants; the memory is valid for
        // writes of its length.
        let found = from_err_ptr(unsafe {
            bindings::d_path(
                &path,
                start.cast(),
                out.len().min(c_int::MAX as usize) as c_int,
            )
        });
        let Ok(found) = found else {
            out.write(0, &[0]);
            return Err(ENAMETOOLONG);
        };
        // `d_path` writes to the end of the memory, its NUL last.
        let skipped = (found as usize).wrapping_sub(start as usize);
        let len = out.len().checked_sub(skipped).ok_or(ENAMETOOLONG)?;
        // SAFETY: `skipped + len` is the memory's length, so both ranges lie in it.
        unsafe { bindings::memmove(start.cast(), found.cast(), len) };
        Ok(len.saturating_sub(1))
    }

    /// The directory that the name is in.
    fn with_dir<R>(&self, look: impl FnOnce(&Place<'_>) -> R) -> Result<R> {
        // SAFETY: The dentry is valid; the parent is referenced until `dput`. A directory's dentry
        // with a child leads somewhere.
        unsafe {
            let parent = bindings::dget_parent(self.dentry.as_ptr());
            let result = Place::new(null_mut(), parent).map(|dir| look(&dir));
            bindings::dput(parent);
            result.ok_or(ENOENT)
        }
    }

    /// Whether somebody has a lease or a delegation on the directory.
    pub(crate) fn dir_is_leased(&self) -> bool {
        self.with_dir(|dir| dir.inode().is_leased())
            .unwrap_or(false)
    }

    /// Its name, to be remembered. Allocates, may sleep.
    pub(crate) fn name(&self) -> Result<Name> {
        let mut last = KVec::new();
        // SAFETY: The dentry is valid; the snapshot is released before it goes away, and its name
        // has `len` bytes until then.
        unsafe {
            let mut snapshot = bindings::name_snapshot::default();
            bindings::take_dentry_name_snapshot(&mut snapshot, self.dentry.as_ptr());
            let name = &snapshot.name;
            let len = name.__bindgen_anon_1.__bindgen_anon_1.len as usize;
            let copied =
                last.extend_from_slice(core::slice::from_raw_parts(name.name, len), GFP_KERNEL);
            bindings::release_dentry_name_snapshot(&mut snapshot);
            copied?;
        }
        Ok(Name {
            dir: self.with_dir(|dir| dir.id())?,
            last,
        })
    }

    /// Whether this is the remembered name.
    pub(crate) fn is_named(&self, name: &Name) -> bool {
        let last = &name.last;
        // SAFETY: The dentry is valid, the name has `len` bytes.
        let same = unsafe {
            bindings::krsi_dentry_is(self.dentry.as_ptr(), last.as_ptr(), last.len() as u32)
        };
        same && self.with_dir(|dir| name.is_in(dir)).unwrap_or(false)
    }

    /// What a remembered name of this file leads to. Looks in the dcache alone: in the directory
    /// of this place, and at the file's other names that are known. May sleep; takes no inode's
    /// lock.
    pub(crate) fn leads(&self, name: &Name) -> Leads {
        let here = self.with_dir(|dir| name.is_in(dir).then(|| dir.lookup(name)));
        match here {
            Ok(Some(Some(inode))) if inode == self.inode().address() => Leads::Same,
            Ok(Some(Some(0))) => Leads::Nowhere,
            Ok(Some(Some(_))) => Leads::Other,
            _ if self.has_other_name(name) => Leads::Same,
            _ => Leads::Unknown,
        }
    }

    /// The address of the inode that a name in this directory leads to, 0 if it leads nowhere;
    /// `None` if the dcache doesn't know.
    fn lookup(&self, name: &Name) -> Option<usize> {
        // SAFETY: The dentry is a directory's and valid, the name has `len` bytes; what is found
        // is referenced until `dput`.
        unsafe {
            let found = bindings::krsi_dcache_lookup(
                self.dentry.as_ptr(),
                name.last.as_ptr(),
                name.last.len() as u32,
            );
            if found.is_null() {
                return None;
            }
            let inode = (&raw const (*found).d_inode).read_volatile() as usize;
            bindings::dput(found);
            Some(inode)
        }
    }

    /// Whether one of the file's names in the dcache, this one apart, is the remembered one.
    fn has_other_name(&self, name: &Name) -> bool {
        let inode = self.inode.as_ptr();
        let _rcu = rcu::read_lock();
        // SAFETY: The inode is valid. Its list of aliases is protected by `i_lock`, which keeps
        // each alias in it; a directory that an alias has or had as parent is not freed while RCU
        // is held, nor is its inode.
        unsafe {
            bindings::spin_lock(&raw mut (*inode).i_lock);
            let mut node = (*inode).__bindgen_anon_2.i_dentry.first;
            let mut found = false;
            while !node.is_null() && !found {
                let alias = node
                    .byte_sub(offset_of!(bindings::dentry, __bindgen_anon_2))
                    .cast::<bindings::dentry>();
                let last = &name.last;
                found = alias != self.dentry.as_ptr()
                    && bindings::krsi_dentry_is(alias, last.as_ptr(), last.len() as u32)
                    && {
                        let parent = (&raw const (*alias).d_parent).read_volatile();
                        Place::new(null_mut(), parent).is_some_and(|dir| name.is_in(&dir))
                    };
                node = (*node).next;
            }
            bindings::spin_unlock(&raw mut (*inode).i_lock);
            found
        }
    }
}
