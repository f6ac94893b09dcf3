// SPDX-License-Identifier: GPL-2.0

//! Which LSM hook leads to which behaviour.

use crate::{
    behaviours::{
        file_map_exec,
        modules::{
            load,
            request, //
        },
        mounts,
        process_exec,
        process_executed,
        removals::{
            self,
            record, //
        }, //
    },
    boundary::{
        block::BlockDev,
        bprm::Bprm,
        inode::Inode,
        lsm_hooks::{
            Access,
            Hooks, //
        },
        place::Place,
        prog::Prog,
        superblock::SuperBlock, //
    },
    bpf::ops::Op,
    policy::{
        admission,
        bprm_readers,
        krsi_ops,
        lists,
        switches, //
    },
    state::{
        digests,
        execs,
        stands, //
    }, //
};
use kernel::{
    fs::File,
    mm::virt::VmaRef,
    prelude::*,
    task::Task, //
};

/// The LSM.
pub(crate) struct Krsi;

#[vtable]
impl Hooks for Krsi {
    #[inline]
    fn bprm_creds_for_exec(bprm: &Bprm) -> Result {
        if switches::strings_wanted() {
            begin(bprm)
        } else {
            run_check(bprm)
        }
    }

    #[inline]
    fn bprm_check_security(bprm: &Bprm) -> Result {
        if switches::rounds_wanted() {
            round(bprm)
        } else {
            process_exec::run(bprm)
        }
    }

    fn bprm_committed_creds(bprm: &Bprm) {
        record::commit(bprm);
        process_executed::run(bprm);
    }

    fn task_alloc(child: &Task, is_thread: bool) -> Result {
        if !is_thread {
            record::forked(child);
        }
        Ok(())
    }

    fn task_free(task: &Task) {
        record::ended(task);
    }

    fn mmap_file(file: &File, access: Access) -> Result {
        if !access.executable {
            return Ok(());
        }
        file_map_exec::mapped(file, access)?;
        record::mapped(file);
        Ok(())
    }

    fn file_mprotect(area: &VmaRef, access: Access) -> Result {
        if access.executable {
            file_map_exec::protected(area, access)
        } else {
            Ok(())
        }
    }

    fn file_open(inode: &Inode, for_writing: bool) -> Result {
        if for_writing {
            digests::forget(inode);
        }
        Ok(())
    }

    fn inode_setattr(inode: &Inode, changes_size: bool) -> Result {
        if changes_size {
            digests::forget(inode);
        }
        Ok(())
    }

    fn inode_free(inode: &Inode) {
        digests::forget(inode);
        record::forget(inode);
    }

    #[inline]
    fn path_unlink(victim: Place<'_>) -> Result {
        removals::note(victim, None);
        Ok(())
    }

    fn path_rename(old: Place<'_>, new: Option<Place<'_>>, exchange: bool) -> Result {
        if let Some(new) = new {
            removals::note(new, exchange.then_some(old));
        }
        Ok(())
    }

    #[inline]
    fn inode_unlink(dir: &Inode, victim: Place<'_>) -> Result {
        removals::removed(victim, dir, None)
    }

    fn inode_rename(
        old_dir: &Inode,
        old: Place<'_>,
        new_dir: &Inode,
        new: Option<Place<'_>>,
    ) -> Result {
        match new {
            Some(new) => removals::removed(new, new_dir, Some((old, old_dir))),
            None => {
                removals::moved(old);
                Ok(())
            }
        }
    }

    fn module_read(file: &File, contents: &[u8]) -> Result {
        load::from_file(file, contents)
    }

    fn module_copied(contents: &[u8]) -> Result {
        load::from_memory(contents)
    }

    fn module_requested(alias: &CStr) -> Result {
        request::run(alias)
    }

    fn sb_open_bdev(sb: Option<&SuperBlock>, bdev: &BlockDev) -> Result {
        mounts::opened(sb, bdev)
    }

    fn sb_kern_mount(sb: &SuperBlock) -> Result {
        mounts::mounted(sb)
    }

    fn sb_reconfigure(sb: &SuperBlock, read_only: bool) -> Result {
        mounts::changed(sb, read_only)
    }

    fn sb_free(sb: &SuperBlock) {
        stands::forget(sb);
    }

    fn swapon(file: &File) -> Result {
        mounts::swapped_to(file)
    }

    fn bpf_prog_load(prog: &Prog) -> Result {
        let extends_policy = prog.extended().is_some_and(|prog| krsi_ops::TYPE.has(prog));
        admission::load(prog, extends_policy)
    }

    fn bpf_prog_free(prog: &Prog) {
        bprm_readers::forget(prog);
    }
}

/// For BPF LSM programs, which run after KRSI. What can't be prepared, they are told when they
/// ask.
fn prepare(bprm: &Bprm) {
    if switches::strings_wanted() {
        let _ = execs::prepare(bprm);
    }
}

/// An exec that is only asked about ends after the hook where it begins; every other has its rounds.
#[inline]
fn run_check(bprm: &Bprm) -> Result {
    if bprm.is_check() {
        process_exec::check(bprm)
    } else {
        Ok(())
    }
}

/// An exec begins. Apart, as who wants its strings for more than a policy is seldom there.
#[inline(never)]
fn begin(bprm: &Bprm) -> Result {
    prepare(bprm);
    run_check(bprm)
}

/// A round of it, likewise.
#[inline(never)]
fn round(bprm: &Bprm) -> Result {
    prepare(bprm);
    record::round(bprm);
    // Mostly the hook is on for these alone.
    if lists::is_wanted(Op::ProcessExec) {
        process_exec::run(bprm)
    } else {
        Ok(())
    }
}
