// SPDX-License-Identifier: GPL-2.0

//! The contents of an open file: whether they hold still, and reading them.
//!
//! Who writes to a file has it open for writing, which its inode counts, or has its pages pinned.
//! Whoever opens it passes the LSM hook `file_open` after it was counted, and whoever changes its
//! size `inode_setattr`.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h).

use super::{
    build_id::BuildId,
    file,
    inode::Inode,
    verity, //
};
use kernel::{
    bindings,
    fs::File,
    mm::virt::VmaRef,
    prelude::*, //
};

/// Where they are read to: large enough that the calls don't count, small enough to be had.
const PIECE: usize = 64 << 10;

/// The seals without which a memfd can be written to.
const SEALED: u32 = bindings::F_SEAL_WRITE | bindings::F_SEAL_SHRINK | bindings::F_SEAL_GROW;

/// The contents of a file. In an overlay they are those of a layer's file.
pub(crate) struct Contents<'a> {
    file: &'a File,
    inode: &'a Inode,
    /// Where it is mapped, if that is locked.
    area: Option<&'a VmaRef>,
}

impl<'a> Contents<'a> {
    /// Those of a file; to read them sleeps. Of what is mapped in `area` they can't be read: its
    /// `mmap_lock` is held.
    pub(crate) fn of(file: &'a File, area: Option<&'a VmaRef>) -> Self {
        Self {
            file,
            inode: data_inode(file),
            area,
        }
    }

    /// The inode that holds them.
    pub(crate) fn inode(&self) -> &'a Inode {
        self.inode
    }

    /// Whether they can be read now.
    pub(crate) fn may_read(&self) -> bool {
        self.area.is_none() && file::is_readable(self.file)
    }

    /// Whether they can be told not to change at all, `true` if nobody can ever write to them:
    /// `ENODATA` for what is no regular file, `EOPNOTSUPP` where not all writers are seen.
    pub(crate) fn can_hold_still(&self) -> Result<bool> {
        if !self.inode.is_regular() {
            return Err(ENODATA);
        }
        let is_memfd = self.are_memfd();
        // A memfd is born open for writing, and that is not counted.
        if !self.inode.is_local() || is_memfd && !self.is_sealed() {
            return Err(EOPNOTSUPP);
        }
        Ok(is_memfd || verity::is_on(self.inode))
    }

    /// Whether they are a memfd's, or System V shared memory.
    pub(crate) fn are_memfd(&self) -> bool {
        file::is_memfd(self.file)
    }

    /// Whether nobody can write to them at this moment, but who opens the file first.
    pub(crate) fn hold_still(&self) -> bool {
        self.inode.writers() <= 0 && !self.inode.is_pinned()
    }

    /// Whether the file can't be opened for writing now, because it is being executed.
    pub(crate) fn are_denied(&self) -> bool {
        self.inode.writers() < 0
    }

    /// The build id that they have as an ELF file: `ENODATA` if there is none, `EAGAIN` if it can't
    /// be read now. Sleeps, if they may be read.
    pub(crate) fn build_id(&self) -> Result<BuildId> {
        match self.area {
            _ if !self.inode.is_regular() => Err(ENODATA),
            Some(area) => BuildId::of_mapped(area),
            None if self.may_read() => BuildId::of(self.file),
            None => Err(EAGAIN),
        }
    }

    fn is_sealed(&self) -> bool {
        // SAFETY: The file is open.
        let seals = unsafe { bindings::krsi_file_seals(self.file.as_ptr()) };
        u32::try_from(seals).is_ok_and(|seals| seals & SEALED == SEALED)
    }

    /// Calls `take` with all of them, piece by piece. Sleeps; `EINTR` if the task is being killed,
    /// `EBUSY` if they were copied up meanwhile, and what reading answers.
    pub(crate) fn read(&self, mut take: impl FnMut(&[u8])) -> Result {
        let mut buffer = KVVec::<u8>::from_elem(0, PIECE, GFP_KERNEL_ACCOUNT)?;
        let mut pos = 0;
        loop {
            // SAFETY: The file is open for reading; the buffer is valid for writes of its length.
            let n = unsafe {
                bindings::kernel_read(
                    self.file.as_ptr(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    &mut pos,
                )
            };
            let n = usize::try_from(n).map_err(|_| Error::from_errno(n as c_int))?;
            if n == 0 {
                break;
            }
            take(buffer.get(..n).ok_or(EIO)?);
            // SAFETY: A hook that may sleep calls this, with no lock held that forbids it.
            unsafe {
                if bindings::krsi_fatal_signal() {
                    return Err(EINTR);
                }
                bindings::krsi_cond_resched();
            }
        }
        if core::ptr::eq(data_inode(self.file), self.inode) {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }
}

fn data_inode(file: &File) -> &Inode {
    // SAFETY: The file is open, and holds its inode; an overlay's inode holds those of all layers
    // that it leads to.
    unsafe { Inode::from_ptr(bindings::krsi_data_inode(file.as_ptr())) }
}
