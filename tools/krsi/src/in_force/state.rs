// SPDX-License-Identifier: GPL-2.0-or-later

//! What an applied policy was made of.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{in_force::pins, machine::kernel::Mode, policy::shipped};

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

    /// From what the map has; None where another version wrote it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let state = State::new("env_audit", Mode::Enforce, vec![1, 2, 3, 4, 5]).unwrap();
        let bytes = state.to_bytes();
        assert_eq!(bytes.len(), State::SIZE as usize);
        assert_eq!(State::from_bytes(&bytes), Some(state.clone()));
        assert_eq!(State::from_bytes(&bytes[..20]), None);

        let audit = State::new("env_audit", Mode::Audit, vec![1, 2, 3, 4, 5]).unwrap();
        assert_eq!(audit.why_not(&state).unwrap(), "from audit to enforce");
        let other = State::new("usb_mount", Mode::Audit, vec![1, 2, 3, 4, 5]).unwrap();
        assert!(!audit.has_object_of(&other));
        assert_eq!(audit.why_not(&audit), None);
    }
}
