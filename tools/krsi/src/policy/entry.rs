// SPDX-License-Identifier: GPL-2.0-or-later

//! What a person allows, denies or exempts: entries of a policy's maps. The structs are those of
//! `policies/*.h`. Each says why if what it names can't be there, or could never match.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::FileType;

use crate::machine::{
    cgroup,
    elf::{self, BUILD_ID_SIZE},
    file_id::FileId,
    regular::{open_contents, open_to_look},
};

/// Size of the name of a library with its NUL: `KRSI_PRELOAD_SIZE`.
const PRELOAD_SIZE: usize = 128;

/// Size of a stick's serial number with its NUL.
const SERIAL_SIZE: usize = 128;

/// Size of a SHA-256.
pub const DIGEST_SIZE: usize = 32;

/// `KRSI_EXEMPT_ANYONE`.
const ANYONE: u32 = u32::MAX;

/// The algorithms of fs-verity: name, `KRSI_DIGEST_VERITY_*`, bytes of a digest.
pub const VERITY: [(&str, u32, usize); 2] = [("sha256", 2, 32), ("sha512", 3, 64)];

/// Bytes of the longest.
const VERITY_SIZE: usize = 64;

/// How many directories can be exempt: `KRSI_EXEMPT_DIRS`.
pub const EXEMPT_DIRS: u32 = 8;

/// An entry of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The map's name.
    pub map: &'static str,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

impl Entry {
    /// One of a set, of which only the keys count.
    fn member(map: &'static str, key: Vec<u8>) -> Self {
        Self {
            map,
            key,
            value: 1u32.to_ne_bytes().to_vec(),
        }
    }

    /// `[UID@]PROGRAM`: who acts by it is exempt.
    pub fn exempt_program(program: &str) -> Result<Self> {
        Ok(Self::member("exempt_exe", executable(program)?))
    }

    /// `[UID@]PROGRAM`: whose parent runs it is exempt.
    pub fn exempt_parent(program: &str) -> Result<Self> {
        Ok(Self::member("exempt_parent", executable(program)?))
    }

    /// What is done to files below this directory is exempt; `number` counts these.
    pub fn exempt_dir(dir: &Path, number: u32) -> Result<Self> {
        ensure!(
            number < EXEMPT_DIRS,
            "there is room for {EXEMPT_DIRS} exempt directories"
        );
        Ok(Self {
            map: "exempt_dir",
            key: number.to_ne_bytes().to_vec(),
            value: FileId::of(dir, FileType::Directory)?.to_bytes(),
        })
    }

    /// A library as LD_PRELOAD names it: as a path, or as a name that the loader looks for.
    pub fn allow_preload(library: &str) -> Result<Self> {
        // musl separates by all white space, others by less.
        let separates = |byte: char| byte.is_ascii_whitespace() || byte == '\x0b' || byte == ':';
        let wrong = if library.is_empty() || library.contains(separates) || library.contains('\0') {
            "is no single library: name each by itself"
        } else if library.len() >= PRELOAD_SIZE {
            "is too long"
        } else if library.contains('$') {
            "has a $, for which the loader puts something else"
        } else if library.contains('/') && !library.starts_with('/') {
            "is a path from where a process happens to be"
        } else if library.starts_with('/')
            && !fs::metadata(library)
                .with_context(|| library.to_owned())?
                .is_file()
        {
            "is no file"
        } else {
            let mut key = library.as_bytes().to_vec();
            key.resize(PRELOAD_SIZE, 0);
            return Ok(Self::member("allowed_preload", key));
        };
        bail!("library {library}: {wrong}");
    }

    /// `VENDOR:PRODUCT:SERIAL`, the first two hexadecimal; the last may be empty: then sticks that
    /// have none are allowed.
    pub fn allow_usb(stick: &str) -> Result<Self> {
        let number = |text: &str| {
            let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_hex && text.len() <= 4).then(|| u16::from_str_radix(text, 16).ok())?
        };
        let parse = || {
            let mut parts = stick.splitn(3, ':');
            let vendor = number(parts.next()?)?;
            let product = number(parts.next()?)?;
            let serial = parts.next()?;
            let can_be = serial.len() < SERIAL_SIZE && !serial.contains('\0');
            can_be.then_some((vendor, product, serial))
        };
        let (vendor, product, serial) = parse().with_context(|| {
            format!(
                "{stick:?} is not VENDOR:PRODUCT:SERIAL, such as 0951:1666:0123, the first two \
                 hexadecimal"
            )
        })?;
        let mut key = Vec::from(vendor.to_ne_bytes());
        key.extend(product.to_ne_bytes());
        key.extend(0u32.to_ne_bytes());
        key.extend(serial.as_bytes());
        key.resize(8 + SERIAL_SIZE, 0);
        Ok(Self::member("allowed_usb", key))
    }

    /// A sealed memfd with this SHA-256 may be executed.
    pub fn allow_memfd(hex: &str) -> Result<Self> {
        Ok(Self::member("allowed_memfd", digest(hex)?))
    }

    /// A module with this SHA-256 may be loaded.
    pub fn allow_module(hex: &str) -> Result<Self> {
        Ok(Self::member("allowed", digest(hex)?))
    }

    /// The same by its bytes.
    pub fn allow_module_of(digest: &[u8; DIGEST_SIZE]) -> Self {
        Self::member("allowed", digest.to_vec())
    }

    /// Loads are allowed and recorded.
    pub fn learn_modules() -> Self {
        Self {
            map: "learning",
            key: 0u32.to_ne_bytes().to_vec(),
            value: 1u32.to_ne_bytes().to_vec(),
        }
    }

    /// A file with this SHA-256 is denied.
    pub fn deny_digest(hex: &str) -> Result<Self> {
        Ok(Self::member("denied_digest", digest(hex)?))
    }

    /// What is done in or below a cgroup (v2) is exempt; None if there is none of this path, which
    /// is below the cgroups' root.
    pub fn exempt_cgroup(path: &str) -> Result<Option<Self>> {
        let id = cgroup::id(path)?;
        Ok(id.map(|id| Self::member("exempt_cgroup", id.to_ne_bytes().to_vec())))
    }

    /// Every file with the build id of this one is denied.
    pub fn deny_build_id(file: &Path) -> Result<Self> {
        let name = file.display();
        let id = elf::build_id(&open_contents(file)?)
            .with_context(|| name.to_string())?
            .with_context(|| format!("{name} has no build id"))?;
        Ok(Self::deny_this_build_id(&id))
    }

    /// Every file with this build id, in hexadecimal, is denied.
    pub fn deny_build_id_of(hex: &str) -> Result<Self> {
        let id = bytes(hex)
            .filter(|id| (1..=BUILD_ID_SIZE).contains(&id.len()))
            .with_context(|| format!("{hex} is no build id in hexadecimal"))?;
        Ok(Self::deny_this_build_id(&id))
    }

    /// A file with this fs-verity digest is denied: `sha256:HEX` or `sha512:HEX`, as fsverity(1)
    /// tells it.
    pub fn deny_verity(text: &str) -> Result<Self> {
        let parse = || {
            let (name, hex) = text.split_once(':')?;
            let (_, algo, size) = VERITY.into_iter().find(|(of, ..)| *of == name)?;
            Some((algo, bytes(hex).filter(|digest| digest.len() == size)?))
        };
        let (algo, digest) = parse()
            .with_context(|| format!("{text} is no fs-verity digest, such as sha256:HEX"))?;
        let mut key = Vec::from(u32::to_ne_bytes(algo));
        key.extend(digest);
        key.resize(4 + VERITY_SIZE, 0);
        Ok(Self::member("denied_verity", key))
    }

    fn deny_this_build_id(id: &[u8]) -> Self {
        let mut key = Vec::from((id.len() as u32).to_ne_bytes());
        key.extend(id);
        key.resize(4 + BUILD_ID_SIZE, 0);
        Self::member("denied_build_id", key)
    }
}

/// A path that means the same to whoever reads the configuration.
pub fn absolute(path: &str) -> Result<&Path> {
    ensure!(
        path.starts_with('/'),
        "{path:?}: name it from the root, by a /"
    );
    Ok(Path::new(path))
}

/// The same of `[UID@]PROGRAM`.
pub fn absolute_program(text: &str) -> Result<&str> {
    absolute(match text.split_once('@') {
        Some((uid, program)) if !uid.contains('/') => program,
        _ => text,
    })?;
    Ok(text)
}

/// `[UID@]PROGRAM` as `struct krsi_exempt_exe`.
fn executable(text: &str) -> Result<Vec<u8>> {
    let (uid, program) = match text.split_once('@') {
        Some((uid, program)) if !uid.contains('/') => {
            let uid = uid.parse().ok().filter(|uid| *uid < ANYONE);
            let wrong = || format!("{text}: what stands before the @ is no user id");
            (uid.with_context(wrong)?, PathBuf::from(program))
        }
        _ => (ANYONE, PathBuf::from(text)),
    };
    let file = open_to_look(&program)?;
    let id = FileId::of_open(&file, &program, FileType::RegularFile)?;
    elf::ensure_program(&file, &program)?;
    let mut key = Vec::from(id.dev.to_ne_bytes());
    key.extend(id.ino.to_ne_bytes());
    key.extend(id.generation.to_ne_bytes());
    key.extend(uid.to_ne_bytes());
    Ok(key)
}

/// A SHA-256, as sha256sum(1) has it.
fn digest(hex: &str) -> Result<Vec<u8>> {
    bytes(hex)
        .filter(|digest| digest.len() == DIGEST_SIZE)
        .with_context(|| format!("{hex} is no SHA-256 in hexadecimal"))
}

/// What hexadecimal digits say.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let is_hex = digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit);
    let byte = |i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok();
    is_hex.then(|| (0..digits.len() / 2).map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_what_sha256sum_says() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest(hex).unwrap()[..2], [0xe3, 0xb0]);
        assert_eq!(digest(&hex.to_uppercase()).unwrap(), digest(hex).unwrap());
        for wrong in ["", &hex[1..], &format!("{hex}0"), &hex.replace('e', "+")] {
            assert!(digest(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_stick_is_named_by_three_parts() {
        let entry = Entry::allow_usb("0951:1666:a:b").unwrap();
        assert_eq!(entry.key[..4], [0x51, 0x09, 0x66, 0x16]);
        assert_eq!(entry.key[8..12], *b"a:b\0");
        assert!(Entry::allow_usb("0951:1666:").is_ok());
        for wrong in [
            "0951:1666",
            "0951",
            "x:1666:s",
            "+951:1666:s",
            "09510:1666:s",
            "0951:1666:\0",
            &format!("0951:1666:{}", "s".repeat(128)),
        ] {
            assert!(Entry::allow_usb(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_library_is_one_that_the_loader_would_look_for() {
        assert!(Entry::allow_preload("libfakeroot-sysv.so").is_ok());
        for wrong in [
            "",
            "a b",
            "a:b",
            "a\x0bb",
            "$LIB/a.so",
            "lib/a.so",
            "/no/such",
            "/usr",
            &"l".repeat(128),
        ] {
            assert!(Entry::allow_preload(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_verity_digest_is_what_fsverity_says() {
        let entry = Entry::deny_verity(&format!("sha512:{}", "01".repeat(64))).unwrap();
        assert_eq!(entry.key[..5], [3, 0, 0, 0, 1]);
        assert_eq!(entry.key.len(), 4 + VERITY_SIZE);
        for wrong in ["", "sha256", "sha256:00", "md5:00", &"00".repeat(32)] {
            assert!(Entry::deny_verity(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_program_is_what_a_process_runs() {
        assert!(executable("/etc/passwd").is_err());
        assert!(executable("x@/proc/self/exe").is_err());
        assert!(executable("4294967295@/proc/self/exe").is_err());
    }
}
