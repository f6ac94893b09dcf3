// SPDX-License-Identifier: GPL-2.0

//! A module as others see it: what its own record says, and which of the kernel's structures
//! hold it.
//!
//! A [`ModuleAddr`] may be stale: it is only compared, and what stands there is copied where a
//! fault is an error. So it needs no lock and no reference.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h).

use super::{
    grace::GracePeriod,
    nofault::{
        peek,
        peek_string, //
    }, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    page::PAGE_SHIFT,
    prelude::*,
    seq_file::SeqFile,
    sync::barrier::{
        smp_mb,
        Read, //
    }, //
};

/// Bytes of a name, with at least one NUL.
pub(crate) const NAME_SIZE: usize = 64;

/// `MODULE_NAME_LEN`.
const KEPT_NAME_SIZE: usize = {
    const fn size<const N: usize>(_: fn(&bindings::module) -> &[u8; N]) -> usize {
        N
    }
    size(|module| &module.name)
};

const _: () = assert!(KEPT_NAME_SIZE < NAME_SIZE);

/// Bytes of a `struct module`, and where its name is in it.
pub(crate) const RECORD_SIZE: usize = size_of::<bindings::module>();
pub(crate) const RECORD_NAME: core::ops::Range<usize> = {
    let start = offset_of!(bindings::module, name);
    start..start + KEPT_NAME_SIZE
};

/// The memory that a module keeps after its init.
pub(crate) const CORE: usize = bindings::mod_mem_type_MOD_RO_AFTER_INIT as usize + 1;

/// The part of it that is code.
pub(crate) const TEXT: usize = bindings::mod_mem_type_MOD_TEXT as usize;

/// The part of it that is data.
pub(crate) const DATA: usize = bindings::mod_mem_type_MOD_DATA as usize;

/// The views, the kernel's structures that hold modules: the list of them.
pub(crate) const VIEW_LIST: u32 = 1 << 0;
/// The kset, which sysfs shows.
pub(crate) const VIEW_SYSFS: u32 = 1 << 1;
/// The tree of addresses, for each of its ranges.
pub(crate) const VIEW_TREE: u32 = 1 << 2;
/// The list of bug tables.
pub(crate) const VIEW_BUGS: u32 = 1 << 3;
/// The list of BTF.
pub(crate) const VIEW_BTF: u32 = 1 << 4;
/// The records of its functions.
pub(crate) const VIEW_FTRACE: u32 = 1 << 5;

/// The views that this kernel has and every module is in.
pub(crate) const VIEWS_OF_ALL: u32 = {
    let mut views = VIEW_LIST | VIEW_TREE;
    if cfg!(CONFIG_SYSFS) {
        views |= VIEW_SYSFS;
    }
    if cfg!(CONFIG_GENERIC_BUG) {
        views |= VIEW_BUGS;
    }
    views
};

/// A range of memory.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: usize,
    pub(crate) size: usize,
}

impl Range {
    /// Whether they have a byte in common.
    pub(crate) fn overlaps(&self, other: &Range) -> bool {
        self.start < other.start.saturating_add(other.size)
            && other.start < self.start.saturating_add(self.size)
    }
}

/// `enum module_state`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    Coming,
    Going,
    Unformed,
    /// None of them.
    Wrong,
}

/// What a `struct module` says.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub(crate) state: State,
    /// 0 while it is unloaded.
    pub(crate) references: u32,
    /// NUL-padded.
    pub(crate) name: [u8; NAME_SIZE],
    pub(crate) core: [Range; CORE],
    /// Where the symbols that it keeps are, and how many.
    pub(crate) symbols: [usize; 4],
    /// Which set of symbols is in use.
    pub(crate) symbols_in_use: usize,
    /// Whether that is the one that it keeps.
    pub(crate) keeps_symbols_in_use: bool,
    /// The page that holds it, by its `struct page`; 0 if that can't be told.
    pub(crate) page: usize,
}

/// All that is seen of a module in one look.
pub(crate) struct Look {
    /// `None` if its memory can't be read.
    pub(crate) record: Option<Record>,
    /// `VIEW_*` that have it.
    pub(crate) views: u32,
    /// Those that have it not, and to which its list pointers still lead wrongly.
    pub(crate) broken_links: u32,
    /// Whether its directory in sysfs is there, is its own and has its name.
    pub(crate) directory: bool,
    /// Whether a module was unloaded by force since boot, though it was in use.
    pub(crate) forced_unloads: bool,
    /// Whether the grace period that was asked for is over; true if none was.
    pub(crate) graced: bool,
}

/// A reference to a page that held the record of a module: when the module has been freed the page
/// becomes nobody else's, so that what stands in it was that module.
///
/// # Invariants
///
/// The reference is this one's own.
pub(crate) struct HeldPage(NonNull<bindings::page>);

// SAFETY: A page's references belong to no task.
unsafe impl Send for HeldPage {}

// SAFETY: Only its address is looked at.
unsafe impl Sync for HeldPage {}

impl HeldPage {
    /// Which one it is, as [`Record::page`] has it.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }
}

impl Drop for HeldPage {
    fn drop(&mut self) {
        // SAFETY: By the type's invariant.
        unsafe { bindings::krsi_put_page(self.0.as_ptr()) };
    }
}

/// Where a `struct module` is, or was.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModuleAddr(usize);

impl ModuleAddr {
    /// Wraps an address, of whatever.
    pub(crate) const fn new(address: usize) -> Self {
        Self(address)
    }

    fn field(self, offset: usize) -> usize {
        self.0.wrapping_add(offset)
    }

    fn kobject(self) -> usize {
        self.field(offset_of!(bindings::module, mkobj) + offset_of!(bindings::module_kobject, kobj))
    }

    /// What stands there. The state is read before the references, which an unload drops before
    /// it changes the state.
    pub(crate) fn record(self) -> Option<Record> {
        let state = match peek::<u32>(self.field(offset_of!(bindings::module, state)))? {
            bindings::module_state_MODULE_STATE_LIVE => State::Live,
            bindings::module_state_MODULE_STATE_COMING => State::Coming,
            bindings::module_state_MODULE_STATE_GOING => State::Going,
            bindings::module_state_MODULE_STATE_UNFORMED => State::Unformed,
            _ => State::Wrong,
        };
        smp_mb(Read);
        let references = self.references()?;
        let mut name = [0; NAME_SIZE];
        let kept: [u8; KEPT_NAME_SIZE] = peek(self.field(offset_of!(bindings::module, name)))?;
        for (to, byte) in name.iter_mut().zip(kept) {
            *to = byte;
        }
        let (symbols, symbols_in_use, keeps_symbols_in_use) = self.symbols()?;
        Some(Record {
            state,
            references,
            name,
            core: self.core()?,
            symbols,
            symbols_in_use,
            keeps_symbols_in_use,
            page: self.page(),
        })
    }

    /// The page that is mapped there. What is written to it can't change which one it is, and
    /// what comes to the address when the module has been freed has another one, as long as this
    /// one is held.
    fn page(self) -> usize {
        // SAFETY: The address is only looked up.
        let area = unsafe { bindings::find_vm_area(self.0 as *const c_void) } as usize;
        let field = |offset| peek::<usize>(area.wrapping_add(offset));
        if area == 0 {
            return 0;
        }
        // The area may be freed meanwhile.
        field(offset_of!(bindings::vm_struct, addr))
            .zip(field(offset_of!(bindings::vm_struct, pages)))
            .and_then(|(start, pages)| {
                let index = self.0.wrapping_sub(start) >> PAGE_SHIFT;
                peek(pages.wrapping_add(index.wrapping_mul(size_of::<usize>())))
            })
            .unwrap_or(0)
    }

    /// Holds the page that is mapped there, if it is one that modules have.
    pub(crate) fn hold_page(self) -> Option<HeldPage> {
        // SAFETY: The address is only looked up.
        // INVARIANT: A reference is returned.
        let page = unsafe { bindings::krsi_hold_page_at(self.0 as *const c_void) };
        NonNull::new(page).map(HeldPage)
    }

    fn core(self) -> Option<[Range; CORE]> {
        let mut core = [Range::default(); CORE];
        let mut at = self.field(offset_of!(bindings::module, mem));
        for range in &mut core {
            range.start = peek(at.wrapping_add(offset_of!(bindings::module_memory, base)))?;
            range.size =
                peek::<u32>(at.wrapping_add(offset_of!(bindings::module_memory, size)))? as usize;
            at = at.wrapping_add(size_of::<bindings::module_memory>());
        }
        Some(core)
    }

    #[cfg(CONFIG_MODULE_UNLOAD)]
    fn references(self) -> Option<u32> {
        peek(self.field(offset_of!(bindings::module, refcnt)))
    }

    /// What is never unloaded is always in use.
    #[cfg(not(CONFIG_MODULE_UNLOAD))]
    fn references(self) -> Option<u32> {
        Some(1)
    }

    #[cfg(CONFIG_KALLSYMS)]
    fn symbols(self) -> Option<([usize; 4], usize, bool)> {
        use bindings::mod_kallsyms as set;
        let kept = self.field(offset_of!(bindings::module, core_kallsyms));
        let in_use = peek(self.field(offset_of!(bindings::module, kallsyms)))?;
        let symbols = [
            peek(kept.wrapping_add(offset_of!(set, symtab)))?,
            peek::<u32>(kept.wrapping_add(offset_of!(set, num_symtab)))? as usize,
            peek(kept.wrapping_add(offset_of!(set, strtab)))?,
            peek(kept.wrapping_add(offset_of!(set, typetab)))?,
        ];
        Some((symbols, in_use, in_use == kept))
    }

    #[cfg(not(CONFIG_KALLSYMS))]
    fn symbols(self) -> Option<([usize; 4], usize, bool)> {
        Some(([0; 4], 0, true))
    }

    /// Looks at a module that had this name and memory. Sleeps; takes RCU,
    /// `btf_module_mutex`, the lock of the modules' kset, that of sysfs and that of the areas of
    /// memory, one after the other.
    pub(crate) fn look(
        self,
        name: &[u8; NAME_SIZE],
        core: &[Range; CORE],
        grace: Option<&GracePeriod>,
    ) -> Look {
        let graced = grace.is_none_or(GracePeriod::is_over);
        let views = self.views(core);
        Look {
            record: self.record(),
            views,
            broken_links: self.broken_links(!views),
            directory: self.has_directory(name),
            forced_unloads: forced_unloads(),
            graced,
        }
    }

    fn views(self, core: &[Range; CORE]) -> u32 {
        let mut views = structures(self.0, core);
        // SAFETY: The address is only compared.
        if unsafe { bindings::krsi_kset_has(self.kobject() as *const _) } {
            views |= VIEW_SYSFS;
        }
        if has_ftrace_records(&core[TEXT]) {
            views |= VIEW_FTRACE;
        }
        views
    }

    /// Of these views the ones whose list pointers in the record lead to no neighbour. Asked only
    /// where it isn't in the list: in it, a neighbour that comes or goes looks like that, too.
    fn broken_links(self, views: u32) -> u32 {
        #[cfg(CONFIG_GENERIC_BUG)]
        let bugs = self.field(offset_of!(bindings::module, bug_list));
        #[cfg(not(CONFIG_GENERIC_BUG))]
        let bugs = 0;
        let entry = offset_of!(bindings::kobject, entry);
        let links = [
            (VIEW_LIST, self.field(offset_of!(bindings::module, list))),
            (VIEW_SYSFS, self.kobject().wrapping_add(entry)),
            (VIEW_BUGS, bugs),
        ];
        links
            .into_iter()
            .filter(|(view, at)| views & VIEWS_OF_ALL & view != 0 && !is_linked(*at))
            .fold(0, |broken, (view, _)| broken | view)
    }

    fn has_directory(self, name: &[u8; NAME_SIZE]) -> bool {
        if !cfg!(CONFIG_SYSFS) {
            return true;
        }
        // A kobject's name has no slash.
        let name = name.map(|byte| if byte == b'/' { b'!' } else { byte });
        let field = |offset| peek(self.kobject().wrapping_add(offset));
        let Some((own_name, dir)) = field(offset_of!(bindings::kobject, name))
            .and_then(peek_string::<NAME_SIZE>)
            .zip(field(offset_of!(bindings::kobject, sd)))
        else {
            return false;
        };
        // SAFETY: The name ends with a NUL, as that of a module is shorter; the directory is only
        // compared.
        let is_found =
            unsafe { bindings::krsi_module_dir_is(name.as_ptr().cast(), dir as *const c_void) };
        is_found && own_name == name
    }
}

/// Whether a `struct list_head` is linked to neighbours, or to itself.
fn is_linked(at: usize) -> bool {
    let neighbour = |offset| peek::<usize>(at.wrapping_add(offset));
    let (next, prev) = (
        offset_of!(bindings::list_head, next),
        offset_of!(bindings::list_head, prev),
    );
    let leads_back = |from: usize, offset| peek::<usize>(from.wrapping_add(offset)) == Some(at);
    neighbour(next).is_some_and(|next| leads_back(next, prev))
        && neighbour(prev).is_some_and(|prev| leads_back(prev, next))
}

#[cfg(CONFIG_MODULES)]
fn structures(module: usize, core: &[Range; CORE]) -> u32 {
    let mut addrs = [0; CORE];
    let mut count = 0;
    for (to, range) in addrs
        .iter_mut()
        .zip(core.iter().filter(|range| range.size != 0))
    {
        *to = range.start;
        count += 1;
    }
    // SAFETY: `addrs` is valid for reads of `count` elements; the module is only compared.
    let found = unsafe { bindings::module_views(module as *const _, addrs.as_ptr(), count) };
    let names = [
        (bindings::module_view_MODULE_VIEW_LIST, VIEW_LIST),
        (bindings::module_view_MODULE_VIEW_TREE, VIEW_TREE),
        (bindings::module_view_MODULE_VIEW_BUGS, VIEW_BUGS),
        (bindings::module_view_MODULE_VIEW_BTF, VIEW_BTF),
    ];
    names
        .into_iter()
        .filter(|(view, _)| found & view != 0)
        .fold(0, |views, (_, view)| views | view)
}

#[cfg(not(CONFIG_MODULES))]
fn structures(_module: usize, _core: &[Range; CORE]) -> u32 {
    0
}

/// Whether ftrace knows functions in this code.
#[cfg(CONFIG_DYNAMIC_FTRACE)]
pub(crate) fn has_ftrace_records(text: &Range) -> bool {
    let last = text.start.saturating_add(text.size).saturating_sub(1);
    // SAFETY: Only compares the addresses of its records.
    text.size != 0 && unsafe { bindings::ftrace_location_range(text.start, last) } != 0
}

/// Whether ftrace knows functions in this code.
#[cfg(not(CONFIG_DYNAMIC_FTRACE))]
pub(crate) fn has_ftrace_records(_text: &Range) -> bool {
    false
}

/// Whether a module was unloaded by force since boot, though it was in use.
pub(crate) fn forced_unloads() -> bool {
    // SAFETY: Only reads a flag.
    let forced = unsafe { bindings::test_taint(bindings::TAINT_FORCED_RMMOD) } != 0;
    cfg!(CONFIG_MODULE_FORCE_UNLOAD) && forced
}

/// Whether who opened a file may see addresses of the kernel.
#[cfg(CONFIG_KALLSYMS)]
pub(crate) fn may_see_addresses(m: &SeqFile) -> bool {
    let m = core::ptr::from_ref(m).cast::<bindings::seq_file>();
    // SAFETY: `SeqFile` is transparent; its file is open while it is shown, with the credentials
    // of its opener.
    unsafe { bindings::kallsyms_show_value((*(*m).file).f_cred) }
}

/// Whether who opened a file may see addresses of the kernel.
#[cfg(not(CONFIG_KALLSYMS))]
pub(crate) fn may_see_addresses(_m: &SeqFile) -> bool {
    false
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_module_page)]
mod tests {
    use super::*;
    use kernel::page::PAGE_SIZE;

    /// Memory as that of modules is, and where it is.
    fn memory() -> Result<(VVec<u8>, ModuleAddr)> {
        let mut memory = VVec::with_capacity(PAGE_SIZE, GFP_KERNEL)?;
        memory.push(0, GFP_KERNEL)?;
        let at = ModuleAddr::new(memory.as_ptr() as usize);
        Ok((memory, at))
    }

    /// Freed pages are given out again at once, the last one first.
    #[test]
    fn a_page_that_is_held_becomes_nobody_elses() -> Result {
        let (freed, at) = memory()?;
        let held = at.hold_page().ok_or(EINVAL)?;
        assert_eq!(at.page(), held.address());
        drop(freed);
        for _ in 0..1000 {
            let (_memory, at) = memory()?;
            assert!(at.page() != held.address());
        }
        Ok(())
    }

    #[test]
    fn what_is_no_memory_of_modules_has_no_page_to_hold() -> Result {
        assert!(ModuleAddr::new(0x1000).hold_page().is_none());
        let boxed = KBox::new(0u64, GFP_KERNEL)?;
        let at = ModuleAddr::new(core::ptr::from_ref(&*boxed) as usize);
        assert!(at.hold_page().is_none());
        Ok(())
    }
}
