// SPDX-License-Identifier: GPL-2.0

//! BPF programs, as an LSM and a struct_ops type see them.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h).

use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// The numbers of BPF's helpers.
pub(crate) use kernel::bindings as helper_id;

/// Wraps the kernel's `struct bpf_prog`.
///
/// # Invariants
///
/// The program is valid, with its `aux`, while the reference lives.
#[repr(transparent)]
pub(crate) struct Prog(Opaque<bindings::bpf_prog>);

impl Prog {
    /// Creates a reference from a pointer.
    ///
    /// # Safety
    ///
    /// `ptr` is valid, with its `aux`, for `'a`.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *const bindings::bpf_prog) -> &'a Self {
        // SAFETY: By the caller's guarantee; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    pub(crate) fn aux(&self) -> *const bindings::bpf_prog_aux {
        // SAFETY: The program is valid by the type invariants; `aux` is set at its birth.
        unsafe { (*self.0.get()).aux }
    }

    /// Whether it may sleep.
    pub(crate) fn sleepable(&self) -> bool {
        // SAFETY: The program is valid by the type invariants; this is set before verification.
        unsafe { (*self.0.get()).sleepable() != 0 }
    }

    /// The program that this one, an extension (freplace), is being loaded to replace a function
    /// of. `None` for programs of other types.
    pub(crate) fn extended(&self) -> Option<&Prog> {
        // SAFETY: The program and its `aux` are valid by the type invariants; `dst_prog` is null
        // or referenced by this program while it is being loaded, which is when an LSM sees it.
        unsafe {
            let extension = (*self.0.get()).type_ == bindings::bpf_prog_type_BPF_PROG_TYPE_EXT;
            let dst = (*self.aux()).dst_prog;
            (extension && !dst.is_null()).then(|| Prog::from_ptr(dst))
        }
    }

    /// Whether a function of it has been replaced by an extension. Read at each run.
    pub(crate) fn is_extended(&self) -> bool {
        // SAFETY: `aux` is valid; the flag is one byte, written under a mutex.
        unsafe { (&raw const (*self.aux()).is_extended).read_volatile() }
    }

    /// Whether it is a BPF LSM program for one of the hooks at which an exec's strings can be
    /// read.
    pub(crate) fn is_lsm_at_exec(&self) -> bool {
        // SAFETY: The program and its `aux` are valid by the type invariants; what it attaches to
        // is set before verification.
        unsafe {
            (*self.0.get()).type_ == bindings::bpf_prog_type_BPF_PROG_TYPE_LSM
                && bindings::krsi_is_bprm_hook((*self.aux()).attach_btf_id)
        }
    }

    /// Whether it loads through a pointer that the verifier does not trust: an address that may be
    /// any. For a loaded program; each such load has an entry for its fault.
    pub(crate) fn loads_untrusted(&self) -> bool {
        // SAFETY: `aux` is valid, as are those of its functions, which a loaded program keeps.
        unsafe {
            let aux = self.aux();
            let functions = if (*aux).func.is_null() {
                0
            } else {
                (*aux).real_func_cnt as usize
            };
            (*aux).num_exentries != 0
                || (0..functions).any(|i| (*(**(*aux).func.add(i)).aux).num_exentries != 0)
        }
    }

    /// Whether it calls kfuncs that modules bring: KRSI's filter is not asked for these.
    pub(crate) fn calls_modules(&self) -> bool {
        // SAFETY: `aux` is valid; the table is set by the verifier, for its functions, too.
        unsafe { !(*self.aux()).kfunc_btf_tab.is_null() }
    }

    /// Whether it is of type `BPF_PROG_TYPE_STRUCT_OPS`.
    pub(crate) fn is_struct_ops(&self) -> bool {
        // SAFETY: The program is valid by the type invariants; its type never changes.
        unsafe { (*self.0.get()).type_ == bindings::bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS }
    }

    /// Whether the verifier has not yet said which struct_ops it belongs to.
    pub(crate) fn struct_ops_unknown(&self) -> bool {
        // SAFETY: `aux` is valid.
        self.is_struct_ops() && unsafe { (*self.aux()).st_ops.is_null() }
    }

    /// The offset of the struct_ops member that it was written for.
    pub(crate) fn member_offset(&self) -> usize {
        // SAFETY: `aux` is valid.
        unsafe { (*self.aux()).attach_st_ops_member_off as usize }
    }

    /// Its id.
    pub(crate) fn id(&self) -> u32 {
        // SAFETY: `aux` is valid.
        unsafe { (*self.aux()).id }
    }

    /// Its name; NUL-padded, chosen by its author.
    pub(crate) fn name(&self) -> [u8; 16] {
        // SAFETY: `aux` is valid; the name is set before verification.
        unsafe { (*self.aux()).name }
    }

    /// Calls `note` with the id of each map that it uses.
    pub(crate) fn for_each_map(&self, mut note: impl FnMut(u32) -> Result) -> Result {
        // SAFETY: `aux` is valid; the maps of a loaded program only ever grow, under this mutex,
        // and are referenced by the program.
        unsafe {
            let aux = self.aux().cast_mut();
            bindings::mutex_lock(&raw mut (*aux).used_maps_mutex);
            let mut result = Ok(());
            for i in 0..(*aux).used_map_cnt as usize {
                result = result.and_then(|()| note((**(*aux).used_maps.add(i)).id));
            }
            bindings::mutex_unlock(&raw mut (*aux).used_maps_mutex);
            result
        }
    }

    /// The LSMs' composite blob; null before `bpf_prog_load` and after `bpf_prog_free`.
    pub(crate) fn security(&self) -> *mut c_void {
        // SAFETY: `aux` is valid.
        unsafe { (*self.aux()).security }
    }
}
