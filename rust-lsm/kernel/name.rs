// SPDX-License-Identifier: GPL-2.0

//! A name of a file, as it can be remembered when the file has it no more, and what it leads to
//! now.
//!
//! A removal asks only the dcache, so no filesystem is called and no inode's lock is taken. What it
//! doesn't know is unknown. An exec may ask the filesystem.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h).

use super::place::{
    FileId,
    Place, //
};
use core::ptr::null_mut;
use kernel::{
    alloc::Flags,
    bindings,
    error::from_err_ptr,
    prelude::*,
    sync::rcu, //
};

/// A name: the directory that it was in, its last component, and its path in the filesystem, from
/// the root that all its mounts have in common.
pub(crate) struct Name {
    dir: FileId,
    last: KVec<u8>,
    /// Empty if it was too long, or led to no root.
    path: KVec<u8>,
}

/// What a remembered name of a file leads to, as seen from one of the file's places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// Who was asked doesn't know.
    Unknown,
    /// To this very place.
    Here,
    /// To another place of the same file.
    Same,
    /// To another file.
    Other,
    /// Nowhere.
    Nowhere,
}

impl Name {
    /// The name of a place with its path. Allocates, may sleep.
    pub(crate) fn of(place: &Place<'_>) -> Result<Self> {
        Ok(Self {
            path: match path(place, GFP_KERNEL_ACCOUNT) {
                Err(e) if e == ENAMETOOLONG => KVec::new(),
                path => path?,
            },
            ..Self::without_path(place)?
        })
    }

    /// The same without the path: it can be compared, not looked up.
    pub(crate) fn without_path(place: &Place<'_>) -> Result<Self> {
        Ok(Self {
            dir: place.with_dir(|dir| dir.id())?,
            last: last(place)?,
            path: KVec::new(),
        })
    }

    /// Whether both are one name in one directory.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.dir == other.dir && *self.last == *other.last
    }

    /// Whether this is the whole name of a place now, its path too. Doesn't sleep.
    pub(crate) fn is_still(&self, place: &Place<'_>) -> bool {
        // SAFETY: Only reads the count of renames.
        let renames = unsafe { bindings::krsi_renames_begin() };
        self.is_path_of(place)
            && place.with_dir(|dir| self.dir == dir.id()).unwrap_or(false)
            // SAFETY: As above.
            && !unsafe { bindings::krsi_renames_retry(renames) }
    }

    fn is_path_of(&self, place: &Place<'_>) -> bool {
        let _rcu = rcu::read_lock();
        // SAFETY: The dentry is valid, the path has `len` bytes.
        unsafe {
            bindings::krsi_path_is(place.dentry(), self.path.as_ptr(), self.path.len() as u32)
        }
    }

    fn is_of(&self, place: &Place<'_>) -> bool {
        // SAFETY: The dentry is valid, the name has `len` bytes.
        let same = unsafe {
            bindings::krsi_dentry_is(place.dentry(), self.last.as_ptr(), self.last.len() as u32)
        };
        same && place.with_dir(|dir| self.dir == dir.id()).unwrap_or(false)
    }

    /// What it leads to, as seen from a place of its file. May sleep.
    pub(crate) fn leads(&self, from: &Place<'_>) -> Leads {
        // Mostly nothing was renamed, and from below it is told sooner.
        if self.is_path_of(from) {
            return Leads::Here;
        }
        match self.look_up(from, Held::cached_child) {
            // Its directories may have been moved; in its own it is known again.
            Leads::Unknown | Leads::Nowhere if self.is_of(from) => Leads::Here,
            leads => leads,
        }
    }

    /// The same; asks the filesystem, which sleeps as long as that likes.
    pub(crate) fn leads_now(&self, from: &Place<'_>) -> Leads {
        self.look_up(from, Held::child)
    }

    /// Looks its path up from the root of the filesystem, component by component: as many as were
    /// there when it was remembered, at most 2,048.
    fn look_up(
        &self,
        from: &Place<'_>,
        child: impl Fn(&Held, &[u8]) -> Result<Held, Leads>,
    ) -> Leads {
        if self.path.is_empty() {
            return Leads::Unknown;
        }
        let mut at = Held::root(from);
        for component in self.path.split(|byte| *byte == b'/') {
            if component.is_empty() {
                continue;
            }
            if at.inode() == 0 {
                return Leads::Nowhere;
            }
            match child(&at, component) {
                Ok(next) => at = next,
                Err(leads) => return leads,
            }
        }
        if at.0 == from.dentry() {
            return Leads::Here;
        }
        match at.inode() {
            0 => Leads::Nowhere,
            inode if inode == from.inode().address() => Leads::Same,
            _ => Leads::Other,
        }
    }
}

/// A reference to a dentry.
///
/// # Invariants
///
/// A reference to the dentry is held.
struct Held(*mut bindings::dentry);

impl Held {
    /// The root of a place's filesystem.
    fn root(place: &Place<'_>) -> Self {
        // SAFETY: A dentry's superblock has a root as long as the dentry is referenced.
        // INVARIANT: The reference is taken here.
        Self(unsafe { bindings::krsi_dget((*(*place.dentry()).d_sb).s_root) })
    }

    /// The address of the inode that it leads to; 0 if it leads nowhere.
    fn inode(&self) -> usize {
        // SAFETY: By the type invariants; the pointer is one word, and only its value is used.
        unsafe { (&raw const (*self.0).d_inode).read_volatile() as usize }
    }

    /// What the dcache has of this name in it. It is a directory.
    fn cached_child(&self, name: &[u8]) -> Result<Self, Leads> {
        // SAFETY: By the type invariants; the name has `len` bytes.
        let found =
            unsafe { bindings::krsi_dcache_lookup(self.0, name.as_ptr(), name.len() as u32) };
        // INVARIANT: What is found is referenced.
        (!found.is_null())
            .then_some(Self(found))
            .ok_or(Leads::Unknown)
    }

    /// What the filesystem has of this name in it; nothing if it is no directory, or a removed one.
    fn child(&self, name: &[u8]) -> Result<Self, Leads> {
        // SAFETY: By the type invariants, and it leads somewhere; the name has `len` bytes.
        let found = from_err_ptr(unsafe {
            bindings::krsi_lookup(self.0, name.as_ptr(), name.len() as u32)
        });
        match found {
            // INVARIANT: What is found is referenced.
            Ok(found) => Ok(Self(found)),
            Err(e) if e == ENOENT => Err(Leads::Nowhere),
            Err(_) => Err(Leads::Unknown),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::dput(self.0) };
    }
}

fn last(place: &Place<'_>) -> Result<KVec<u8>> {
    let mut last = KVec::new();
    // SAFETY: The dentry is valid; the snapshot is released before it goes away, and its name has
    // `len` bytes until then.
    unsafe {
        let mut snapshot = bindings::name_snapshot::default();
        bindings::take_dentry_name_snapshot(&mut snapshot, place.dentry());
        let name = &snapshot.name;
        let len = name.__bindgen_anon_1.__bindgen_anon_1.len as usize;
        let copied = last.extend_from_slice(
            core::slice::from_raw_parts(name.name, len),
            GFP_KERNEL_ACCOUNT,
        );
        bindings::release_dentry_name_snapshot(&mut snapshot);
        copied?;
    }
    Ok(last)
}

/// The path from the root of the filesystem; `ENAMETOOLONG` if there is none, or none of at most
/// `PATH_MAX` bytes. Sleeps only if `memory` says so.
fn path(place: &Place<'_>, memory: Flags) -> Result<KVec<u8>> {
    const SIZE: usize = bindings::PATH_MAX as usize;
    // SAFETY: The dentry is valid.
    if unsafe { bindings::krsi_is_nameless(place.dentry()) } {
        return Err(ENAMETOOLONG);
    }
    let mut path = KVec::new();
    let mut buffer = KVec::<u8>::with_capacity(SIZE, memory)?;
    // SAFETY: The dentry is valid, the buffer has room for `SIZE` bytes; what is found is a string
    // in it, which ends with its end.
    unsafe {
        let start = buffer.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        let found = bindings::dentry_path_raw(place.dentry(), start.cast(), SIZE as c_int);
        let found = from_err_ptr(found).map_err(|_| ENAMETOOLONG)?;
        let len = SIZE - 1 - (found as usize - start as usize);
        path.extend_from_slice(core::slice::from_raw_parts(found.cast(), len), memory)?;
    }
    Ok(path)
}

impl Place<'_> {
    /// Where the name leads by which this was found, by what the filesystem says, which sleeps as
    /// long as that likes. Whoever removes it meanwhile has done so, or is seen later.
    pub(crate) fn leads(&self) -> Leads {
        // SAFETY: The dentry is valid, and no inode is locked by this task.
        let is_here = unsafe {
            if self.links() == 0 {
                bindings::krsi_wait_for_removal(self.dentry());
            }
            bindings::krsi_leads_here(self.dentry())
        };
        if is_here {
            return Leads::Here;
        }
        Name::of(self).map_or(Leads::Unknown, |name| name.leads_now(self))
    }

    /// Its path from the root of its filesystem, without a NUL. Sleeps only if `memory` says so.
    pub(crate) fn path_in_filesystem(&self, memory: Flags) -> Result<KVec<u8>> {
        path(self, memory)
    }

    /// Its path as [`Place::path`] gives it, with its NUL, to be told later. Sleeps only if `memory`
    /// says so.
    pub(crate) fn path_string(&self, memory: Flags) -> Result<KVec<u8>> {
        const SIZE: usize = bindings::PATH_MAX as usize;
        let mut path = KVec::from_elem(0u8, SIZE, memory)?;
        // SAFETY: The memory is valid for reads and writes of `SIZE` bytes, and nobody else's.
        let memory = unsafe { super::prog_mem::ProgMem::new(path.as_mut_ptr(), SIZE as u32) };
        let len = self.path(&memory)?;
        path.truncate(len + 1);
        Ok(path)
    }

    /// The directory that the name is in. `look` runs under a spinlock, and must take no dentry's.
    fn with_dir<R>(&self, look: impl FnOnce(&Place<'_>) -> R) -> Result<R> {
        // SAFETY: The dentry is valid. Its lock keeps its parent the same, to which it has a
        // reference. A directory's dentry with a child leads somewhere.
        unsafe {
            let parent = bindings::krsi_lock_name(self.dentry());
            let result = Place::new(null_mut(), parent).map(|dir| look(&dir));
            bindings::krsi_unlock_name(self.dentry());
            result.ok_or(ENOENT)
        }
    }
}
