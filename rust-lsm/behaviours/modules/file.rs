// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/security/krsi/modules`: the ledger, and a look on request.

use super::{
    compare::Phase,
    ledger,
    row::{
        Row,
        Stage, //
    },
    watch,
    words::{
        Alterations,
        Views, //
    }, //
};
use crate::boundary::{
    escape::Escaped,
    module::{
        may_see_addresses,
        Range,
        DATA,
        TEXT, //
    },
    securityfs::File,
    task, //
};
use kernel::{
    fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print, //
};

/// The file.
pub(crate) struct ModulesFile;

#[vtable]
impl File for ModulesFile {
    const NAME: &'static CStr = c"modules";
    const MODE: u16 = 0o600;

    fn show(m: &SeqFile) -> Result {
        let addresses = may_see_addresses(m);
        let ledger = ledger::lock()?;
        let now = task::boot_ns();
        let mut rows = 0;
        for row in ledger.rows() {
            let line = Line {
                row,
                addresses,
                now,
            };
            seq_print!(m, "{line}\n");
            rows += 1;
        }
        let (looks, lost) = (ledger.looks, ledger.lost);
        seq_print!(m, "total rows={rows} lost={lost} looks={looks}\n");
        Ok(())
    }

    fn write(_data: &[u8]) -> Result {
        watch::look_now();
        Ok(())
    }
}

/// One row as one line of `key=value` words.
struct Line<'a> {
    row: &'a Row,
    addresses: bool,
    now: u64,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.row;
        let state = match row.stage {
            Stage::Here(Phase::Coming) => "coming",
            Stage::Here(Phase::Live) => "live",
            Stage::Leaving(..) => "leaving",
            Stage::Closed => "gone",
        };
        f.write_fmt(fmt!("name={} state={state}", Escaped(&row.was.name)))?;
        self.range(f, "text", &row.was.core[TEXT])?;
        self.range(f, "data", &row.was.core[DATA])?;
        f.write_fmt(fmt!(" in={}", Views(row.views)))?;
        f.write_fmt(fmt!(" missing={}", Views(row.found.missing)))?;
        f.write_fmt(fmt!(" altered={}", Alterations(row.found.altered)))?;
        let loader = &row.loader;
        f.write_fmt(fmt!(" uid={} pid={}", loader.uid, loader.pid))?;
        f.write_fmt(fmt!(" comm={}", Escaped(&loader.comm)))?;
        let age = self.now.saturating_sub(row.born()) / 1_000_000;
        f.write_fmt(fmt!(" age={age} looks={}", row.looks))?;
        f.write_fmt(fmt!(" source={} digest=", row.origin.source()))?;
        match row.origin.digest {
            Some(digest) => digest
                .iter()
                .try_for_each(|byte| f.write_fmt(fmt!("{byte:02x}"))),
            None => f.write_str("unknown"),
        }
    }
}

impl Line<'_> {
    fn range(&self, f: &mut fmt::Formatter<'_>, key: &str, range: &Range) -> fmt::Result {
        let start = if self.addresses { range.start } else { 0 };
        f.write_fmt(fmt!(" {key}={start:#x}+{:#x}", range.size))
    }
}
