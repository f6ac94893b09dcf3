// SPDX-License-Identifier: GPL-2.0

//! The way down from a device, a file or a superblock to the disks that carry it.
//!
//! Holds a reference to each device while it is looked at, and no lock from one to the next. The
//! way has a bound; what lies beyond it is told as `KRSI_TRANSPORT_MORE`.

use crate::{
    boundary::{
        block::BlockDev,
        superblock::SuperBlock, //
    },
    bpf::abi,
    state::stands::{
        self,
        Stands, //
    }, //
};
use kernel::{
    fs::File,
    prelude::*,
    sync::aref::ARef, //
};

/// How many devices are looked at: an array has as many as 384.
const BOUND: usize = 1024;

/// What a device stands on.
pub(super) fn below_device(bdev: &BlockDev) -> Stands {
    let mut walk = Walk::default();
    walk.device(bdev);
    walk.finish()
}

/// What a file stands on: the device that it is, or what its filesystem stands on.
pub(super) fn below_file(file: &File) -> Stands {
    let mut walk = Walk::default();
    walk.file(file);
    walk.finish()
}

/// What a superblock stands on, with the layers of an overlay.
pub(super) fn superblock(sb: &SuperBlock) -> Stands {
    let mut found = stands::superblock(sb);
    if sb.is_on_mtd() {
        found.join(&Stands::on(abi::KRSI_TRANSPORT_UNKNOWN));
    }
    match sb.layers() {
        Some(layers) => (0..layers)
            .filter_map(|n| sb.layer(n))
            .for_each(|layer| found.join(&data_of(layer))),
        None if sb.is_stacked() => found.join(&Stands::on(abi::KRSI_TRANSPORT_UNKNOWN)),
        None => {}
    }
    found
}

/// What the data of a filesystem's files stand on: of one that took no device nobody knows. A layer
/// may have got a device since the overlay was mounted. Overlays stack no deeper than
/// `FILESYSTEM_MAX_STACK_DEPTH`.
fn data_of(sb: &SuperBlock) -> Stands {
    if sb.layers().is_some() {
        return superblock(sb);
    }
    let found = stands::superblock(sb);
    if found.transports() != 0 {
        return found;
    }
    Stands::on(if sb.is_memory() {
        abi::KRSI_TRANSPORT_MEMORY
    } else {
        abi::KRSI_TRANSPORT_UNKNOWN
    })
}

#[derive(Default)]
struct Walk {
    found: Stands,
    /// What is still to be looked at.
    below: KVec<ARef<BlockDev>>,
    seen: usize,
}

impl Walk {
    /// Looks at what was put off, and so on.
    fn finish(mut self) -> Stands {
        while let Some(bdev) = self.below.pop() {
            self.device(&bdev);
        }
        self.found
    }

    fn join(&mut self, transport: u32) {
        self.found.join(&Stands::on(transport));
    }

    fn later(&mut self, bdev: ARef<BlockDev>) {
        let room = self.seen + self.below.len() < BOUND;
        if !room || self.below.push(bdev, GFP_KERNEL).is_err() {
            self.join(abi::KRSI_TRANSPORT_MORE);
        }
    }

    fn device(&mut self, bdev: &BlockDev) {
        self.seen += 1;
        let disk = bdev.disk();
        let own = stands::disk(disk);
        self.found.join(&own);
        let mut known = own.transports() != 0;

        if let Some(file) = disk.backing_file() {
            known = true;
            self.file(&file);
        }
        match disk.slaves() {
            Ok(slaves) => {
                known |= !slaves.is_empty();
                slaves.into_iter().for_each(|slave| self.later(slave));
            }
            Err(_) => self.join(abi::KRSI_TRANSPORT_MORE),
        }
        if !known {
            self.join(if disk.is_memory() {
                abi::KRSI_TRANSPORT_MEMORY
            } else {
                abi::KRSI_TRANSPORT_UNKNOWN
            });
        }
    }

    fn file(&mut self, file: &File) {
        match BlockDev::of_file(file) {
            Some(bdev) => self.later(bdev.into()),
            None => self.found.join(&data_of(SuperBlock::of_file(file))),
        }
    }
}
