// SPDX-License-Identifier: GPL-2.0

//! Block devices: disks, partitions, and what they stand on.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h).

use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    fs::File,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};

/// Size of a name with its NUL.
pub(crate) const NAME_SIZE: usize = bindings::BDEVNAME_SIZE as usize;

/// Wraps the kernel's `struct block_device`: a disk, or a partition of one.
///
/// # Invariants
///
/// The device is valid while the reference lives, and so is its disk.
#[repr(transparent)]
pub(crate) struct BlockDev(Opaque<bindings::block_device>);

// SAFETY: What is read of it never changes or is synchronised by C.
unsafe impl Send for BlockDev {}

// SAFETY: As for `Send`.
unsafe impl Sync for BlockDev {}

// SAFETY: `bd_device` counts the references to the block device, which holds its disk.
unsafe impl AlwaysRefCounted for BlockDev {
    fn inc_ref(&self) {
        // SAFETY: The device is valid.
        unsafe { bindings::get_device(&raw mut (*self.as_ptr()).bd_device) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up a reference.
        unsafe { bindings::put_device(&raw mut (*obj.as_ref().as_ptr()).bd_device) };
    }
}

impl BlockDev {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`, with its disk.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::block_device) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The C struct.
    pub(crate) fn as_ptr(&self) -> *mut bindings::block_device {
        self.0.get()
    }

    /// The block device that a file is, if it is one.
    pub(crate) fn of_file(file: &File) -> Option<&Self> {
        // SAFETY: The file is open, and holds the block device that it is.
        unsafe {
            let bdev = bindings::krsi_file_bdev(file.as_ptr());
            (!bdev.is_null()).then(|| Self::from_ptr(bdev))
        }
    }

    /// The disk that it is, or is a partition of.
    pub(crate) fn disk(&self) -> &Self {
        // SAFETY: The disk is valid as long as the device, and so is its first block device.
        unsafe { Self::from_ptr((*(*self.as_ptr()).bd_disk).part0) }
    }

    /// Its device number, encoded as `st_rdev`.
    pub(crate) fn number(&self) -> u64 {
        // SAFETY: The device is valid; its number never changes.
        unsafe { bindings::krsi_user_dev((*self.as_ptr()).bd_dev) }
    }

    /// Its name in the kernel, such as `sdb1`, with a NUL.
    pub(crate) fn name(&self) -> [u8; NAME_SIZE] {
        let mut name = [0; NAME_SIZE];
        // SAFETY: The device is valid; `name` has room for as many bytes as are said.
        unsafe {
            bindings::krsi_bdev_name(self.as_ptr(), name.as_mut_ptr().cast(), NAME_SIZE as c_int)
        };
        name
    }

    /// Whether its disk says that the medium can be taken out.
    pub(crate) fn has_removable_medium(&self) -> bool {
        // SAFETY: The disk is valid.
        unsafe { (*(*self.as_ptr()).bd_disk).flags as u32 & bindings::GENHD_FL_REMOVABLE != 0 }
    }

    /// Whether its disk is a piece of memory (brd).
    pub(crate) fn is_memory(&self) -> bool {
        // SAFETY: The disk is valid; the number never changes.
        unsafe { (*(*self.as_ptr()).bd_disk).major as u32 == bindings::RAMDISK_MAJOR }
    }

    /// The LSMs' composite blob; null if it has none.
    pub(crate) fn security(&self) -> *mut c_void {
        // SAFETY: The device is valid, and its blob lives as long as it does.
        unsafe { (*self.as_ptr()).bd_security }
    }

    /// The file that the disk's data lie in, if it is a loop device and has one now.
    pub(crate) fn backing_file(&self) -> Option<ARef<File>> {
        // SAFETY: The disk is valid; what is not null is a reference to a file that is ours, and
        // which no descriptor of this task refers to by a light reference meanwhile.
        unsafe {
            let file = NonNull::new(bindings::krsi_backing_file(self.as_ptr()))?;
            Some(ARef::from_raw(file.cast()))
        }
    }

    /// The devices that the disk claims, if it is a stacked one (dm, md): of both tables of a dm
    /// device, the active one and the other. Sleeps.
    pub(crate) fn slaves(&self) -> Result<KVec<ARef<BlockDev>>> {
        let mut room = 16;
        loop {
            let mut found: KVec<*mut bindings::block_device> =
                KVec::from_elem(null_mut(), room, GFP_KERNEL)?;
            let mut slaves = KVec::with_capacity(room, GFP_KERNEL)?;
            // SAFETY: The disk is valid, and `found` has room for as many as are said.
            let count =
                unsafe { bindings::krsi_slaves(self.as_ptr(), found.as_mut_ptr(), room as u32) }
                    as usize;
            for slave in found
                .iter()
                .take(count)
                .filter_map(|bdev| NonNull::new(*bdev))
            {
                // SAFETY: Each is a reference that is ours.
                let slave: ARef<BlockDev> = unsafe { ARef::from_raw(slave.cast()) };
                slaves.push(slave, GFP_KERNEL)?;
            }
            if count <= room {
                return Ok(slaves);
            }
            room = count;
        }
    }
}
