// SPDX-License-Identifier: GPL-2.0

//! The behaviour `mount`: a filesystem takes a device, is mounted or changed; or something is
//! swapped to.
//!
//! Judged is the device that is open, before anything is read from it, and what is found below
//! it; what a superblock stands on is noted with it from boot, attached policies or not. Process
//! context, the superblock's `s_umount` and locks of the filesystem are held: programs must not
//! sleep.

pub(crate) mod disks;
pub(crate) mod listing;
mod walk;

use crate::{
    boundary::{
        block::BlockDev,
        superblock::SuperBlock, //
    },
    bpf::{
        abi,
        event::{
            About,
            Event,
            Subject, //
        },
        ops::{
            self,
            Op, //
        }, //
    },
    policy::{
        dispatch::dispatch,
        lists, //
    },
    state::stands::{
        self,
        Stands, //
    }, //
};
use kernel::{
    fs::File,
    prelude::*, //
};

/// A filesystem has opened a device; without a superblock it only looks what is there.
pub(crate) fn opened(sb: Option<&SuperBlock>, bdev: &BlockDev) -> Result {
    let found = walk::below_device(bdev);
    let flags = match sb {
        // What joins a filesystem in use is written to, whatever that says: a seed of btrfs.
        Some(sb) => read_only(sb.is_read_only() && !sb.is_filled()),
        None => abi::KRSI_MOUNT_SCAN,
    };
    let context = abi::Mount {
        stage: abi::KRSI_MOUNT_DEVICE,
        flags,
        dev: bdev.number(),
        device: bdev.name(),
        fs_type: sb.map(SuperBlock::type_name).unwrap_or_default(),
        ..Default::default()
    };
    tell(&found, context)?;
    if let Some(sb) = sb {
        stands::add(sb, &found);
    }
    Ok(())
}

/// A mount is about to be made of a superblock, the first or another one.
pub(crate) fn mounted(sb: &SuperBlock) -> Result {
    let found = walk::superblock(sb);
    tell(
        &found,
        of_superblock(sb, abi::KRSI_MOUNT_MOUNT, sb.is_read_only()),
    )?;
    stands::add(sb, &found);
    Ok(())
}

/// A superblock is about to be changed.
pub(crate) fn changed(sb: &SuperBlock, will_be_read_only: bool) -> Result {
    let found = walk::superblock(sb);
    tell(
        &found,
        of_superblock(sb, abi::KRSI_MOUNT_REMOUNT, will_be_read_only),
    )
}

/// A file or a device is about to be swapped to.
pub(crate) fn swapped_to(file: &File) -> Result {
    let found = walk::below_file(file);
    let context = match BlockDev::of_file(file) {
        Some(bdev) => abi::Mount {
            stage: abi::KRSI_MOUNT_SWAP,
            dev: bdev.number(),
            device: bdev.name(),
            ..Default::default()
        },
        None => of_superblock(SuperBlock::of_file(file), abi::KRSI_MOUNT_SWAP, false),
    };
    tell(&found, context)
}

fn read_only(holds: bool) -> u32 {
    if holds {
        abi::KRSI_MOUNT_READ_ONLY
    } else {
        0
    }
}

fn of_superblock(sb: &SuperBlock, stage: u32, is_read_only: bool) -> abi::Mount {
    abi::Mount {
        stage,
        flags: read_only(is_read_only),
        dev: sb.number(),
        device: sb.name(),
        fs_type: sb.type_name(),
        ..Default::default()
    }
}

/// Tells the policies; the answer is the mount's.
fn tell(found: &Stands, context: abi::Mount) -> Result {
    if !lists::is_wanted(Op::Mount) {
        return Ok(());
    }
    let context = abi::Mount {
        transports: found.transports(),
        ..context
    };
    let about = About::Mount(found.usb());

    dispatch::<ops::Mount>(&Event::new(Subject::None, about, context))
}
