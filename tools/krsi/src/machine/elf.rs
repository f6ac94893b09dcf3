// SPDX-License-Identifier: GPL-2.0-or-later

//! What ELF files say of themselves, read by the kernel's rules: whether a file is a program, and
//! its build id.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};

/// How many segments the kernel looks at.
const SEGMENTS: u16 = 256;

/// Longest build id, bytes: `KRSI_BUILD_ID_SIZE`.
pub const BUILD_ID_SIZE: usize = 20;

const PT_NOTE: u32 = 4;
const NT_GNU_BUILD_ID: u32 = 3;
const PROGRAMS: [u16; 2] = [2 /* ET_EXEC */, 3 /* ET_DYN */];

/// The head of an ELF file.
struct Head {
    is_64: bool,
    kind: u16,
    /// Where the table of segments begins, and how many there are.
    segments: (u64, u16),
}

/// `None` behind the end of the file.
fn fetch<const SIZE: usize>(file: &File, at: u64) -> io::Result<Option<[u8; SIZE]>> {
    let mut bytes = [0; SIZE];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        // Where no offset can be.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(e) => Err(e),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | (u32::from(u16_at(bytes, at + 2)) << 16)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | (u64::from(u32_at(bytes, at + 4)) << 32)
}

/// `None` if it is no ELF file.
fn head(file: &File) -> io::Result<Option<Head>> {
    let Some(short) = fetch::<52>(file, 0)? else {
        return Ok(None);
    };
    if !short.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let kind = u16_at(&short, 16);
    let (is_64, segments) = match short[4] {
        1 => (false, (u32_at(&short, 28).into(), u16_at(&short, 44))),
        2 => match fetch::<64>(file, 0)? {
            Some(long) => (true, (u64_at(&long, 32), u16_at(&long, 56))),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(Head {
        is_64,
        kind,
        segments,
    }))
}

/// Whether an open file can be what a process runs, its executable; an error that says why if not. Of
/// all else that can be executed, that is the interpreter.
pub fn ensure_program(file: &File, path: &Path) -> Result<()> {
    let name = path.display();
    let first = fetch::<2>(file, 0).with_context(|| name.to_string())?;
    ensure!(
        first != Some(*b"#!"),
        "{name} is a script: what a process runs is its interpreter"
    );
    let Some(head) = head(file).with_context(|| name.to_string())? else {
        bail!("{name} is no ELF file: what a process runs is an interpreter of it");
    };
    ensure!(
        PROGRAMS.contains(&head.kind),
        "{name} is an ELF file, but no program"
    );
    let mode = file.metadata()?.permissions().mode();
    ensure!(mode & 0o111 != 0, "{name} may be executed by nobody");
    Ok(())
}

/// The build id that the kernel finds in an open file.
pub fn build_id(file: &File) -> io::Result<Option<Vec<u8>>> {
    let Some(head) = head(file)?.filter(|head| PROGRAMS.contains(&head.kind)) else {
        return Ok(None);
    };
    let (table, count) = head.segments;
    for i in 0..u64::from(count.min(SEGMENTS)) {
        let segment = if head.is_64 {
            fetch::<56>(file, table.wrapping_add(i * 56))?
                .map(|bytes| (u32_at(&bytes, 0), u64_at(&bytes, 8), u64_at(&bytes, 32)))
        } else {
            fetch::<32>(file, table + i * 32)?.map(|bytes| {
                let [at, size] = [4, 16].map(|field| u64::from(u32_at(&bytes, field)));
                (u32_at(&bytes, 0), at, size)
            })
        };
        match segment {
            None => return Ok(None),
            Some((PT_NOTE, at, size)) => {
                if let Some(id) = build_id_in(file, at, size as u32)? {
                    return Ok(Some(id));
                }
            }
            Some(_) => (),
        }
    }
    Ok(None)
}

/// The first one in a segment of notes.
fn build_id_in(file: &File, mut at: u64, size: u32) -> io::Result<Option<Vec<u8>>> {
    let Some(end) = at
        .checked_add(size.into())
        .filter(|end| *end <= u32::MAX.into())
    else {
        return Ok(None);
    };
    while end - at > 16 {
        let Some(note) = fetch::<16>(file, at)? else {
            return Ok(None);
        };
        let [name_size, size, kind] = [0, 4, 8].map(|field| u32_at(&note, field));
        let padded = |size: u32| (u64::from(size) + 3) & !3;
        let next = at + 12 + padded(name_size) + padded(size);
        if next > end {
            return Ok(None);
        }
        let is_id = kind == NT_GNU_BUILD_ID && name_size == 4 && &note[12..] == b"GNU\0";
        if is_id && (1..=BUILD_ID_SIZE).contains(&(size as usize)) {
            let mut id = vec![0; size as usize];
            file.read_exact_at(&mut id, at + 16)?;
            return Ok(Some(id));
        }
        at = next;
    }
    Ok(None)
}
