// SPDX-License-Identifier: GPL-2.0

//! What a policy may be, and what its programs may call.
//!
//! The verifier's own text for a refusal is fixed, so each refusal also writes one rate-limited
//! line to the kernel log that says why.

use super::bprm_readers;
use crate::{
    boundary::{
        escape::Escaped,
        log::warn_limited,
        prog::{
            helper_id as id,
            Prog, //
        }, //
    },
    bpf::{
        abi::{
            OpsHeader,
            KRSI_ABI,
            KRSI_AUDIT,
            KRSI_FAIL_CLOSED,
            KRSI_NO_RECORD, //
        },
        kfunc::Group,
        ops::{
            Op,
            OpSpec, //
        }, //
    },
    state::prog_state, //
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::Relaxed, //
};

/// Whether the fields before the ops are as they must be.
pub(crate) fn header(header: &OpsHeader) -> Result {
    let name = &header.name;
    if name[0] == 0 || !name.contains(&0) {
        warn_limited!("policy refused: its name is empty or not terminated\n");
        return Err(EINVAL);
    }
    let name = Escaped(name);
    if header.abi == 0 || header.abi > KRSI_ABI {
        let abi = header.abi;
        warn_limited!("policy {name} refused: abi {abi}, this kernel has 1 to {KRSI_ABI}\n");
        return Err(EOPNOTSUPP);
    }
    if header.flags & !(KRSI_AUDIT | KRSI_FAIL_CLOSED | KRSI_NO_RECORD) != 0 {
        warn_limited!("policy {name} refused: unknown flags {:#x}\n", header.flags);
        return Err(EINVAL);
    }
    if header.reserved != [0; 4] {
        warn_limited!("policy {name} refused: reserved bytes are not 0\n");
        return Err(EINVAL);
    }
    Ok(())
}

/// Whether a program may be written for the member at `offset`.
pub(crate) fn member(offset: usize, sleepable: bool) -> Result {
    check_member(Op::at(offset).ok_or(EINVAL)?.spec(), sleepable)
}

fn check_member(spec: &OpSpec, sleepable: bool) -> Result {
    if sleepable && !spec.may_sleep {
        warn_limited!("program refused: {} must not sleep\n", spec.name);
        return Err(EINVAL);
    }
    Ok(())
}

/// Whether a program that is being loaded may be. An extension of a policy's program would replace
/// code that has been looked at by code that has not.
pub(crate) fn load(prog: &Prog, extends_policy: bool) -> Result {
    if extends_policy {
        warn_limited!(
            "program {} refused: a policy's program can't be replaced by an extension\n",
            Escaped(&prog.name())
        );
        return Err(EPERM);
    }
    Ok(())
}

/// Whether a program, a policy's or not, may call the kfunc with this BTF id; notes which groups it
/// calls.
///
/// Asked for every program that calls any kfunc of the hooks that KRSI has registered for: those
/// that are not policies may call everything that is not KRSI's.
pub(crate) fn kfunc(prog: &Prog, is_policy: bool, id: u32) -> Result {
    let group = Group::of(id);
    if prog.struct_ops_unknown() {
        return Ok(());
    }
    if !is_policy {
        return match group {
            Group::Bprm if prog.is_lsm_at_exec() => bprm_readers::note(prog),
            Group::Exec
            | Group::Facts
            | Group::Privileged
            | Group::Name
            | Group::Event
            | Group::Path
            | Group::Reason
            | Group::Mount
            | Group::Digest
            | Group::Memfd
            | Group::Marks
            | Group::ModuleDigest
            | Group::ModuleInfo
            | Group::Bprm => Err(EACCES),
            Group::Common | Group::Foreign => Ok(()),
        };
    }

    let op = Op::at(prog.member_offset());
    let admitted = match group {
        Group::Exec | Group::Facts | Group::Privileged | Group::Name | Group::Memfd => {
            op == Some(Op::ProcessExec)
        }
        Group::Mount => op == Some(Op::Mount),
        // A worker knows neither the task nor a file.
        Group::Event | Group::Path => op.is_some_and(|op| !op.spec().is_told_by_worker()),
        Group::Reason => op.is_some_and(|op| op.spec().can_deny),
        Group::Digest | Group::Marks => {
            matches!(op, Some(Op::ProcessExec | Op::FileMapExec))
        }
        Group::ModuleDigest | Group::ModuleInfo => op == Some(Op::ModuleLoad),
        Group::Common => true,
        Group::Bprm | Group::Foreign => false,
    };
    if !admitted {
        warn_limited!(
            "program {} refused: it calls a kfunc (BTF id {id}) that {} may not\n",
            Escaped(&prog.name()),
            op.map_or("a policy", |op| op.spec().name)
        );
        return Err(EACCES);
    }
    if let Some(state) = prog_state::of(prog) {
        // Only this load's verification writes to it.
        let groups = state.kfunc_groups.load(Relaxed);
        state.kfunc_groups.store(groups | group.bit(), Relaxed);
    }
    Ok(())
}

/// What a policy may call of BPF's helpers: those that work on its own maps and memory, tell the
/// time, or name the current task. Not those that read kernel memory (formatted output among them:
/// its `%s` follows any address), hand out kernel objects or leave the program (tail calls: the
/// callee's kfuncs are not known).
const HELPERS: &[u32] = &[
    id::bpf_func_id_BPF_FUNC_map_lookup_elem,
    id::bpf_func_id_BPF_FUNC_map_update_elem,
    id::bpf_func_id_BPF_FUNC_map_delete_elem,
    id::bpf_func_id_BPF_FUNC_map_push_elem,
    id::bpf_func_id_BPF_FUNC_map_pop_elem,
    id::bpf_func_id_BPF_FUNC_map_peek_elem,
    id::bpf_func_id_BPF_FUNC_map_lookup_percpu_elem,
    id::bpf_func_id_BPF_FUNC_for_each_map_elem,
    id::bpf_func_id_BPF_FUNC_spin_lock,
    id::bpf_func_id_BPF_FUNC_spin_unlock,
    id::bpf_func_id_BPF_FUNC_timer_init,
    id::bpf_func_id_BPF_FUNC_timer_set_callback,
    id::bpf_func_id_BPF_FUNC_timer_start,
    id::bpf_func_id_BPF_FUNC_timer_cancel,
    id::bpf_func_id_BPF_FUNC_ringbuf_output,
    id::bpf_func_id_BPF_FUNC_ringbuf_reserve,
    id::bpf_func_id_BPF_FUNC_ringbuf_submit,
    id::bpf_func_id_BPF_FUNC_ringbuf_discard,
    id::bpf_func_id_BPF_FUNC_ringbuf_query,
    id::bpf_func_id_BPF_FUNC_ringbuf_reserve_dynptr,
    id::bpf_func_id_BPF_FUNC_ringbuf_submit_dynptr,
    id::bpf_func_id_BPF_FUNC_ringbuf_discard_dynptr,
    id::bpf_func_id_BPF_FUNC_user_ringbuf_drain,
    id::bpf_func_id_BPF_FUNC_dynptr_from_mem,
    id::bpf_func_id_BPF_FUNC_dynptr_read,
    id::bpf_func_id_BPF_FUNC_dynptr_write,
    id::bpf_func_id_BPF_FUNC_dynptr_data,
    id::bpf_func_id_BPF_FUNC_loop,
    id::bpf_func_id_BPF_FUNC_strncmp,
    id::bpf_func_id_BPF_FUNC_strtol,
    id::bpf_func_id_BPF_FUNC_strtoul,
    id::bpf_func_id_BPF_FUNC_get_prandom_u32,
    id::bpf_func_id_BPF_FUNC_get_smp_processor_id,
    id::bpf_func_id_BPF_FUNC_get_numa_node_id,
    id::bpf_func_id_BPF_FUNC_jiffies64,
    id::bpf_func_id_BPF_FUNC_ktime_get_ns,
    id::bpf_func_id_BPF_FUNC_ktime_get_boot_ns,
    id::bpf_func_id_BPF_FUNC_ktime_get_tai_ns,
    id::bpf_func_id_BPF_FUNC_get_current_pid_tgid,
    id::bpf_func_id_BPF_FUNC_get_ns_current_pid_tgid,
    id::bpf_func_id_BPF_FUNC_get_current_uid_gid,
    id::bpf_func_id_BPF_FUNC_get_current_comm,
    id::bpf_func_id_BPF_FUNC_get_current_cgroup_id,
    id::bpf_func_id_BPF_FUNC_get_current_ancestor_cgroup_id,
    id::bpf_func_id_BPF_FUNC_current_task_under_cgroup,
];

/// What a program gets for a helper that it calls.
pub(crate) enum Helper {
    /// The prototype that all program types share.
    Base,
    /// Output to a perf event array, from programs without a `struct pt_regs`.
    PerfEventOutput,
    /// Nothing: it must not call it.
    Refused,
}

/// Whether a program may call the helper with this number.
pub(crate) fn helper(prog: &Prog, helper: u32) -> Helper {
    if helper == id::bpf_func_id_BPF_FUNC_perf_event_output {
        return Helper::PerfEventOutput;
    }
    if HELPERS.contains(&helper) {
        return Helper::Base;
    }
    warn_limited!(
        "program {} refused: helper {helper} is not one that a policy may call\n",
        Escaped(&prog.name())
    );
    Helper::Refused
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_admission)]
mod tests {
    use super::*;

    fn valid() -> OpsHeader {
        let mut name = [0; 64];
        name[..4].copy_from_slice(b"test");
        OpsHeader {
            name,
            abi: KRSI_ABI,
            flags: 0,
            reserved: [0; 4],
        }
    }

    fn errno(result: Result) -> c_int {
        result.err().map_or(0, |e| e.to_errno())
    }

    #[test]
    fn a_header_is_checked_field_by_field() {
        assert_eq!(errno(header(&valid())), 0);
        assert_eq!(
            errno(header(&OpsHeader {
                name: [0; 64],
                ..valid()
            })),
            -22
        );
        assert_eq!(
            errno(header(&OpsHeader {
                name: [1; 64],
                ..valid()
            })),
            -22
        );
        assert_eq!(errno(header(&OpsHeader { abi: 0, ..valid() })), -95);
        assert_eq!(
            errno(header(&OpsHeader {
                abi: KRSI_ABI + 1,
                ..valid()
            })),
            -95
        );
        assert_eq!(
            errno(header(&OpsHeader {
                flags: 1 << 31,
                ..valid()
            })),
            -22
        );
        assert_eq!(
            errno(header(&OpsHeader {
                reserved: [0, 0, 0, 1],
                ..valid()
            })),
            -22
        );
    }

    #[test]
    fn check_member_refuses_a_sleepable_program_where_none_may_be() {
        let spec = OpSpec {
            name: "test",
            offset: 0,
            may_sleep: false,
            can_deny: true,
            hooks: &[],
        };
        assert_eq!(errno(check_member(&spec, true)), -22);
        assert_eq!(errno(check_member(&spec, false)), 0);
        for op in Op::ALL {
            assert_eq!(errno(member(op.spec().offset, false)), 0);
            assert_eq!(member(op.spec().offset, true).is_ok(), op.spec().may_sleep);
        }
    }

    #[test]
    fn no_program_is_for_a_field_that_is_not_an_op() {
        assert_eq!(errno(member(0, false)), -22);
        assert_eq!(errno(member(Op::ALL[0].spec().offset + 1, false)), -22);
    }

    #[test]
    fn no_helper_reads_kernel_memory() {
        for refused in [
            id::bpf_func_id_BPF_FUNC_probe_read_kernel,
            id::bpf_func_id_BPF_FUNC_snprintf,
            id::bpf_func_id_BPF_FUNC_trace_printk,
            id::bpf_func_id_BPF_FUNC_get_current_task,
            id::bpf_func_id_BPF_FUNC_get_current_task_btf,
            id::bpf_func_id_BPF_FUNC_tail_call,
            id::bpf_func_id_BPF_FUNC_this_cpu_ptr,
            id::bpf_func_id_BPF_FUNC_per_cpu_ptr,
        ] {
            assert!(!HELPERS.contains(&refused));
        }
    }
}
