// SPDX-License-Identifier: GPL-2.0-or-later

//! What is applied: a policy's directory of pins, and what the kernel says of its link.

use std::{fs, io, path::Path};

use anyhow::{Context, Result};
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle, MapType, query::LinkTypeInfo};
use sha2::{Digest, Sha256};

use crate::{
    kernel::{self, Attached, Mode},
    module_list, pins, shipped,
};

/// The name of the map that holds a [`State`].
pub const STATE: &str = "applied";

/// What a policy was made of, kept beside it: when that is another, the policy is updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// SHA-256 of its object.
    object: Vec<u8>,
    /// The mode that it asks for.
    mode: Mode,
    /// The ids of the maps that all policies share.
    shared: Vec<u32>,
}

impl State {
    /// The size of it as bytes.
    pub const SIZE: u32 = 32 + 4 + 4 * pins::SHARED.len() as u32;

    /// That of a shipped policy.
    pub fn new(policy: &str, mode: Mode, shared: Vec<u32>) -> Result<Self> {
        let object =
            shipped::object(policy).with_context(|| format!("there is no policy {policy}"))?;
        Ok(Self {
            object: Sha256::digest(object).to_vec(),
            mode,
            shared,
        })
    }

    /// As the map has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.object.clone();
        bytes.extend((self.mode as u32).to_ne_bytes());
        bytes.extend(self.shared.iter().flat_map(|id| id.to_ne_bytes()));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (object, rest) = bytes.split_at_checked(32)?;
        let mut words = rest
            .chunks_exact(4)
            .filter_map(|word| Some(u32::from_ne_bytes(word.try_into().ok()?)));
        let mode = words.next()?;
        Some(Self {
            object: object.to_vec(),
            mode: [Mode::Off, Mode::Audit, Mode::Enforce]
                .into_iter()
                .find(|known| *known as u32 == mode)?,
            shared: words.collect(),
        })
    }

    /// Whether both are of one object.
    pub fn has_object_of(&self, other: &Self) -> bool {
        self.object == other.object
    }

    /// Why a policy that has this one must be updated to have the other.
    pub fn why_not(&self, other: &Self) -> Option<String> {
        if !self.has_object_of(other) {
            Some("this version has another program".to_owned())
        } else if self.mode != other.mode {
            Some(format!("from {} to {}", self.mode, other.mode))
        } else if self.shared != other.shared {
            Some("it reports elsewhere".to_owned())
        } else {
            None
        }
    }
}

/// A policy that is applied.
pub struct Applied {
    /// Its name.
    pub policy: String,
    /// Its pinned link.
    pub link: Link,
    /// What the kernel says of it.
    pub kernel: Attached,
    /// What it was made of, if that is known.
    pub state: Option<State>,
}

impl Applied {
    /// That of a name; None if its link is not there, or was detached.
    pub fn find(policy: &str, attached: &[Attached]) -> Result<Option<Self>> {
        let dir = pins::policy(policy);
        let Some((link, map)) = link_in(&dir)? else {
            return Ok(None);
        };
        let Some(kernel) = attached.iter().find(|policy| policy.map == map) else {
            return Ok(None);
        };
        let state = pins::open(&dir.join(STATE))?.and_then(|map| {
            let bytes = map.lookup(&[0; 4], MapFlags::ANY).ok()??;
            State::from_bytes(&bytes)
        });
        Ok(Some(Self {
            policy: policy.to_owned(),
            link,
            kernel: kernel.clone(),
            state,
        }))
    }

    /// All of them.
    pub fn all() -> Result<Vec<Self>> {
        let attached = kernel::policies()?;
        let mut all = Vec::new();
        for policy in pins::policies()? {
            all.extend(Self::find(&policy, &attached)?);
        }
        Ok(all)
    }
}

/// The link that is pinned in a directory, and the id of its struct_ops map.
pub fn link_in(dir: &Path) -> Result<Option<(Link, u32)>> {
    let path = dir.join(pins::LINK);
    if !pins::exists(&path)? {
        return Ok(None);
    }
    let link = Link::open(&path).with_context(|| path.display().to_string())?;
    let info = link.info().with_context(|| path.display().to_string())?;
    Ok(match info.info {
        LinkTypeInfo::StructOps(ops) => Some((link, ops.map_id)),
        _ => None,
    })
}

/// The map that a policy has in use under a name, if it is pinned.
pub fn map(policy: &str, name: &str) -> Result<Option<MapHandle>> {
    // Which list of modules is in use says `lists`, in which it is replaced at once.
    if name == "allowed" {
        return module_list::find(&pins::policy(policy));
    }
    pins::open(&pins::map(policy, name))
}

/// Whether maps of this type can be had by another policy: the others hold nothing, or other maps.
pub fn is_adopted(kind: MapType) -> bool {
    matches!(kind, MapType::Hash | MapType::Array)
}

/// Removes a directory with all pins in it; it may be gone.
pub fn remove(dir: &Path) -> Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    // First the link, so that what is left by who is killed here is attached to nothing.
    let removed = gone(fs::remove_file(dir.join(pins::LINK)))
        .and_then(|()| match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
            Ok(mut pins) => pins.try_for_each(|pin| gone(fs::remove_file(pin?.path()))),
        })
        .and_then(|()| gone(fs::remove_dir(dir)));
    removed.with_context(|| format!("removing {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let state = State::new("env_audit", Mode::Enforce, vec![1, 2, 3]).unwrap();
        let bytes = state.to_bytes();
        assert_eq!(bytes.len(), State::SIZE as usize);
        assert_eq!(State::from_bytes(&bytes), Some(state.clone()));
        assert_eq!(State::from_bytes(&bytes[..20]), None);

        let audit = State::new("env_audit", Mode::Audit, vec![1, 2, 3]).unwrap();
        assert_eq!(audit.why_not(&state).unwrap(), "from audit to enforce");
        let other = State::new("usb_mount", Mode::Audit, vec![1, 2, 3]).unwrap();
        assert!(!audit.has_object_of(&other));
        assert_eq!(audit.why_not(&audit), None);
    }
}
