// SPDX-License-Identifier: GPL-2.0-or-later

//! System calls that no safe crate wraps. All that is `unsafe` is here.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
};

use libbpf_rs::{PerfBuffer, libbpf_sys};

/// Longest handle that is asked for, in words.
const HANDLE_WORDS: usize = 32;

/// What `name_to_handle_at()` says of a file.
pub struct Handle {
    /// `FILEID_*` of the kernel.
    pub kind: i32,
    /// The handle, 0 behind its end.
    pub words: [u32; HANDLE_WORDS],
}

/// `FS_IOC_GETVERSION`: an inode's generation.
pub fn inode_version(file: impl AsFd) -> io::Result<u32> {
    let mut version: libc::c_long = 0;
    // SAFETY: The ioctl writes an int, and on some filesystems a long, to where its argument points.
    let ret = unsafe {
        libc::ioctl(
            file.as_fd().as_raw_fd(),
            libc::FS_IOC_GETVERSION,
            &raw mut version,
        )
    };
    match ret {
        0 => Ok(version as u32),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the process began without a standard output.
static STDOUT_WAS_CLOSED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

extern "C" fn look_at_stdout() {
    // SAFETY: It takes any number, and changes nothing.
    if unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } < 0 {
        STDOUT_WAS_CLOSED.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Called before Rust's runtime opens what is closed of the standard descriptors.
#[used]
// SAFETY: The C library calls each function of this section once, before main(), and this one
// needs nothing of Rust's runtime.
#[unsafe(link_section = ".init_array")]
static LOOK_AT_STDOUT: extern "C" fn() = look_at_stdout;

/// Whether the process began without a standard output.
pub fn stdout_was_closed() -> bool {
    STDOUT_WAS_CLOSED.load(std::sync::atomic::Ordering::Relaxed)
}

/// The handle of an open file.
pub fn handle_of(file: impl AsFd) -> io::Result<Handle> {
    /// `struct file_handle` with room behind it.
    #[repr(C)]
    struct Room {
        bytes: libc::c_uint,
        kind: libc::c_int,
        words: [u32; HANDLE_WORDS],
    }
    let mut room = Room {
        bytes: size_of::<[u32; HANDLE_WORDS]>() as libc::c_uint,
        kind: 0,
        words: [0; HANDLE_WORDS],
    };
    let mut mount: libc::c_int = 0;
    // SAFETY: `room` begins as a struct file_handle and has as many bytes behind that as `bytes`
    // says; the path is empty, so the descriptor names the file.
    let ret = unsafe {
        libc::name_to_handle_at(
            file.as_fd().as_raw_fd(),
            c"".as_ptr(),
            (&raw mut room).cast(),
            &raw mut mount,
            libc::AT_EMPTY_PATH,
        )
    };
    match ret {
        0 => Ok(Handle {
            kind: room.kind,
            words: room.words,
        }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `FS_IOC_MEASURE_VERITY`: the digest that fs-verity has for a file, with its
/// `FS_VERITY_HASH_ALG_*`; None where there is none.
pub fn verity_digest(file: impl AsFd) -> io::Result<Option<(u16, Vec<u8>)>> {
    /// `struct fsverity_digest` with room behind it.
    #[repr(C)]
    struct Room {
        algorithm: u16,
        size: u16,
        digest: [u8; 64],
    }
    /// `_IOWR('f', 134, struct fsverity_digest)`
    const MEASURE: u32 = 0xc004_6686;
    let mut room = Room {
        algorithm: 0,
        size: 64,
        digest: [0; 64],
    };
    // SAFETY: `room` begins as a struct fsverity_digest and has as many bytes behind that as `size`
    // says, which the ioctl does not write beyond.
    let ret = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), MEASURE as _, &raw mut room) };
    if ret == 0 {
        let digest = room.digest.get(..room.size.into()).unwrap_or_default();
        return Ok(Some((room.algorithm, digest.to_vec())));
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::ENODATA | libc::ENOTTY | libc::EOPNOTSUPP) => Ok(None),
        _ => Err(error),
    }
}

/// Closes all descriptors but the standard ones. Only for who has opened none yet.
pub fn close_inherited() {
    // SAFETY: What is closed came from who started this program: nothing here knows of it.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// What can be read when there is something in one of these buffers.
pub fn readiness<'a>(buffers: &'a PerfBuffer<'_>) -> BorrowedFd<'a> {
    // SAFETY: libbpf keeps its epoll instance open until it frees the buffers, which are borrowed.
    unsafe { BorrowedFd::borrow_raw(buffers.epoll_fd()) }
}

/// Pins a map or a link; a link that is pinned already gets another name.
pub fn pin(object: impl AsFd, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: The path is a string with a NUL, and the call keeps neither that nor the descriptor.
    let ret = unsafe { libbpf_sys::bpf_obj_pin(object.as_fd().as_raw_fd(), path.as_ptr()) };
    result(ret)
}

/// Puts another struct_ops map in place of a link's. The kernel must have its value: a link to it
/// was made before.
pub fn update_link(link: impl AsFd, map: impl AsFd) -> io::Result<()> {
    // SAFETY: Both are open descriptors; without options there is nothing else to read.
    let ret = unsafe {
        libbpf_sys::bpf_link_update(
            link.as_fd().as_raw_fd(),
            map.as_fd().as_raw_fd(),
            ptr::null(),
        )
    };
    result(ret)
}

/// What a function of libbpf's returned.
fn result(ret: i32) -> io::Result<()> {
    match ret {
        0.. => Ok(()),
        _ => Err(io::Error::from_raw_os_error(-ret)),
    }
}
