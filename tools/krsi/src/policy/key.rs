// SPDX-License-Identifier: GPL-2.0-or-later

//! What an entry of a policy's map says, in words that a person would write.

use crate::{machine::cgroup, policy::variables, text::before_nul};

/// Of a map's key and value.
pub fn words(map: &str, key: &[u8], value: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(before_nul(bytes)).into_owned();
    match (map, key.len()) {
        ("allowed_preload", _) => text(key),
        ("allowed_usb", 9..) => format!(
            "{:04x}:{:04x}:{}",
            u16::from_ne_bytes([key[0], key[1]]),
            u16::from_ne_bytes([key[2], key[3]]),
            text(&key[8..])
        ),
        ("denied_build_id", 5..) => {
            let size = word(key) as usize;
            hex(&key[4..key.len().min(4 + size)])
        }
        ("exempt_exe" | "exempt_parent", 24) => {
            let whose = match word(&key[20..]) {
                u32::MAX => "any user".to_owned(),
                uid => format!("user {uid}"),
            };
            format!("{} as {whose}", file(key))
        }
        ("exempt_dir", _) if value.len() >= 16 => file(value),
        ("exempt_cgroup", 8) => {
            let id = long(key);
            cgroup::path(id).unwrap_or_else(|| format!("cgroup {id}"))
        }
        ("learning", _) => "learning".to_owned(),
        (variables::Variables::MAP, _) => text(value),
        _ => hex(key),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('?');
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

/// A file by its numbers: its path is not known.
fn file(id: &[u8]) -> String {
    format!("inode {} on device {:#x}", long(&id[8..]), long(id))
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |word| u32::from_ne_bytes(*word))
}

fn long(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |long| u64::from_ne_bytes(*long))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::entry::Entry;

    fn words_of(entry: &Entry) -> String {
        words(entry.map, &entry.key, &entry.value)
    }

    #[test]
    fn an_entry_is_told_as_it_was_said() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for (entry, said) in [
            (Entry::allow_usb("0951:1666:a b"), "0951:1666:a b"),
            (
                Entry::allow_preload("libfakeroot-sysv.so"),
                "libfakeroot-sysv.so",
            ),
            (Entry::deny_digest(digest), digest),
            (Entry::deny_build_id_of("12ab"), "12ab"),
        ] {
            assert_eq!(words_of(&entry.unwrap()), said);
        }
    }

    #[test]
    fn a_program_is_told_by_its_numbers() {
        let exe = std::env::current_exe().unwrap();
        let said = words_of(&Entry::exempt_program(&format!("0@{}", exe.display())).unwrap());
        assert!(
            said.starts_with("inode ") && said.ends_with(" as user 0"),
            "{said}"
        );
    }
}
