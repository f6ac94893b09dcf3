// SPDX-License-Identifier: GPL-2.0

//! System calls that no safe crate wraps. All that is `unsafe` is here.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// Whether the process began without a standard output.
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

extern "C" fn look_at_stdout() {
    // SAFETY: It takes any number, and changes nothing.
    if unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } < 0 {
        STDOUT_WAS_CLOSED.store(true, Relaxed);
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
    STDOUT_WAS_CLOSED.load(Relaxed)
}

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
