// SPDX-License-Identifier: GPL-2.0

//! Disks as they appear, and the devices that each hangs on.
//!
//! C header: [`include/linux/device/class.h`](srctree/include/linux/device/class.h).

use super::block::BlockDev;
use core::{
    cell::UnsafeCell,
    marker::PhantomData, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CStr, //
};

/// Who is told of disks.
pub(crate) trait Watch: 'static {
    /// A disk appears: it can't be opened yet, unless it was there before the registration. The
    /// class's mutex is held; may sleep.
    fn appears(disk: &BlockDev, parents: Parents<'_>);
}

/// A place among those who are told, to be a static.
///
/// # Invariants
///
/// Written by the class alone, under its mutex.
#[repr(transparent)]
pub(crate) struct Watcher(UnsafeCell<bindings::class_interface>);

// SAFETY: The class synchronises what it does with it.
unsafe impl Sync for Watcher {}

impl Watcher {
    /// The place of `W`.
    pub(crate) const fn new<W: Watch>() -> Self {
        Self(UnsafeCell::new(bindings::class_interface {
            class: &raw const bindings::block_class,
            add_dev: Some(added::<W>),
            ..pin_init::zeroed()
        }))
    }

    /// Has `W` told of all disks, those first that are there. Once, when the class is.
    pub(crate) fn register(&'static self) -> Result {
        // SAFETY: The static lives for ever.
        to_result(unsafe { bindings::class_interface_register(self.0.get()) })
    }
}

/// # Safety
///
/// Called by the block class with a disk or partition that is in it, under its mutex.
unsafe extern "C" fn added<W: Watch>(dev: *mut bindings::device) -> c_int {
    // SAFETY: A device of this class is that of a block device. A disk lets go of its parent when
    // it has left the class, for which this mutex is taken; and each device of its own likewise.
    unsafe {
        let disk = bindings::krsi_disk_of_device(dev);
        if !disk.is_null() {
            let parents = Parents {
                next: (*dev).parent,
                _held: PhantomData,
            };
            W::appears(BlockDev::from_ptr(disk), parents);
        }
    }
    0
}

/// The devices that a disk hangs on, from the nearest to the root.
///
/// # Invariants
///
/// `next` is null or a device that lives for `'a`.
pub(crate) struct Parents<'a> {
    next: *mut bindings::device,
    _held: PhantomData<&'a bindings::device>,
}

impl<'a> Iterator for Parents<'a> {
    type Item = Device<'a>;

    fn next(&mut self) -> Option<Device<'a>> {
        if self.next.is_null() {
            return None;
        }
        let device = Device(self.next, PhantomData);
        // SAFETY: The device lives by the invariants, and a device that is there holds its parent.
        self.next = unsafe { (*self.next).parent };
        Some(device)
    }
}

/// Whether a device is meant to be unplugged, as far as the firmware or the bus knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removable {
    /// It is built in.
    Fixed,
    /// It can be unplugged or taken out.
    Removable,
    /// Nobody has said so.
    Unknown,
}

/// A device that a disk hangs on.
///
/// # Invariants
///
/// The device lives for `'a`.
pub(crate) struct Device<'a>(*mut bindings::device, PhantomData<&'a bindings::device>);

impl<'a> Device<'a> {
    /// The name of its bus, if it is on one.
    pub(crate) fn bus(&self) -> Option<&'a CStr> {
        // SAFETY: The device lives, and with it its bus, whose name never changes.
        unsafe {
            let bus = (*self.0).bus;
            (!bus.is_null()).then(|| CStr::from_char_ptr((*bus).name))
        }
    }

    /// Whether it can be unplugged.
    pub(crate) fn removable(&self) -> Removable {
        // SAFETY: The device lives; the field is set before it is registered.
        match unsafe { (*self.0).removable } {
            bindings::device_removable_DEVICE_FIXED => Removable::Fixed,
            bindings::device_removable_DEVICE_REMOVABLE => Removable::Removable,
            _ => Removable::Unknown,
        }
    }

    /// The USB device that it is, not an interface of one.
    ///
    /// USB may be a module: it is told by the names of its bus and type.
    pub(crate) fn usb(&self) -> Option<UsbDevice<'a>> {
        let bus = self.bus()?;
        // SAFETY: The device lives, and with it its type, whose name never changes.
        let kind = unsafe {
            let kind = (*self.0).type_;
            if kind.is_null() || (*kind).name.is_null() {
                return None;
            }
            CStr::from_char_ptr((*kind).name)
        };
        if bus.to_bytes() != b"usb" || kind.to_bytes() != b"usb_device" {
            return None;
        }
        // SAFETY: On this bus the devices of this type are those of a `struct usb_device`.
        Some(UsbDevice(
            unsafe { bindings::krsi_usb_device(self.0) },
            PhantomData,
        ))
    }
}

/// A USB device.
///
/// # Invariants
///
/// The device lives for `'a`.
pub(crate) struct UsbDevice<'a>(
    *mut bindings::usb_device,
    PhantomData<&'a bindings::usb_device>,
);

impl<'a> UsbDevice<'a> {
    /// Whether it is the controller's own hub.
    pub(crate) fn is_root_hub(&self) -> bool {
        // SAFETY: The device lives; its parent never changes.
        unsafe { (*self.0).parent.is_null() }
    }

    /// Who made it, as it says.
    pub(crate) fn vendor(&self) -> u16 {
        // SAFETY: The device lives.
        unsafe { bindings::krsi_usb_vendor(self.0) }
    }

    /// What it is, as it says.
    pub(crate) fn product(&self) -> u16 {
        // SAFETY: The device lives.
        unsafe { bindings::krsi_usb_product(self.0) }
    }

    /// Its serial number, as it says, if it has one.
    pub(crate) fn serial(&self) -> Option<&'a CStr> {
        // SAFETY: The device lives; the string is set before it is registered and lives as long.
        unsafe {
            let serial = (*self.0).serial;
            (!serial.is_null()).then(|| CStr::from_char_ptr(serial))
        }
    }
}
