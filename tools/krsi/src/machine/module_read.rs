// SPDX-License-Identifier: GPL-2.0-or-later

//! Reads modules as files: their digest, which is that of the uncompressed file, as the kernel's is,
//! and their name, by the reader of the kernel part.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use libbpf_rs::{
    Btf, HasSize,
    btf::types::{Array, MemberAttr, Struct},
};
use liblzma::{
    read::XzDecoder,
    stream::{CONCATENATED, Stream},
};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::{machine::regular::open_contents, policy::module_list::Digest};

#[path = "../../../../bpf-helpers/module_file.rs"]
#[allow(dead_code, reason = "the kernel part uses all of it")]
mod module_file;

use module_file::{Layout, ModuleFile};

/// Larger than any module, bytes: what is compressed may unfold to anything.
const LARGEST: u64 = 1 << 30;

/// Of those that are larger only one is read at a time, whatever the number of threads.
const LARGE: u64 = 64 << 20;

/// Who reads it.
static LARGE_ONE: Mutex<()> = Mutex::new(());

/// How much memory a file of xz may ask for, bytes: what xz(1) makes at most asks for a quarter.
const XZ_MEMORY: u64 = 256 << 20;

const MAGIC: &[u8] = b"\x7fELF";

/// What a module's file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The SHA-256 of the uncompressed file.
    pub digest: Digest,
    /// Its name; that of its file if the file is not of this kernel.
    pub name: String,
}

/// Reads a module's file, which may be compressed.
pub fn read(path: &Path) -> Result<Module> {
    let contents = contents(path)?;
    ensure!(
        contents.file.starts_with(MAGIC),
        "{} is no kernel module",
        path.display()
    );
    Ok(Module {
        digest: Sha256::digest(&contents.file).into(),
        name: layout()
            .and_then(|layout| name(&contents.file, layout))
            .unwrap_or_else(|| file_name(path)),
    })
}

/// What is in memory of a file that is no module, or all of one.
struct Contents {
    file: Vec<u8>,
    /// As long as it is, if it is large.
    _alone: Option<MutexGuard<'static, ()>>,
}

/// By what it is packed with, as its name says.
fn contents(path: &Path) -> Result<Contents> {
    let file = open_contents(path)?;
    let contents = match path.extension().and_then(|ending| ending.to_str()) {
        Some("xz") => Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)
            .map_err(io::Error::from)
            .and_then(|stream| all(XzDecoder::new_stream(file, stream))),
        Some("zst") => ZstdDecoder::new(file).and_then(all),
        Some("gz") => all(MultiGzDecoder::new(file)),
        _ => all(file),
    };
    contents.with_context(|| path.display().to_string())
}

fn all<R: Read>(mut from: R) -> io::Result<Contents> {
    let mut contents = Contents {
        file: Vec::new(),
        _alone: None,
    };
    for (most, is_large) in [
        (MAGIC.len() as u64, false),
        (LARGE, false),
        (LARGEST + 1, true),
    ] {
        if is_large {
            contents._alone = Some(LARGE_ONE.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let missing = most - contents.file.len() as u64;
        from.by_ref()
            .take(missing)
            .read_to_end(&mut contents.file)?;
        let is_whole = (contents.file.len() as u64) < most;
        if is_whole || !contents.file.starts_with(MAGIC) {
            return Ok(contents);
        }
    }
    Err(io::Error::other("is larger than any module"))
}

/// What the kernel calls it.
fn name(file: &[u8], layout: &Layout) -> Option<String> {
    let module = ModuleFile::read(file, layout).ok()?;
    Some(String::from_utf8_lossy(module.name()).into_owned())
}

/// The name that a module most likely has whose file is called so.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split(".ko").next().unwrap_or_default();
    name.replace('-', "_")
}

/// This kernel's `struct module`; None if it does not tell.
fn layout() -> Option<&'static Layout> {
    static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();
    LAYOUT
        .get_or_init(|| {
            let btf = Btf::from_vmlinux().ok()?;
            let module: Struct<'_> = btf.type_by_name("module")?;
            let name = module
                .iter()
                .find(|member| member.name.is_some_and(|name| name == "name"))?;
            let MemberAttr::Normal { offset } = name.attr else {
                return None;
            };
            let at = offset as usize / 8;
            let array: Array<'_> = btf.type_by_id(name.ty)?;
            Some(Layout {
                size: module.size(),
                name: at..at + array.capacity(),
            })
        })
        .as_ref()
}

/// Whether a file is a module's by its name.
fn is_module(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".ko", ".ko.xz", ".ko.zst", ".ko.gz"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// The modules below a directory, and what could not be looked at. Links to directories are not
/// followed: `build` leads to the kernel's sources.
pub fn find(dir: &Path) -> (Vec<PathBuf>, Vec<anyhow::Error>) {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for entry in WalkDir::new(dir).sort_by_file_name() {
        match entry {
            Ok(entry) if !entry.file_type().is_dir() && is_module(entry.path()) => {
                // A link may lead to a directory, or out of the tree to a module.
                if !entry.path().is_dir() {
                    found.push(entry.into_path());
                }
            }
            Ok(_) => (),
            Err(error) => errors.push(error.into()),
        }
    }
    (found, errors)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use proptest::prelude::*;

    use super::*;

    const LAYOUT: Layout = Layout {
        size: 128,
        name: 24..80,
    };

    /// A small module, as `fuzz/seeds.py` makes them.
    fn module(name: &str) -> Vec<u8> {
        let names = b"\0.gnu.linkonce.this_module\0.modinfo\0.shstrtab\0";
        let info = format!("license=GPL\0name={name}\0");
        let mut record = vec![0; LAYOUT.size];
        record[24..24 + name.len()].copy_from_slice(name.as_bytes());
        let mut file = vec![0; 64];
        file[..4].copy_from_slice(b"\x7fELF");
        file[16] = 1;
        let mut table = vec![0; 64];
        for (at, kind, flags, contents) in [
            (1u32, 1u32, 2u64, record.as_slice()),
            (27, 1, 2, info.as_bytes()),
            (36, 3, 0, names.as_slice()),
        ] {
            let mut section = vec![0; 64];
            section[..4].copy_from_slice(&at.to_ne_bytes());
            section[4..8].copy_from_slice(&kind.to_ne_bytes());
            section[8..16].copy_from_slice(&flags.to_ne_bytes());
            section[24..32].copy_from_slice(&(file.len() as u64).to_ne_bytes());
            section[32..40].copy_from_slice(&(contents.len() as u64).to_ne_bytes());
            file.extend(contents);
            table.extend(section);
        }
        let start = file.len() as u64;
        file[40..48].copy_from_slice(&start.to_ne_bytes());
        file[58..64].copy_from_slice(&[64, 0, 4, 0, 3, 0]);
        file.extend(table);
        file
    }

    #[test]
    fn a_module_has_the_digest_of_what_is_packed() {
        let dir = tempfile::tempdir().unwrap();
        let file = module("one");
        let path = |ending: &str| dir.path().join(format!("one-two.ko{ending}"));
        fs::write(path(""), &file).unwrap();
        fs::write(path(".zst"), zstd::encode_all(&*file, 3).unwrap()).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(&file).unwrap();
        fs::write(path(".xz"), xz.finish().unwrap()).unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(&file).unwrap();
        fs::write(path(".gz"), gz.finish().unwrap()).unwrap();

        let wanted: Digest = Sha256::digest(&file).into();
        for ending in ["", ".zst", ".xz", ".gz"] {
            let module = read(&path(ending)).unwrap();
            assert_eq!(module.digest, wanted, "{ending}");
            assert_eq!(module.name, "one_two", "it is of no kernel");
        }
        assert_eq!(find(dir.path()).0.len(), 4);

        // Cut, or no module at all.
        for ending in ["", ".zst", ".xz", ".gz"] {
            let bytes = fs::read(path(ending)).unwrap();
            for len in [0, 3, bytes.len() - 1] {
                fs::write(path(ending), &bytes[..len]).unwrap();
                if !(ending.is_empty() && len > 3) {
                    assert!(read(&path(ending)).is_err(), "{len} of {ending}");
                }
            }
            fs::write(path(ending), "nothing of the kind").unwrap();
            assert!(read(&path(ending)).is_err(), "{ending}");
        }
        assert!(read(dir.path()).is_err());
        assert!(read(Path::new("/no/such.ko")).is_err());
    }

    #[test]
    fn what_unfolds_to_anything_is_no_module_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        // Of a terabyte that is none four bytes are read.
        let zeros = write("zeros.ko", b"none");
        let file = fs::File::options().write(true).open(&zeros);
        file.unwrap().set_len(1 << 40).unwrap();
        assert!(contents(&zeros).unwrap().file.len() < 64);
        let error = format!("{:#}", read(&zeros).unwrap_err());
        assert!(error.contains("is no kernel module"), "{error}");
    }

    #[test]
    fn a_large_one_is_read_alone() {
        let of = |size: u64| all(MAGIC.chain(io::repeat(0)).take(size)).unwrap();
        let small = of(LARGE - 1);
        assert_eq!(small.file.len() as u64, LARGE - 1);
        assert!(small._alone.is_none());
        let large = of(LARGE + 1);
        assert_eq!(large.file.len() as u64, LARGE + 1);
        assert!(LARGE_ONE.try_lock().is_err());
        drop(large);
    }

    #[test]
    fn a_file_of_xz_does_not_say_how_much_memory_it_takes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ko.xz");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(MAGIC).unwrap();
        let mut bytes = xz.finish().unwrap();
        // The header of the first block says the size of the dictionary: 4 GiB.
        let header = &mut bytes[12..24];
        assert_eq!(header[2..4], [0x21, 1]);
        header[4] = 40;
        let mut sum = flate2::Crc::new();
        sum.update(&header[..8]);
        let sum = sum.sum().to_le_bytes();
        header[8..12].copy_from_slice(&sum);
        fs::write(&path, &bytes).unwrap();
        let error = format!("{:#}", read(&path).unwrap_err());
        assert!(error.contains("memory"), "{error}");
    }

    #[test]
    fn a_name_is_read_as_the_kernel_reads_it() {
        assert_eq!(name(&module("one"), &LAYOUT).as_deref(), Some("one"));
        let other = Layout {
            size: 129,
            name: 24..80,
        };
        assert_eq!(name(&module("one"), &other), None);
    }

    #[test]
    fn links_to_directories_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("kernel");
        fs::create_dir(&sub).unwrap();
        fs::write(sub.join("a.ko"), "").unwrap();
        fs::write(sub.join("a.ko.old"), "").unwrap();
        std::os::unix::fs::symlink(&sub, dir.path().join("build")).unwrap();
        std::os::unix::fs::symlink(&sub, dir.path().join("d.ko")).unwrap();
        std::os::unix::fs::symlink(sub.join("a.ko"), dir.path().join("b.ko")).unwrap();
        let found = find(dir.path()).0;
        assert_eq!(found, [dir.path().join("b.ko"), sub.join("a.ko")]);
        assert_eq!(find(Path::new("/no/such")).1.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = name(&bytes, &LAYOUT);
        }

        /// Whatever is cut off or changed of a module: there is an answer, and never a longer name
        /// than there is room for.
        #[test]
        fn any_changes_to_a_module_are_read_without_panic(
            len in 0usize..700,
            changes in prop::collection::vec((0usize..700, any::<u8>()), 0..8),
        ) {
            let mut file = module("victim");
            file.truncate(len);
            for (at, byte) in changes {
                if let Some(old) = file.get_mut(at) {
                    *old = byte;
                }
            }
            if let Some(name) = name(&file, &LAYOUT) {
                prop_assert!(name.chars().count() < LAYOUT.name.len());
            }
        }

        /// Counts and offsets of the header as large as they can be.
        #[test]
        fn huge_counts_are_read_without_panic(
            start in prop_oneof![Just(u64::MAX), Just(u64::MAX - 63), any::<u64>()],
            counts in any::<[u8; 6]>(),
            layout_size in any::<usize>(),
        ) {
            let mut file = module("victim");
            let _ = name(&file, &Layout { size: layout_size, name: 24..80 });
            file[40..48].copy_from_slice(&start.to_ne_bytes());
            prop_assert_eq!(name(&file, &LAYOUT).is_some(), false);
            let mut file = module("victim");
            file[58..64].copy_from_slice(&counts);
            let _ = name(&file, &LAYOUT);
            for section in 1..4 {
                for field in [24, 32] {
                    let mut file = module("victim");
                    let at = file.len() - 256 + section * 64 + field;
                    file[at..at + 8].copy_from_slice(&start.to_ne_bytes());
                    let _ = name(&file, &LAYOUT);
                }
            }
        }
    }
}
