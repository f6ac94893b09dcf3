// SPDX-License-Identifier: GPL-2.0

//! An exec under way.
//!
//! C header: [`include/linux/binfmts.h`](srctree/include/linux/binfmts.h).

use kernel::{
    bindings,
    cred::Credential,
    fs::File,
    types::Opaque, //
};

/// Wraps the kernel's `struct linux_binprm`.
///
/// # Invariants
///
/// The bprm is that of an exec of the current task, and its `file` is set. Only this task uses it.
#[repr(transparent)]
pub(crate) struct Bprm(Opaque<bindings::linux_binprm>);

impl Bprm {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a` and is what an LSM hook for an exec of the current task was passed.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::linux_binprm) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    fn get(&self) -> &bindings::linux_binprm {
        // SAFETY: By the type invariants it is valid, and nobody else writes to it meanwhile.
        unsafe { &*self.0.get() }
    }

    /// The C struct.
    pub(crate) fn as_ptr(&self) -> *mut bindings::linux_binprm {
        self.0.get()
    }

    /// Number of arguments of this round; never 0 in a hook.
    pub(crate) fn argc(&self) -> u32 {
        self.get().argc as u32
    }

    /// Number of environment strings.
    pub(crate) fn envc(&self) -> u32 {
        self.get().envc as u32
    }

    /// Bytes of arguments and environment with their NULs.
    pub(crate) fn strings_len(&self) -> usize {
        self.get().exec.saturating_sub(self.get().p)
    }

    /// Which round it is: 0 for the file that was asked for, 1 for its interpreter, and so on.
    pub(crate) fn depth(&self) -> u32 {
        self.get().depth
    }

    /// Tells the strings as they are now from those of this exec's other rounds, and from what they
    /// were before a binary format changed them that gave up then.
    pub(crate) fn strings_id(&self) -> (u32, usize, u32) {
        (self.depth(), self.get().p, self.argc())
    }

    /// The credentials that it prepares; `None` once they are committed.
    pub(crate) fn cred(&self) -> Option<&Credential> {
        let cred = self.get().cred;
        // SAFETY: `cred` is null or the exec's new credentials, to which it holds a reference.
        (!cred.is_null()).then(|| unsafe { Credential::from_ptr(cred) })
    }

    /// Whether only permission is asked for (`AT_EXECVE_CHECK`).
    pub(crate) fn is_check(&self) -> bool {
        self.get().is_check() != 0
    }

    /// Whether the exec gains privileges (`AT_SECURE`).
    pub(crate) fn is_secure(&self) -> bool {
        self.get().secureexec() != 0
    }

    /// Whether the file of this round starts with `#!`. Its beginning is read only before
    /// `bprm_check_security`.
    pub(crate) fn is_script(&self) -> bool {
        self.get().buf.starts_with(b"#!")
    }

    /// The file of this round.
    pub(crate) fn file(&self) -> &File {
        // SAFETY: By the type invariants `file` is set; the exec holds a reference to it and no
        // light `fdget_pos` reference of it can exist, as no descriptor leads to it.
        unsafe { File::from_raw_file(self.get().file) }
    }
}
