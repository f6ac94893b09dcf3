// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/security/krsi/`: what is attached, and the mode. Documentation/abi.rst describes
//! the files.

use super::{
    attachment::Attachment,
    mode::{
        self,
        Mode, //
    },
    records,
    registry,
    words::List, //
};
use crate::{
    behaviours::modules::file::ModulesFile,
    boundary::{
        escape::Escaped,
        securityfs::{
            Dir,
            File, //
        }, //
    },
    bpf::{
        abi::KRSI_ABI,
        ops::Op, //
    }, //
};
use kernel::{
    fmt::{
        self,
        Display, //
    },
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::ordering::Relaxed, //
};

/// Creates the directory. Once, at boot.
pub(crate) fn create() -> Result {
    let dir = Dir::create(c"krsi")?;
    dir.add::<AbiFile>()?;
    dir.add::<ModeFile>()?;
    dir.add::<PoliciesFile>()?;
    dir.add::<ModulesFile>()
}

struct AbiFile;

#[vtable]
impl File for AbiFile {
    const NAME: &'static CStr = c"abi";
    const MODE: u16 = 0o444;

    fn show(m: &SeqFile) -> Result {
        seq_print!(m, "{KRSI_ABI}\n");
        Ok(())
    }
}

struct ModeFile;

#[vtable]
impl File for ModeFile {
    const NAME: &'static CStr = c"mode";
    const MODE: u16 = 0o644;

    fn show(m: &SeqFile) -> Result {
        seq_print!(m, "{}\n", mode::current().name());
        Ok(())
    }

    fn write(data: &[u8]) -> Result {
        let new = Mode::parse(data.trim_ascii_end());
        let (old, result) = registry::set_mode(new.ok_or(EINVAL));
        // A word that is no mode is somebody's text, which has no place in an audit record.
        records::mode_change(new.map_or("?", Mode::name), old.name(), result.is_ok());
        result
    }
}

struct PoliciesFile;

#[vtable]
impl File for PoliciesFile {
    const NAME: &'static CStr = c"policies";
    const MODE: u16 = 0o400;

    fn show(m: &SeqFile) -> Result {
        registry::for_each(|attachment| seq_print!(m, "{}\n", Line(attachment)))
    }
}

/// One policy as one line of `key=value` words.
struct Line<'a>(&'a Attachment);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attachment = self.0;
        let policy = attachment.policy();
        let (counts, owner) = (policy.counts(), policy.owner());

        f.write_fmt(fmt!(
            "id={} name={}",
            policy.id(),
            Escaped(attachment.name())
        ))?;
        f.write_fmt(fmt!(" wanted={}", attachment.wanted().name()))?;
        f.write_fmt(fmt!(
            " mode={}",
            attachment.effective(mode::current()).name()
        ))?;
        f.write_fmt(fmt!(" flags={}", List(attachment.flags())))?;
        let ops = Op::ALL.into_iter();
        let ops = ops.filter_map(|op| Some(OpWord(op, attachment.ops().prog(op)?.id())));
        f.write_fmt(fmt!(" ops={}", List(ops)))?;
        f.write_fmt(fmt!(" runs={}", counts.runs.sum()))?;
        f.write_fmt(fmt!(" denials={}", counts.denials.load(Relaxed)))?;
        f.write_fmt(fmt!(
            " would_denials={}",
            counts.would_denials.load(Relaxed)
        ))?;
        f.write_fmt(fmt!(" errors={}", counts.errors.load(Relaxed)))?;
        f.write_fmt(fmt!(" memory={}", attachment.memory()))?;
        let own = core::iter::once(attachment.ops().map_id());
        let maps = Iterator::chain(own, attachment.maps().iter().copied());
        f.write_fmt(fmt!(" maps={}", List(maps)))?;
        f.write_fmt(fmt!(" uid={} pid={}", owner.uid, owner.pid))?;
        f.write_fmt(fmt!(
            " comm={} attached={}",
            Escaped(&owner.comm),
            owner.time
        ))?;
        f.write_fmt(fmt!(" unrecorded={}", counts.unrecorded.load(Relaxed)))
    }
}

/// An op with the id of its program.
struct OpWord(Op, u32);

impl Display for OpWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!("{}:{}", self.0.spec().name, self.1))
    }
}
