// SPDX-License-Identifier: GPL-2.0-or-later

//! The pinned buffers that all policies report by, and the counts of what found no room in them: ring
//! buffers, which keep reports until somebody reads them, or by choice those of perf, of which each
//! processor has one for as long as somebody reads.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Result;
use libbpf_rs::{MapCore, MapHandle, PerfBuffer, PerfBufferBuilder, RingBuffer, RingBufferBuilder};
use rustix::param::page_size;
use serde::Deserialize;

use crate::{in_force::pins, machine::sys};

/// How many reports are taken of a ring buffer before others have their turn.
const BATCH: usize = 256;

/// By which kind of buffers policies report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One ring buffer.
    #[default]
    Ring,
    /// A buffer of perf for each processor.
    Perf,
}

/// The flag of ring buffers by which policies know that they report by perf.
pub const OVERWRITE: u32 = libbpf_rs::libbpf_sys::BPF_F_RB_OVERWRITE;

/// The maps.
pub struct Maps {
    denials: Pair,
    reports: Pair,
    /// What found no room.
    pub lost: MapHandle,
}

/// Of what is refused, or of what is not.
struct Pair {
    /// Where reports are made, and wait if they do not go by perf.
    ring: MapHandle,
    /// By which they go, if they do.
    perf: Option<MapHandle>,
}

impl Pair {
    fn open(name: &str) -> Result<Option<Self>> {
        let Some(ring) = pins::open(&pins::shared(name))? else {
            return Ok(None);
        };
        let perf = match ring.info()?.info.map_flags & OVERWRITE {
            0 => None,
            _ => pins::open(&pins::shared(&format!("{name}_perf")))?,
        };
        Ok(Some(Self { ring, perf }))
    }

    fn is_same(&self, other: &Self) -> Result<bool> {
        Ok(self.ring.info()?.info.id == other.ring.info()?.info.id)
    }

    /// Begins to read.
    fn read<'a>(&'a self, mut take: impl FnMut(&[u8]) + 'a) -> Result<Buffer<'a>> {
        let Some(perf) = &self.perf else {
            let mut ring = RingBufferBuilder::new();
            ring.add(&self.ring, move |bytes| {
                take(bytes);
                0
            })?;
            return Ok(Buffer::Ring(&self.ring, ring.build()?));
        };
        let buffers = PerfBufferBuilder::new(perf)
            .pages((self.ring.max_entries() as usize / page_size()).max(1))
            // What found no room is counted by the policies.
            .sample_cb(move |_, bytes: &[u8]| take(bytes));
        Ok(Buffer::Perf(perf, buffers.build()?))
    }
}

impl Maps {
    /// Those that are pinned; None if there are none.
    pub fn open() -> Result<Option<Self>> {
        let (denials, reports) = (Pair::open("denials")?, Pair::open("reports")?);
        let lost = pins::open(&pins::shared("lost"))?;
        Ok(match (denials, reports, lost) {
            (Some(denials), Some(reports), Some(lost)) => Some(Self {
                denials,
                reports,
                lost,
            }),
            _ => None,
        })
    }

    /// Whether they are in their places still, or nothing is.
    pub fn are_pinned(&self) -> Result<bool> {
        let Some(now) = Self::open()? else {
            return Ok(true);
        };
        Ok(now.denials.is_same(&self.denials)? && now.reports.is_same(&self.reports)?)
    }

    /// Begins to read what is refused.
    pub fn denials<'a>(&'a self, take: impl FnMut(&[u8]) + 'a) -> Result<Buffer<'a>> {
        self.denials.read(take)
    }

    /// Begins to read what is not.
    pub fn reports<'a>(&'a self, take: impl FnMut(&[u8]) + 'a) -> Result<Buffer<'a>> {
        self.reports.read(take)
    }
}

/// What is read, and the map of it.
pub enum Buffer<'a> {
    /// One ring buffer.
    Ring(&'a MapHandle, RingBuffer<'a>),
    /// The buffers of the processors, which the map tells the policies.
    Perf(&'a MapHandle, PerfBuffer<'a>),
}

impl Buffer<'_> {
    /// Takes some of what is there: all that each processor has, or a batch. What can't be read now
    /// stays there.
    pub fn take(&self) {
        match self {
            Self::Ring(_, ring) => drop(ring.consume_raw_n(BATCH)),
            Self::Perf(_, buffers) => drop(buffers.consume()),
        }
    }

    /// Takes all that would be gone with this reader. Nothing more comes: policies count it as lost.
    pub fn take_last(&self) {
        if let Self::Perf(map, buffers) = self {
            for cpu in 0..map.max_entries() {
                // A processor that is off has none.
                let _ = map.delete(&cpu.to_ne_bytes());
            }
            drop(buffers.consume());
        }
    }
}

impl AsFd for Buffer<'_> {
    /// It can be read when there is something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Ring(map, _) => map.as_fd(),
            Self::Perf(_, buffers) => sys::readiness(buffers),
        }
    }
}
