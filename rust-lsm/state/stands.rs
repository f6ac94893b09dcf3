// SPDX-License-Identifier: GPL-2.0

//! What carries data: noted with a disk when it appears, and with a superblock whenever its
//! filesystem takes a device; and which mounted superblocks stand on USB.
//!
//! All notes are written and read under one mutex, for mounts are no hot path. It is taken last
//! of all; allocates under it.

use super::blob;
use crate::{
    boundary::{
        block::BlockDev,
        superblock::{
            self,
            SuperBlock, //
        }, //
    },
    bpf::abi::{
        self,
        UsbId, //
    }, //
};
use core::{
    cell::UnsafeCell,
    mem::size_of, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        SetOnce, //
    }, //
};

/// What data stand on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stands {
    /// `KRSI_TRANSPORT_*`.
    transports: u32,
    /// Whether there is more than one USB device.
    several: bool,
    /// The first of them, where `transports` has USB.
    usb: UsbId,
}

const _: () = assert!(size_of::<Stands>() <= blob::SUPERBLOCK_SIZE as usize);
const _: () = assert!(size_of::<Stands>() <= blob::BDEV_SIZE as usize);

const USB: u32 = abi::KRSI_TRANSPORT_USB | abi::KRSI_TRANSPORT_USB_FIXED;

fn same(a: &UsbId, b: &UsbId) -> bool {
    a.vendor == b.vendor && a.product == b.product && a.flags == b.flags && a.serial == b.serial
}

impl Stands {
    /// On these, none of which is USB.
    pub(crate) fn on(transports: u32) -> Self {
        Self {
            transports: transports & !USB,
            ..Default::default()
        }
    }

    /// On this USB device.
    pub(crate) fn on_usb(usb: UsbId) -> Self {
        let fixed = usb.flags & abi::KRSI_USB_FIXED != 0;
        Self {
            transports: if fixed {
                abi::KRSI_TRANSPORT_USB_FIXED
            } else {
                abi::KRSI_TRANSPORT_USB
            },
            several: false,
            usb,
        }
    }

    /// On that as well. Two devices that say the same of themselves are one: no policy could tell
    /// them apart.
    pub(crate) fn join(&mut self, other: &Self) {
        if other.is_on_usb() {
            if self.is_on_usb() {
                self.several |= other.several || !same(&self.usb, &other.usb);
            } else {
                self.usb = other.usb;
                self.several = other.several;
            }
        }
        self.transports |= other.transports;
    }

    /// `KRSI_TRANSPORT_*`.
    pub(crate) fn transports(&self) -> u32 {
        self.transports
    }

    /// Whether a USB device is among what it stands on.
    pub(crate) fn is_on_usb(&self) -> bool {
        self.transports & USB != 0
    }

    /// The USB device: `ENODATA` if there is none, `E2BIG` if there are several.
    pub(crate) fn usb(&self) -> Result<&UsbId> {
        match (self.is_on_usb(), self.several) {
            (false, _) => Err(ENODATA),
            (true, false) => Ok(&self.usb),
            (true, true) => Err(E2BIG),
        }
    }
}

/// A mounted superblock that stands on USB.
#[derive(Clone, Copy)]
pub(crate) struct Mounted {
    address: usize,
    /// The name of its type, with a NUL.
    pub(crate) fs_type: [u8; superblock::NAME_SIZE],
    /// What it is called, with a NUL.
    pub(crate) name: [u8; superblock::NAME_SIZE],
}

/// Those that are mounted.
struct OnUsb {
    mounted: KVec<Mounted>,
    /// How many are missing for want of memory.
    lost: u64,
}

/// It also guards the notes in all blobs.
static ON_USB: SetOnce<Pin<KBox<Mutex<OnUsb>>>> = SetOnce::new();

/// Once, at boot, before there is a disk.
pub(crate) fn init() -> Result {
    let none = OnUsb {
        mounted: KVec::new(),
        lost: 0,
    };
    ON_USB.populate(KBox::pin_init(new_mutex!(none, "krsi_stands"), GFP_KERNEL)?);
    Ok(())
}

/// Looks at the note of a blob under the mutex; `None` if there is no blob, or before `init`.
///
/// # Safety
///
/// `note` is the LSM's part of a blob, which holds a `Stands` that is accessed by this function
/// alone.
unsafe fn with<R>(
    note: Option<&UnsafeCell<Stands>>,
    look: impl FnOnce(&mut Stands, &mut OnUsb) -> R,
) -> Option<R> {
    let note = note?;
    let mut on_usb = ON_USB.as_ref()?.lock();
    // SAFETY: By the caller's guarantee nobody has a reference to it who doesn't hold the mutex.
    Some(look(unsafe { &mut *note.get() }, &mut on_usb))
}

fn of_blob_of_disk<R>(
    disk: &BlockDev,
    look: impl FnOnce(&mut Stands, &mut OnUsb) -> R,
) -> Option<R> {
    // SAFETY: The blob is null or lives as long as the device does; the size is checked above, and
    // zero is valid for integers and false. Nothing else is in this part of the blob.
    unsafe { with(blob::bdev(disk.disk().security()), look) }
}

fn of_blob<R>(sb: &SuperBlock, look: impl FnOnce(&mut Stands, &mut OnUsb) -> R) -> Option<R> {
    // SAFETY: As for a disk.
    unsafe { with(blob::superblock(sb.security()), look) }
}

/// Notes what a disk hangs on.
pub(crate) fn note_disk(disk: &BlockDev, stands: &Stands) {
    of_blob_of_disk(disk, |note, _| *note = *stands);
}

/// What a disk, or that of a partition, was noted to hang on: nothing if it is a virtual one.
pub(crate) fn disk(disk: &BlockDev) -> Stands {
    of_blob_of_disk(disk, |note, _| *note).unwrap_or(Stands::on(abi::KRSI_TRANSPORT_UNKNOWN))
}

/// Notes that a superblock stands on that too, and whether it is mounted.
pub(crate) fn add(sb: &SuperBlock, stands: &Stands) {
    of_blob(sb, |note, on_usb| {
        note.join(stands);
        if note.is_on_usb() && sb.is_filled() {
            on_usb.enter(sb);
        }
    });
}

/// What a superblock stands on: nothing if it took no device.
pub(crate) fn superblock(sb: &SuperBlock) -> Stands {
    of_blob(sb, |note, _| *note).unwrap_or(Stands::on(abi::KRSI_TRANSPORT_UNKNOWN))
}

/// A superblock is freed.
pub(crate) fn forget(sb: &SuperBlock) {
    of_blob(sb, |note, on_usb| {
        if note.is_on_usb() {
            on_usb.leave(sb);
        }
    });
}

/// Calls `look` for each mounted superblock that stands on USB; returns how many are missing.
/// Under the mutex: `look` must not call anything here.
pub(crate) fn for_each_on_usb(mut look: impl FnMut(&Mounted)) -> u64 {
    let Some(on_usb) = ON_USB.as_ref() else {
        return 0;
    };
    let on_usb = on_usb.lock();
    on_usb.mounted.iter().for_each(&mut look);
    on_usb.lost
}

impl OnUsb {
    fn enter(&mut self, sb: &SuperBlock) {
        let address = sb.address();
        if self
            .mounted
            .iter()
            .any(|mounted| mounted.address == address)
        {
            return;
        }
        let mounted = Mounted {
            address,
            fs_type: sb.type_name(),
            name: sb.name(),
        };
        if self.mounted.push(mounted, GFP_KERNEL_ACCOUNT).is_err() {
            self.lost += 1;
        }
    }

    fn leave(&mut self, sb: &SuperBlock) {
        let address = sb.address();
        let found = self.mounted.iter().position(|m| m.address == address);
        if let Some(found) = found {
            let _gone = self.mounted.remove(found);
        }
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_stands)]
mod tests {
    use super::*;

    fn usb(serial: u8, flags: u32) -> Stands {
        let mut id = UsbId {
            flags,
            ..Default::default()
        };
        id.serial[0] = serial;
        Stands::on_usb(id)
    }

    fn errno(stands: &Stands) -> c_int {
        stands.usb().err().map_or(0, |e| e.to_errno())
    }

    #[test]
    fn nothing_stands_on_no_usb() {
        let mut stands = Stands::default();
        assert_eq!(stands.transports(), 0);
        stands.join(&Stands::on(abi::KRSI_TRANSPORT_LOCAL));
        assert_eq!(stands.transports(), abi::KRSI_TRANSPORT_LOCAL);
        assert!(!stands.is_on_usb());
        assert_eq!(errno(&stands), -61);
    }

    #[test]
    fn one_usb_device_is_named_whatever_else_there_is() {
        let mut stands = Stands::on(abi::KRSI_TRANSPORT_LOCAL);
        stands.join(&usb(b'a', 0));
        stands.join(&usb(b'a', 0));
        stands.join(&Stands::on(abi::KRSI_TRANSPORT_MEMORY));
        assert!(stands.is_on_usb());
        assert!(stands.usb().is_ok_and(|id| id.serial[0] == b'a'));
    }

    #[test]
    fn of_several_usb_devices_none_is_named() {
        let mut stands = usb(b'a', 0);
        stands.join(&usb(b'b', abi::KRSI_USB_FIXED));
        assert_eq!(errno(&stands), -7);
        assert_eq!(stands.transports(), USB);
        let mut above = Stands::default();
        above.join(&stands);
        assert_eq!(errno(&above), -7);
        above.join(&usb(b'a', 0));
        assert_eq!(errno(&above), -7);
    }
}
