// SPDX-License-Identifier: GPL-2.0-or-later

//! The USB sticks that are plugged in, as sysfs tells them, and how a policy names one.

use std::{
    fmt, fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rustix::fs::{major, minor};

use crate::text::before_nul;

/// `bInterfaceClass` of what stores.
const MASS_STORAGE: &str = "08";

/// Which stick it is: `struct krsi_usb_id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsbId {
    /// idVendor
    pub vendor: u16,
    /// idProduct
    pub product: u16,
    /// The serial number; empty if it has none.
    pub serial: String,
}

impl UsbId {
    /// From a key of the map `allowed_usb`.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let word = |at| Some(u16::from_ne_bytes([*key.get(at)?, *key.get(at + 1)?]));
        Some(Self {
            vendor: word(0)?,
            product: word(2)?,
            serial: String::from_utf8_lossy(before_nul(key.get(8..)?)).into_owned(),
        })
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04x}:{:04x}:{}",
            self.vendor, self.product, self.serial
        )
    }
}

/// A stick that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stick {
    /// Which one.
    pub id: UsbId,
    /// Where it is plugged in, such as `1-2.4`.
    pub port: String,
    /// Who made it, and what it is called, as far as it says so.
    pub called: String,
    /// The block devices on it.
    pub devices: Vec<String>,
}

/// A file of sysfs, without the newline.
fn attribute(dir: &Path, name: &str) -> Option<String> {
    let bytes = fs::read(dir.join(name)).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    Some(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// The USB device that a device of sysfs hangs on.
fn usb_device(of: &Path) -> Option<&Path> {
    of.ancestors().find(|dir| dir.join("idVendor").exists())
}

/// Sub-directories, by their names.
fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Whole disks with the USB devices that they hang on, and their partitions.
fn disks(sys: &Path) -> Vec<(PathBuf, Vec<String>)> {
    below(&sys.join("block"))
        .iter()
        .filter_map(|disk| {
            let disk = disk.canonicalize().ok()?;
            let device = usb_device(&disk)?.to_owned();
            let mut names = vec![name(&disk)];
            names.extend(
                below(&disk)
                    .iter()
                    .filter(|dir| dir.join("partition").exists())
                    .map(|dir| name(dir)),
            );
            Some((device, names))
        })
        .collect()
}

fn stores(device: &Path) -> bool {
    below(device)
        .iter()
        .any(|dir| attribute(dir, "bInterfaceClass").as_deref() == Some(MASS_STORAGE))
}

/// The sticks below the directory `sys`, which is `/sys`: all USB devices that store.
pub fn plugged_in(sys: &Path) -> Result<Vec<Stick>> {
    let disks = disks(sys);
    let mut sticks = Vec::new();
    for device in below(&sys.join("bus/usb/devices")) {
        // It may be pulled out meanwhile.
        let Ok(device) = device.canonicalize() else {
            continue;
        };
        let number = |name| u16::from_str_radix(&attribute(&device, name)?, 16).ok();
        let (Some(vendor), Some(product)) = (number("idVendor"), number("idProduct")) else {
            continue;
        };
        let devices: Vec<_> = disks
            .iter()
            .filter(|(of, _)| *of == device)
            .flat_map(|(_, names)| names.clone())
            .collect();
        if devices.is_empty() && !stores(&device) {
            continue;
        }
        let text = |name| attribute(&device, name).unwrap_or_default();
        let called = format!("{} {}", text("manufacturer").trim(), text("product").trim());
        sticks.push(Stick {
            id: UsbId {
                vendor,
                product,
                serial: text("serial"),
            },
            port: name(&device),
            called: called.trim().to_owned(),
            devices,
        });
    }
    Ok(sticks)
}

/// The stick of these that a block device lies on, such as `/dev/sdb1`.
pub fn stick_of<'a>(sticks: &'a [Stick], device: &Path) -> Result<&'a Stick> {
    let shown = device.display();
    let meta = fs::metadata(device).with_context(|| shown.to_string())?;
    ensure!(
        meta.file_type().is_block_device(),
        "{shown} is no block device"
    );
    let number = meta.rdev();
    let link = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    let there = fs::canonicalize(&link).with_context(|| format!("{shown}: {link}"))?;
    let port = usb_device(&there).map(name);
    sticks
        .iter()
        .find(|stick| Some(&stick.port) == port.as_ref())
        .with_context(|| {
            format!("{shown} is on no USB stick: `krsi usb list` says which there are")
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn plug(sys: &Path, port: &str, serial: Option<&str>, disk: Option<&str>) {
        let device = sys.join("devices/pci/usb1").join(port);
        let interface = device.join(format!("{port}:1.0"));
        fs::create_dir_all(&interface).unwrap();
        for (file, text) in [
            ("idVendor", "0951\n"),
            ("idProduct", "1666\n"),
            ("product", "DT \n"),
        ] {
            fs::write(device.join(file), text).unwrap();
        }
        if let Some(serial) = serial {
            fs::write(device.join("serial"), format!("{serial}\n")).unwrap();
        }
        fs::write(interface.join("bInterfaceClass"), "08\n").unwrap();
        symlink(&device, sys.join("bus/usb/devices").join(port)).unwrap();
        symlink(&interface, sys.join(format!("bus/usb/devices/{port}:1.0"))).unwrap();
        if let Some(disk) = disk {
            let block = interface.join("host2/block").join(disk);
            fs::create_dir_all(block.join(format!("{disk}1"))).unwrap();
            fs::write(block.join(format!("{disk}1/partition")), "1\n").unwrap();
            symlink(&block, sys.join("block").join(disk)).unwrap();
        }
    }

    fn sys() -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        for dir in ["bus/usb/devices", "block", "devices/virtual/block/loop0"] {
            fs::create_dir_all(sys.path().join(dir)).unwrap();
        }
        let disk = sys.path().join("devices/virtual/block/loop0");
        symlink(disk, sys.path().join("block/loop0")).unwrap();
        sys
    }

    #[test]
    fn finds_sticks_with_what_lies_on_them() {
        let sys = sys();
        assert_eq!(plugged_in(sys.path()).unwrap(), []);
        plug(sys.path(), "1-1", Some("A b"), Some("sdb"));
        plug(sys.path(), "1-2", None, None);
        let mouse = sys.path().join("bus/usb/devices/1-3");
        fs::create_dir(&mouse).unwrap();
        fs::write(mouse.join("idVendor"), "1234").unwrap();
        fs::write(mouse.join("idProduct"), "1234").unwrap();

        let sticks = plugged_in(sys.path()).unwrap();
        assert_eq!(sticks.len(), 2, "{sticks:?}");
        assert_eq!(sticks[0].id.to_string(), "0951:1666:A b");
        assert_eq!(sticks[0].devices, ["sdb", "sdb1"]);
        assert_eq!(sticks[0].called, "DT");
        assert_eq!(sticks[1].id.to_string(), "0951:1666:");
        assert_eq!(
            (sticks[1].port.as_str(), sticks[1].devices.len()),
            ("1-2", 0)
        );
    }

    #[test]
    fn what_is_no_stick_is_told() {
        for wrong in ["/dev/null", "/no/such", "/"] {
            assert!(stick_of(&[], Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_is_what_a_key_is_made_of() {
        for text in ["0951:1666:A:b", "0001:ffff:"] {
            let entry = crate::policy::entry::Entry::allow_usb(text).unwrap();
            assert_eq!(UsbId::from_key(&entry.key).unwrap().to_string(), text);
        }
        assert_eq!(UsbId::from_key(b"short"), None);
    }
}
