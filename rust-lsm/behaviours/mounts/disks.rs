// SPDX-License-Identifier: GPL-2.0

//! What a disk hangs on, noted when it appears: later its parents may be going.
//!
//! From boot on, attached policies or not.

use crate::{
    boundary::{
        block::BlockDev,
        block_class::{
            Parents,
            Removable,
            UsbDevice,
            Watch,
            Watcher, //
        }, //
    },
    bpf::abi::{
        self,
        UsbId, //
    },
    state::stands::{
        self,
        Stands, //
    }, //
};
use kernel::prelude::*;

/// Buses that lead to a disk of the machine's own, if no USB is on the way.
const OWN: [&[u8]; 8] = [
    b"pci",
    b"virtio",
    b"platform",
    b"mmc",
    b"xen",
    b"vmbus",
    b"vio",
    b"nd",
];

/// Buses that lead out of the machine, whatever is behind them.
const OUTWARD: [&[u8]; 3] = [b"firewire", b"thunderbolt", b"vdpa"];

static WATCHER: Watcher = Watcher::new::<Disks>();

/// Begins to watch. Once, at boot, when the class is there and no disk.
pub(crate) fn watch() -> Result {
    WATCHER.register()
}

struct Disks;

impl Watch for Disks {
    fn appears(disk: &BlockDev, parents: Parents<'_>) {
        stands::note_disk(disk, &stands_on(disk, parents));
    }
}

/// Nothing for a disk without a parent: it is made of others, or by a program.
fn stands_on(disk: &BlockDev, parents: Parents<'_>) -> Stands {
    let mut found = Found::default();
    let mut usb = None;
    for device in parents {
        found.device(device.bus().map(CStr::to_bytes), device.removable());
        if let Some(device_of_usb) = device.usb().filter(|usb| !usb.is_root_hub()) {
            found.loose |= device.removable() != Removable::Fixed;
            usb.get_or_insert(device_of_usb);
        }
    }
    found.loose |= disk.has_removable_medium();
    if found.usb {
        return Stands::on_usb(usb_id(usb, found.is_fixed()));
    }
    Stands::on(found.transport())
}

/// What was seen on the way from a disk to the root.
#[derive(Default)]
struct Found {
    any: bool,
    usb: bool,
    own: bool,
    outward: bool,
    /// Something on the way may be unplugged, or its medium taken out.
    loose: bool,
}

impl Found {
    fn device(&mut self, bus: Option<&[u8]>, removable: Removable) {
        self.any = true;
        // Such as a card, whose disk does not say it of its medium.
        self.loose |= removable == Removable::Removable;
        let Some(bus) = bus else {
            return;
        };
        self.usb |= bus == b"usb";
        self.own |= OWN.contains(&bus);
        // What is tunnelled through a port for anything (Thunderbolt) is on PCI as well.
        self.outward |=
            OUTWARD.contains(&bus) || (bus == b"pci" && removable == Removable::Removable);
    }

    fn is_fixed(&self) -> bool {
        self.usb && !self.loose
    }

    fn transport(&self) -> u32 {
        match (self.any, self.own && !self.outward) {
            (false, _) => 0,
            (true, true) => abi::KRSI_TRANSPORT_LOCAL,
            (true, false) => abi::KRSI_TRANSPORT_UNKNOWN,
        }
    }
}

fn usb_id(usb: Option<UsbDevice<'_>>, fixed: bool) -> UsbId {
    let mut id = UsbId::default();
    if fixed {
        id.flags |= abi::KRSI_USB_FIXED;
    }
    let Some(usb) = usb else {
        return id;
    };
    id.vendor = usb.vendor();
    id.product = usb.product();
    let serial = usb.serial().map(CStr::to_bytes).unwrap_or_default();
    if serial.len() < id.serial.len() {
        for (to, from) in id.serial.iter_mut().zip(serial) {
            *to = *from as c_char;
        }
    } else {
        id.flags |= abi::KRSI_USB_SERIAL_LONG;
    }
    id
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_disks)]
mod tests {
    use super::*;

    fn found(buses: &[Option<&[u8]>]) -> Found {
        let mut found = Found::default();
        buses
            .iter()
            .for_each(|bus| found.device(*bus, Removable::Unknown));
        found
    }

    #[test]
    fn usb_anywhere_on_the_way_is_usb() {
        for way in [
            &[Some(&b"scsi"[..]), Some(b"usb"), Some(b"usb"), Some(b"pci")][..],
            &[Some(b"mmc"), Some(b"platform"), Some(b"usb"), None],
        ] {
            assert!(found(way).usb);
        }
        assert!(!found(&[Some(b"usb2"), Some(b"us"), None]).usb);
    }

    #[test]
    fn a_known_bus_makes_a_disk_the_machines_own() {
        let own = abi::KRSI_TRANSPORT_LOCAL;
        assert_eq!(
            found(&[Some(b"virtio"), Some(b"pci"), None]).transport(),
            own
        );
        assert_eq!(found(&[Some(b"scsi"), None, Some(b"pci")]).transport(), own);
        assert_eq!(found(&[]).transport(), 0);
        let unknown = abi::KRSI_TRANSPORT_UNKNOWN;
        assert_eq!(found(&[None]).transport(), unknown);
        assert_eq!(
            found(&[Some(b"scsi"), Some(b"tcm_loop_bus")]).transport(),
            unknown
        );
        let outward = [Some(&b"scsi"[..]), Some(b"firewire"), Some(b"pci")];
        assert_eq!(found(&outward).transport(), unknown);
        // A program's disk (VDUSE), and an enclosure's behind a port for anything.
        let program = [Some(&b"virtio"[..]), Some(b"vdpa"), None];
        assert_eq!(found(&program).transport(), unknown);
        let mut enclosure = found(&[Some(b"nvme"), Some(b"pci")]);
        enclosure.device(Some(b"pci"), Removable::Removable);
        assert_eq!(enclosure.transport(), unknown);
    }

    #[test]
    fn what_may_be_unplugged_is_not_fixed() {
        let mut way = found(&[Some(b"usb")]);
        assert!(way.is_fixed());
        way.loose = true;
        assert!(!way.is_fixed());
        let mut card = found(&[Some(b"platform"), Some(b"usb")]);
        card.device(Some(b"mmc"), Removable::Removable);
        assert!(!card.is_fixed());
    }
}
