// SPDX-License-Identifier: GPL-2.0

//! Files in securityfs.
//!
//! C header: [`include/linux/security.h`](srctree/include/linux/security.h).

use core::{
    marker::PhantomData,
    ptr::null_mut, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        from_result,
        VTABLE_DEFAULT_ERROR, //
    },
    prelude::*,
    seq_file::SeqFile,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// The longest write that a file accepts, in bytes.
pub(crate) const WRITE_MAX: usize = 32;

/// A file whose whole content is made when it is read.
#[vtable]
pub(crate) trait File: 'static {
    /// Its name.
    const NAME: &'static CStr;
    /// Its permission bits.
    const MODE: u16;

    /// Prints the content. May sleep.
    fn show(m: &SeqFile) -> Result;

    /// Takes what was written, at most [`WRITE_MAX`] bytes. May sleep.
    fn write(_data: &[u8]) -> Result {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// A directory that stays for ever.
pub(crate) struct Dir(*mut bindings::dentry);

impl Dir {
    /// Creates a directory at the top. From a core initcall on.
    pub(crate) fn create(name: &'static CStr) -> Result<Self> {
        // SAFETY: The name is a C string.
        from_err_ptr(unsafe { bindings::securityfs_create_dir(name.as_char_ptr(), null_mut()) })
            .map(Self)
    }

    /// Creates a file in it.
    pub(crate) fn add<F: File>(&self) -> Result {
        // SAFETY: The directory is never removed; name and operations are statics.
        from_err_ptr(unsafe {
            bindings::securityfs_create_file(
                F::NAME.as_char_ptr(),
                F::MODE,
                self.0,
                null_mut(),
                &FileOps::<F>::OPS,
            )
        })
        .map(|_| ())
    }
}

struct FileOps<F>(PhantomData<F>);

impl<F: File> FileOps<F> {
    const OPS: bindings::file_operations = bindings::file_operations {
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::single_release),
        write: if F::HAS_WRITE {
            Some(Self::write)
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// Called by the VFS.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The VFS passes a file that is being opened.
        unsafe { bindings::single_open(file, Some(Self::show), null_mut()) }
    }

    /// # Safety
    ///
    /// Called by seq_file.
    unsafe extern "C" fn show(m: *mut bindings::seq_file, _v: *mut c_void) -> c_int {
        // SAFETY: seq_file passes a file that this thread alone uses during the call.
        let m = unsafe { SeqFile::from_raw(m) };
        from_result(|| F::show(m).map(|()| 0))
    }

    /// # Safety
    ///
    /// Called by the VFS.
    unsafe extern "C" fn write(
        _file: *mut bindings::file,
        data: *const c_char,
        size: usize,
        _pos: *mut bindings::loff_t,
    ) -> isize {
        from_result(|| {
            let mut buffer = [0; WRITE_MAX];
            let to = buffer.get_mut(..size).ok_or(EINVAL)?;
            UserSlice::new(UserPtr::from_ptr(data.cast_mut().cast()), size)
                .reader()
                .read_slice(to)?;
            F::write(to)?;
            Ok(size as isize)
        })
    }
}
