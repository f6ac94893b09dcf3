// SPDX-License-Identifier: GPL-2.0-or-later

//! What a policy puts into its ring buffers: `struct krsi_report` of `policies/report.h`.

use anyhow::{Context, Result};

use crate::text::before_nul;

/// What happened, by the op that was told of it: `enum krsi_behaviour`.
pub const BEHAVIOURS: [&str; 11] = [
    "process_exec",
    "process_executed",
    "file_unlink",
    "executable_unlink",
    "module_live",
    "module_gone",
    "module_hidden",
    "mount",
    "module_load",
    "module_request",
    "file_map_exec",
];

/// Which file a process runs: `struct krsi_file_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exe {
    /// Device number of its superblock.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
}

/// One report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Nanoseconds since boot.
    pub time: u64,
    /// Its number among those of its policy.
    pub seq: u64,
    /// Id of the cgroup.
    pub cgroup: u64,
    /// When the task started, nanoseconds since boot.
    pub start_time: u64,
    /// The executable of the process.
    pub exe: Exe,
    /// Thread, process and the parent's process id.
    pub pid: u32,
    /// The process.
    pub tgid: u32,
    /// Its parent.
    pub ppid: u32,
    /// Real user id.
    pub uid: u32,
    /// Effective user id.
    pub euid: u32,
    /// Name of the task.
    pub comm: Vec<u8>,
    /// Length of the whole value.
    pub value_len: u32,
    /// How often it was there; 0 where that makes no sense.
    pub times: u32,
    /// What was seen.
    pub signal: Vec<u8>,
    /// Path of the event's file, name of a mount's device, or nothing.
    pub path: Vec<u8>,
    /// What was found; the first bytes of it.
    pub value: Vec<u8>,
    /// Name of the policy.
    pub policy: Vec<u8>,
    /// Index into [`BEHAVIOURS`].
    pub behaviour: u32,
    /// 0 or a negative errno.
    pub verdict: i32,
}

/// Takes fields from the front of a struct.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, size: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self
            .0
            .split_at_checked(size)
            .context("a report that is too short: is the policy of another version?")?;
        self.0 = rest;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        let bytes = self.bytes(4)?.try_into()?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64> {
        let bytes = self.bytes(8)?.try_into()?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn text(&mut self, size: usize) -> Result<Vec<u8>> {
        Ok(before_nul(self.bytes(size)?).to_vec())
    }

    fn exe(&mut self) -> Result<Exe> {
        let exe = Exe {
            dev: self.u64()?,
            ino: self.u64()?,
        };
        self.bytes(24)?;
        Ok(exe)
    }
}

impl Report {
    /// From the bytes of the struct.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut fields = Fields(bytes);
        let [time, seq, cgroup, start_time] =
            [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
        let exe = fields.exe()?;
        let [pid, tgid, ppid, uid] = [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        let [_gid, euid, _egid, _reserved] =
            [fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?];
        let comm = fields.text(16)?;
        fields.exe()?;
        fields.bytes(16)?;
        Ok(Self {
            time,
            seq,
            cgroup,
            start_time,
            exe,
            pid,
            tgid,
            ppid,
            uid,
            euid,
            comm,
            value_len: fields.u32()?,
            times: fields.u32()?,
            signal: fields.text(32)?,
            path: fields.text(256)?,
            value: fields.text(256)?,
            policy: fields.text(64)?,
            behaviour: fields.u32()?,
            verdict: fields.u32()? as i32,
        })
    }

    /// The behaviour's name.
    pub fn behaviour(&self) -> &'static str {
        BEHAVIOURS
            .get(self.behaviour as usize)
            .unwrap_or(&"unknown")
    }
}
