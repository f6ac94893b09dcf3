// SPDX-License-Identifier: GPL-2.0-or-later

//! The reader of a module's file, which may be anything: its name, and the values of its `.modinfo`.
//!
//! It finds what the loader finds, by the loader's own rules (`elf_validity_cache_copy()`). Where the
//! loader would read something else, read beyond the end, or overwrite what was read before it uses
//! it, the file is malformed: no answer is better than a wrong one. What it does not ask, such as the
//! machine, the loader asks later.
//!
//! Time is linear in the number of sections, of which there are at most 65,535, and in the length of
//! `.modinfo`. Needs nothing but the core library: `fuzz/` builds it for the host.

use core::ops::Range;

/// Where the name is in a `struct module`.
pub(crate) struct Layout {
    /// Bytes of the struct.
    pub(crate) size: usize,
    /// Those of its name, with at least one NUL.
    pub(crate) name: Range<usize>,
}

/// What can't be read with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a module's file says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ModuleFile<'a> {
    name: &'a [u8],
    info: &'a [u8],
}

/// Longer than any `.modinfo`: programs that may not sleep search it.
const MAX_INFO: usize = 1 << 20;

/// Bytes of the header, and of each entry of the section table.
const HEADER: usize = 64;
const SECTION: usize = 64;

const ET_REL: u16 = 1;
const SHT_NULL: u32 = 0;
const SHT_STRTAB: u32 = 3;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 1 << 1;

/// `N` bytes at an offset.
fn bytes<const N: usize>(from: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    let rest = from.get(at..).ok_or(Malformed)?;
    rest.first_chunk().copied().ok_or(Malformed)
}

fn u16_at(from: &[u8], at: usize) -> Result<u16, Malformed> {
    Ok(u16::from_ne_bytes(bytes(from, at)?))
}

fn u32_at(from: &[u8], at: usize) -> Result<u32, Malformed> {
    Ok(u32::from_ne_bytes(bytes(from, at)?))
}

/// A number of the file as a size; what has no place in memory is no size.
fn size_at(from: &[u8], at: usize) -> Result<usize, Malformed> {
    usize::try_from(u64::from_ne_bytes(bytes(from, at)?)).map_err(|_| Malformed)
}

/// An entry of the section table.
#[derive(Clone)]
struct Section {
    name: usize,
    kind: u32,
    flags: u64,
    /// Where its contents are, if it has any.
    range: Range<usize>,
}

impl Section {
    fn read(entry: &[u8]) -> Result<Self, Malformed> {
        let start = size_at(entry, 24)?;
        let len = size_at(entry, 32)?;
        let kind = u32_at(entry, 4)?;
        let end = match kind {
            SHT_NULL | SHT_NOBITS => start,
            _ => start.checked_add(len).ok_or(Malformed)?,
        };
        Ok(Self {
            name: usize::try_from(u32_at(entry, 0)?).map_err(|_| Malformed)?,
            kind,
            flags: u64::from_ne_bytes(bytes(entry, 8)?),
            range: start..end,
        })
    }

    fn has_contents(&self) -> bool {
        self.kind != SHT_NULL && self.kind != SHT_NOBITS
    }
}

/// The section table, with names and contents in bounds.
struct Sections<'a> {
    file: &'a [u8],
    /// Where the table is.
    range: Range<usize>,
    names: &'a [u8],
}

impl<'a> Sections<'a> {
    fn read(file: &'a [u8]) -> Result<Self, Malformed> {
        if bytes(file, 0)? != *b"\x7fELF" || u16_at(file, 16)? != ET_REL {
            return Err(Malformed);
        }
        let start = size_at(file, 40)?;
        let entry_size = u16_at(file, 58)?;
        let count = u16_at(file, 60)?;
        let names = u16_at(file, 62)?;
        if usize::from(entry_size) != SECTION || names == 0 || names >= count {
            return Err(Malformed);
        }
        let end = start.checked_add(usize::from(count) * SECTION);
        let mut sections = Self {
            file,
            range: start..end.filter(|end| *end <= file.len()).ok_or(Malformed)?,
            names: &[],
        };

        let first = sections.entry(0)?;
        if first.kind != SHT_NULL || size_at(sections.table(), 16)? != 0 || sections.len_of(0)? != 0
        {
            return Err(Malformed);
        }
        let names = sections.entry(names.into())?;
        if names.kind != SHT_STRTAB {
            return Err(Malformed);
        }
        sections.names = sections.contents(&names)?;
        if sections.names.last() != Some(&0) {
            return Err(Malformed);
        }
        for section in sections.entries() {
            let section = section?;
            // The loader doesn't look whether the name of a section of no type is one, and goes by
            // it all the same.
            if section.name >= sections.names.len() {
                return Err(Malformed);
            }
            if section.has_contents() {
                sections.contents(&section)?;
            }
        }
        Ok(sections)
    }

    fn table(&self) -> &'a [u8] {
        self.file.get(self.range.clone()).unwrap_or_default()
    }

    fn entry(&self, index: usize) -> Result<Section, Malformed> {
        let mut entries = self.table().chunks_exact(SECTION);
        Section::read(entries.nth(index).ok_or(Malformed)?)
    }

    /// The size that an entry states, contents or not.
    fn len_of(&self, index: usize) -> Result<usize, Malformed> {
        size_at(self.table(), index * SECTION + 32)
    }

    /// All but the first, which stands for none.
    fn entries(&self) -> impl Iterator<Item = Result<Section, Malformed>> + 'a {
        self.table()
            .chunks_exact(SECTION)
            .skip(1)
            .map(Section::read)
    }

    fn contents(&self, section: &Section) -> Result<&'a [u8], Malformed> {
        self.file.get(section.range.clone()).ok_or(Malformed)
    }

    /// The section of this name, given with its NUL. More than one is malformed, and so is one
    /// without contents.
    fn find(&self, name: &[u8]) -> Result<Option<Section>, Malformed> {
        let mut found = None;
        for section in self.entries() {
            let section = section?;
            let named = self.names.get(section.name..).ok_or(Malformed)?;
            if !named.starts_with(name) {
                continue;
            }
            if found.is_some() || !section.has_contents() {
                return Err(Malformed);
            }
            found = Some(section);
        }
        Ok(found)
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

impl<'a> ModuleFile<'a> {
    /// Reads the whole file of a module, with what may be appended to it.
    pub(crate) fn read(file: &'a [u8], layout: &Layout) -> Result<Self, Malformed> {
        let sections = Sections::read(file)?;
        let this = sections.find(b".gnu.linkonce.this_module\0")?;
        let this = this.ok_or(Malformed)?;
        let info = sections.find(b".modinfo\0")?;
        let record = sections.contents(&this)?;
        if record.len() != layout.size || this.flags & SHF_ALLOC == 0 {
            return Err(Malformed);
        }
        // The loader writes to the table before it copies the record.
        let info_range = info.as_ref().map_or(0..0, |info| info.range.clone());
        let fixed = [0..HEADER, sections.range.clone()];
        if overlap(&this.range, &info_range)
            || fixed
                .iter()
                .any(|fixed| overlap(fixed, &this.range) || overlap(fixed, &info_range))
        {
            return Err(Malformed);
        }

        let name = record.get(layout.name.clone()).ok_or(Malformed)?;
        let len = name.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
        let info = match info {
            // The loader takes what lies there for a string, whatever the size, and reads on to its
            // NUL.
            Some(info) => match sections.contents(&info)? {
                strings if strings.len() <= MAX_INFO && strings.last() == Some(&0) => strings,
                _ => return Err(Malformed),
            },
            None => &[],
        };
        Ok(Self {
            name: name.get(..len).ok_or(Malformed)?,
            info,
        })
    }

    /// The name in its struct module.
    pub(crate) fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The first value of a key, which is given with its '='.
    pub(crate) fn info(&self, key: &[u8]) -> Option<&'a [u8]> {
        let mut strings = self.info.split(|byte| *byte == 0);
        strings.find_map(|string| string.strip_prefix(key))
    }

    /// Whether `.modinfo` has another name than the struct module.
    pub(crate) fn name_differs(&self) -> bool {
        self.info(b"name=").is_some_and(|name| name != self.name)
    }
}
