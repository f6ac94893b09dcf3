// SPDX-License-Identifier: GPL-2.0-or-later

//! The pinned buffers that all policies report by, and the counts of what found no room in them.

use anyhow::Result;
use libbpf_rs::{MapCore, MapHandle};

use crate::pins;

/// The maps.
pub struct Maps {
    /// What is refused.
    pub denials: MapHandle,
    /// What is not.
    pub reports: MapHandle,
    /// What found no room.
    pub lost: MapHandle,
}

impl Maps {
    /// Those that are pinned; None if there are none.
    pub fn open() -> Result<Option<Self>> {
        let open = |name| pins::open(&pins::shared(name));
        let maps = (open("denials")?, open("reports")?, open("lost")?);
        Ok(match maps {
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
        let id = |map: &MapHandle| Ok::<_, anyhow::Error>(map.info()?.info.id);
        let Some(now) = Self::open()? else {
            return Ok(true);
        };
        Ok(id(&now.denials)? == id(&self.denials)? && id(&now.reports)? == id(&self.reports)?)
    }
}
