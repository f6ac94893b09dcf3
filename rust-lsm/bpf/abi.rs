// SPDX-License-Identifier: GPL-2.0

//! The types of the ABI header under their Rust names, and what may be done with their bytes.
//!
//! C header: [`bpf-helpers/krsi.h`](srctree/security/krsi/bpf-helpers/krsi.h).

use crate::{
    boundary::{
        inode::InodeId,
        module,
        place,
        prog_mem::{
            Plain,
            ProgMem, //
        },
        sha256,
        verity, //
    },
    file_digest, //
};
use core::{
    mem::{
        offset_of,
        size_of, //
    },
    ptr::null_mut, //
};
use kernel::bindings;

pub(crate) use kernel::bindings::{
    krsi_digest as Digest,
    krsi_event as EventHeader,
    krsi_exec as Exec,
    krsi_exec_unlink as ExecUnlink,
    krsi_executed as Executed,
    krsi_file_id as FileId,
    krsi_map_exec as MapExec,
    krsi_module as Module,
    krsi_module_hidden as ModuleHidden,
    krsi_module_load as ModuleLoad,
    krsi_module_loader as ModuleLoader,
    krsi_module_request as ModuleRequest,
    krsi_mount as Mount,
    krsi_task_id as TaskId,
    krsi_unlink as Unlink,
    krsi_usb_id as UsbId, //
};

pub(crate) use kernel::bindings::{
    KRSI_ABI,
    KRSI_ALTERED_CHAIN,
    KRSI_ALTERED_LINKS,
    KRSI_ALTERED_MEMORY,
    KRSI_ALTERED_NAME,
    KRSI_ALTERED_OTHER,
    KRSI_ALTERED_STATE,
    KRSI_ALTERED_SYMBOLS,
    KRSI_ALTERED_SYSFS,
    KRSI_AUDIT,
    KRSI_DIGEST_DENIED,
    KRSI_DIGEST_LASTS,
    KRSI_DIGEST_SHA256,
    KRSI_DIGEST_SIZE,
    KRSI_DIGEST_VERITY_SHA256,
    KRSI_DIGEST_VERITY_SHA512,
    KRSI_ENV_NAME_SIZE,
    KRSI_EXEC_CHECK,
    KRSI_EXEC_DETACHED,
    KRSI_EXEC_ELSEWHERE,
    KRSI_EXEC_MEMFD,
    KRSI_EXEC_MOUNT_ROOT,
    KRSI_EXEC_OVERLAY_UPPER,
    KRSI_EXEC_PRIVILEGED,
    KRSI_EXEC_SCRIPT,
    KRSI_EXEC_TORN,
    KRSI_EXEC_UNLINKED,
    KRSI_EXEC_USER_MOUNT,
    KRSI_EXEC_WRITABLE,
    KRSI_FAIL_CLOSED,
    KRSI_MAP_BY_EXEC,
    KRSI_MAP_MEMFD,
    KRSI_MAP_MMAP,
    KRSI_MAP_MPROTECT,
    KRSI_MAP_PROGRAM,
    KRSI_MAP_SHARED,
    KRSI_MAP_UNLINKED,
    KRSI_MAP_WRITABLE,
    KRSI_MODULE_FILE,
    KRSI_MODULE_MALFORMED,
    KRSI_MODULE_MEMORY,
    KRSI_MODULE_NAME_DIFFERS,
    KRSI_MOUNT_DEVICE,
    KRSI_MOUNT_MOUNT,
    KRSI_MOUNT_READ_ONLY,
    KRSI_MOUNT_REMOUNT,
    KRSI_MOUNT_SCAN,
    KRSI_MOUNT_SWAP,
    KRSI_NAME_GONE,
    KRSI_NAME_OTHER,
    KRSI_NAME_SAME,
    KRSI_NAME_SIZE,
    KRSI_NAME_UNKNOWN,
    KRSI_NO_RECORD,
    KRSI_REASON_SIZE,
    KRSI_SEEDED,
    KRSI_TASK_INITIAL_NS,
    KRSI_TASK_NS_ROOT,
    KRSI_TRANSPORT_LOCAL,
    KRSI_TRANSPORT_MEMORY,
    KRSI_TRANSPORT_MORE,
    KRSI_TRANSPORT_UNKNOWN,
    KRSI_TRANSPORT_USB,
    KRSI_TRANSPORT_USB_FIXED,
    KRSI_UNLINK_RENAME_OVER,
    KRSI_UNLINK_RETRY,
    KRSI_UNLINK_UNLINK,
    KRSI_USB_FIXED,
    KRSI_USB_SERIAL_LONG,
    KRSI_VIEW_BTF,
    KRSI_VIEW_BUGS,
    KRSI_VIEW_FTRACE,
    KRSI_VIEW_LIST,
    KRSI_VIEW_SYSFS,
    KRSI_VIEW_TREE,
    KRSI_WHOSE_ANCESTOR,
    KRSI_WHOSE_DESCENDANT,
    KRSI_WHOSE_OTHER,
    KRSI_WHOSE_OWN,
    KRSI_WHOSE_UNKNOWN,
    KRSI_WRITTEN_SINCE,
    LSM_ID_KRSI, //
};

/// The header of every context.
pub(crate) const HEADER: EventHeader = EventHeader {
    opaque: null_mut(),
    reserved: [0; 3],
};

/// The fields of `struct krsi_ops` before the ops.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct OpsHeader {
    /// NUL-terminated, not empty.
    pub(crate) name: [u8; KRSI_NAME_SIZE as usize],
    /// The `KRSI_ABI` that the policy was built with.
    pub(crate) abi: u32,
    /// `KRSI_AUDIT`, `KRSI_FAIL_CLOSED`, `KRSI_NO_RECORD`.
    pub(crate) flags: u32,
    /// 0.
    pub(crate) reserved: [u64; 4],
}

const _: () = {
    assert!(offset_of!(bindings::krsi_ops, name) == offset_of!(OpsHeader, name));
    assert!(offset_of!(bindings::krsi_ops, abi) == offset_of!(OpsHeader, abi));
    assert!(offset_of!(bindings::krsi_ops, flags) == offset_of!(OpsHeader, flags));
    assert!(offset_of!(bindings::krsi_ops, reserved) == offset_of!(OpsHeader, reserved));
    assert!(offset_of!(bindings::krsi_ops, process_exec) == size_of::<OpsHeader>());
};

// SAFETY: Six integers of sizes 8, 8, 8, 8, 4, 4: no padding.
unsafe impl Plain for FileId {}
// SAFETY: Two `u64`, a `FileId`, eight `u32`, 16 bytes, a `FileId`, a `u64`, two `u32`: no padding.
unsafe impl Plain for TaskId {}
// SAFETY: Two `u16`, a `u32`, 128 bytes: no padding.
unsafe impl Plain for UsbId {}
// SAFETY: Four `u32` and 64 bytes: no padding.
unsafe impl Plain for Digest {}

const _: () = {
    assert!(size_of::<Digest>() == 4 * 4 + 64);
    assert!(size_of::<FileId>() == 4 * 8 + 2 * 4);
    assert!(size_of::<UsbId>() == 2 * 2 + 4 + 128);
    assert!(size_of::<TaskId>() == 3 * 8 + 2 * size_of::<FileId>() + 10 * 4 + 16);
};

impl From<place::FileId> for FileId {
    fn from(id: place::FileId) -> Self {
        let seen = id.overlay.unwrap_or_default();
        Self {
            dev: id.real.dev,
            ino: id.real.ino,
            overlay_dev: seen.dev,
            overlay_ino: seen.ino,
            generation: id.real.generation,
            overlay_generation: seen.generation,
        }
    }
}

impl From<file_digest::Digest> for Digest {
    fn from(digest: file_digest::Digest) -> Self {
        let flag = |is_so, flag| if is_so { flag } else { 0 };
        let mut value = [0; 64];
        let sha256 = digest.value.bytes();
        value[..sha256.len()].copy_from_slice(&sha256);
        Self {
            algo: KRSI_DIGEST_SHA256,
            flags: flag(digest.lasts, KRSI_DIGEST_LASTS)
                | flag(digest.is_denied, KRSI_DIGEST_DENIED),
            size: sha256.len() as u32,
            reserved: 0,
            value,
        }
    }
}

impl From<verity::Digest> for Digest {
    fn from(digest: verity::Digest) -> Self {
        Self {
            algo: match digest.algo {
                verity::Algo::Sha256 => KRSI_DIGEST_VERITY_SHA256,
                verity::Algo::Sha512 => KRSI_DIGEST_VERITY_SHA512,
            },
            flags: KRSI_DIGEST_LASTS,
            size: digest.size as u32,
            value: digest.value,
            ..Default::default()
        }
    }
}

/// The real file of a `struct krsi_file_id` in a program's memory; `None` if that is too small.
pub(crate) fn read_file_id(memory: &ProgMem<'_>) -> Option<InodeId> {
    let mut bytes = [0; size_of::<FileId>()];
    if memory.read(&mut bytes) < bytes.len() {
        return None;
    }
    let dev = bytes.get(offset_of!(FileId, dev)..)?.first_chunk()?;
    let ino = bytes.get(offset_of!(FileId, ino)..)?.first_chunk()?;
    let generation = bytes.get(offset_of!(FileId, generation)..)?.first_chunk()?;
    Some(InodeId {
        dev: u64::from_ne_bytes(*dev),
        ino: u64::from_ne_bytes(*ino),
        generation: u32::from_ne_bytes(*generation),
    })
}

// A look at a module answers in bits of its own.
const _: () = {
    assert!(module::VIEW_LIST == KRSI_VIEW_LIST);
    assert!(module::VIEW_SYSFS == KRSI_VIEW_SYSFS);
    assert!(module::VIEW_TREE == KRSI_VIEW_TREE);
    assert!(module::VIEW_BUGS == KRSI_VIEW_BUGS);
    assert!(module::VIEW_BTF == KRSI_VIEW_BTF);
    assert!(module::VIEW_FTRACE == KRSI_VIEW_FTRACE);
};

// What is computed is what is promised.
const _: () = assert!(size_of::<sha256::Digest>() == KRSI_DIGEST_SIZE as usize);
