// SPDX-License-Identifier: GPL-2.0

//! The fuzz target of the reader of module files, `bpf-helpers/module_file.rs`, for libFuzzer.
//!
//! Whatever the file is, the reader must answer, and where it answers with a name or a value, the
//! loader must find the same. What the loader finds is written down here once more, as it goes
//! about it: it trusts what it has not checked, and it overwrites the section table with addresses
//! before it uses the rest.
//!
//! With `--cfg planted` it has a bug, which the fuzzer must find.

#[path = "../bpf-helpers/module_file.rs"]
#[allow(dead_code)]
mod module_file;

use module_file::{
    Layout,
    ModuleFile, //
};

/// A small `struct module`, so that files are small.
const LAYOUT: Layout = Layout {
    size: 128,
    name: 24..80,
};

/// A number of the file; `None` beyond its end, as for all that follows.
fn number(file: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(size)?)?;
    let mut number = [0; 8];
    number[..size].copy_from_slice(bytes);
    Some(u64::from_le_bytes(number))
}

/// The string at an offset, which goes on to its NUL, wherever that is.
fn string(file: &[u8], at: usize) -> Option<&[u8]> {
    let rest = file.get(at..)?;
    rest.get(..rest.iter().position(|byte| *byte == 0)?)
}

/// What the loader sees of a section.
struct Section {
    name: usize,
    kind: u64,
    flags: u64,
    at: usize,
    size: usize,
}

fn section(file: &[u8], table: usize, index: usize) -> Option<Section> {
    let at = table + 64 * index;
    Some(Section {
        name: number(file, at, 4)? as usize,
        kind: number(file, at + 4, 4)?,
        flags: number(file, at + 8, 8)?,
        at: number(file, at + 24, 8)? as usize,
        size: number(file, at + 32, 8)? as usize,
    })
}

/// The index of the only section of this name, 0 if there is none.
fn unique(file: &[u8], table: usize, count: usize, names: usize, name: &[u8]) -> Option<usize> {
    let mut found = 0;
    for index in 1..count {
        let at = section(file, table, index)?.name;
        if string(file, names.checked_add(at)?)? == name {
            if found != 0 {
                return None;
            }
            found = index;
        }
    }
    Some(found)
}

/// The value of the first string that begins with this key, by way of the loader's own counting.
fn value<'a>(file: &'a [u8], info: &Section, key: &[u8]) -> Option<Option<&'a [u8]>> {
    let mut at = info.at;
    let mut left = info.size;
    loop {
        if let Some(value) = string(file, at)?.strip_prefix(key) {
            return Some(Some(value));
        }
        for is_nul in [false, true] {
            while (*file.get(at)? == 0) == is_nul {
                at += 1;
                if left <= 1 {
                    return Some(None);
                }
                left -= 1;
            }
        }
    }
}

/// The name that the loader gives the module, and the value of this key in its `.modinfo`; `None` if
/// it refuses the file, or reads what isn't there.
fn load(file: &[u8], key: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    if file.get(..4)? != b"\x7fELF" || number(file, 16, 2)? != 1 {
        return None;
    }
    let table = number(file, 40, 8)? as usize;
    let (entry, count) = (number(file, 58, 2)?, number(file, 60, 2)? as usize);
    let names = number(file, 62, 2)? as usize;
    if entry != 64 || table >= file.len() || count * 64 > file.len() - table || names >= count {
        return None;
    }
    for index in 1..count {
        let Section { kind, at, size, .. } = section(file, table, index)?;
        let has_contents = kind != 0 && kind != 8;
        if has_contents && at.checked_add(size)? > file.len() {
            return None;
        }
    }
    let names = section(file, table, names)?;
    let this = unique(file, table, count, names.at, b".gnu.linkonce.this_module")?;
    let info = unique(file, table, count, names.at, b".modinfo")?;
    let record = section(file, table, this)?;
    if this == 0 || record.kind == 8 || record.flags & 2 == 0 || record.size != LAYOUT.size {
        return None;
    }
    let info = (info != 0).then(|| section(file, table, info)).flatten();

    let mut linked = file.to_vec();
    for index in 1..count {
        linked[table + 64 * index..][16..24].fill(0xff);
    }
    let name = string(&linked, record.at.checked_add(LAYOUT.name.start)?)?;
    let value = match info {
        Some(info) => value(&linked, &info, key)?,
        None => None,
    };
    Some((name.to_vec(), value.map(<[u8]>::to_vec)))
}

/// What libFuzzer calls with each file.
///
/// # Safety
///
/// `data` has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn LLVMFuzzerTestOneInput(data: *const u8, size: usize) -> i32 {
    let file = if size == 0 {
        &[][..]
    } else {
        // SAFETY: By the caller's guarantee.
        unsafe { std::slice::from_raw_parts(data, size) }
    };
    let Ok(module) = ModuleFile::read(file, &LAYOUT) else {
        return 0;
    };
    for key in [&b"name="[..], b"license=", b"="] {
        let linked = load(file, key).expect("the loader finds it, too");
        assert_eq!(module.name(), linked.0);
        assert_eq!(module.info(key), linked.1.as_deref());
    }
    assert!(module.name().len() < LAYOUT.name.len());
    if cfg!(planted) {
        assert!(!module.name_differs());
    }
    0
}
