// SPDX-License-Identifier: GPL-2.0

//! `struct krsi_task_id`: who does it.

use super::abi::{
    self,
    FileId,
    TaskId, //
};
use crate::boundary::{
    cred::Ids,
    mounts::View,
    task, //
};
use core::mem::offset_of;

/// Who the current task is, as far as somebody with room for `size` bytes can see it. Doesn't
/// sleep.
pub(crate) fn current(size: usize) -> TaskId {
    let (id, ids) = (task::current_id(), Ids::current());
    let parent_exe = if size > offset_of!(TaskId, parent_exe) {
        task::parent_exe()
    } else {
        None
    };
    let (mnt_ns, view) = if size > offset_of!(TaskId, mnt_ns) {
        seen_by(&View::current())
    } else {
        (0, 0)
    };
    TaskId {
        cgroup_id: id.cgroup,
        start_time: id.start_time,
        exe: task::current_exe().map_or_else(FileId::default, FileId::from),
        pid: id.pid,
        tgid: id.tgid,
        ppid: id.ppid,
        uid: ids.uid,
        gid: ids.gid,
        euid: ids.euid,
        egid: ids.egid,
        comm: task::comm(),
        parent_exe: parent_exe.map_or_else(FileId::default, FileId::from),
        mnt_ns,
        view,
        ..Default::default()
    }
}

fn seen_by(view: &View) -> (u64, u32) {
    let facts = [
        (abi::KRSI_TASK_INITIAL_NS, view.is_initial),
        (abi::KRSI_TASK_NS_ROOT, view.has_its_root),
    ];
    let known = facts.into_iter().filter(|(_, holds)| *holds);
    (view.namespace, known.fold(0, |mask, (bit, _)| mask | bit))
}
