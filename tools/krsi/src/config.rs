// SPDX-License-Identifier: GPL-2.0-or-later

//! The configuration: a TOML file that says what is to be in force. What is wrong in it is refused
//! with file, line and reason. `wanted.rs` makes of it what each policy gets, `saved.rs` changes it.

pub mod replace;
pub mod saved;
pub mod wanted;

use std::{
    fmt,
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::io::Errno;
use serde::{Deserialize, Deserializer, de::Error};
use toml::Spanned;

use crate::{
    events::buffers::Kind,
    machine::{
        kernel::Mode,
        regular::{open_to_look, read_open},
    },
};

/// Where it is, unless a person says otherwise.
pub const PATH: &str = "/etc/krsi/krsi.toml";

/// Larger than any configuration, bytes.
const LARGEST: u64 = 16 << 20;

/// The version that this program knows.
const VERSION: u32 = 1;

/// Texts, each with its place in the file.
pub type Texts = Vec<Spanned<String>>;

/// The whole file. A section that is missing is off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Of the format.
    pub version: Spanned<u32>,
    /// `env_audit`.
    pub preload: Option<Preload>,
    /// `exec_unlink`.
    pub deleted_executables: Option<DeletedExecutables>,
    /// `module_hide`.
    pub hidden_modules: Option<HiddenModules>,
    /// `module_allow`.
    pub modules: Option<Modules>,
    /// `usb_mount` or `usb_readonly`.
    pub usb: Option<Usb>,
    /// `binary_deny`.
    pub binaries: Option<Binaries>,
    /// What `krsi serve` does.
    #[serde(default)]
    pub events: Events,
}

/// The mode of a section that does not say.
fn audit() -> Spanned<Mode> {
    Spanned::new(0..0, Mode::Audit)
}

/// Environment variables that have the dynamic loader run code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preload {
    /// How far it may go.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
    /// Variables that are denied in enforce mode.
    pub variables: Option<Texts>,
    /// Variables that are only told.
    #[serde(default)]
    pub report: Texts,
    /// Libraries that may be preloaded.
    #[serde(default)]
    pub allow: Texts,
    /// What of a value leaves the kernel.
    #[serde(default)]
    pub value: Told,
}

/// What of a variable's value leaves the kernel: `KRSI_VALUE_*`, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// As much as fits.
    #[default]
    Whole,
    /// Its first bytes.
    Prefix,
    /// How long it is.
    Length,
    /// A hash of it.
    Hash,
}

/// Programs that leave no file behind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeletedExecutables {
    /// How far it may go.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
    /// `[UID@]PROGRAM`: who acts by it is exempt.
    #[serde(default)]
    pub exempt_programs: Texts,
    /// `[UID@]PROGRAM`: whose parent runs it is exempt.
    #[serde(default)]
    pub exempt_parents: Texts,
    /// What is done to files below it is exempt.
    #[serde(default)]
    pub exempt_dirs: Texts,
    /// What is done in or below this cgroup (v2), a path below its root, is exempt.
    #[serde(default)]
    pub exempt_cgroups: Texts,
    /// A sealed memfd with this SHA-256 may be executed.
    #[serde(default)]
    pub allow_memfds: Texts,
}

/// Kernel modules that hide.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenModules {
    /// How far it may go; not enforce.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
}

/// Kernel modules that may be loaded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    /// How far it may go.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
    /// SHA-256 of such.
    #[serde(default)]
    pub allow: Texts,
    /// Files with lines of sha256sum(1).
    #[serde(default)]
    pub lists: Texts,
    /// Whether others are allowed and recorded.
    #[serde(default)]
    pub learn: bool,
}

/// USB sticks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usb {
    /// How far it may go.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
    /// Whether what is only read may be mounted.
    #[serde(default)]
    pub read_only: bool,
    /// `VENDOR:PRODUCT:SERIAL` of sticks that may be mounted.
    #[serde(default)]
    pub allow: Texts,
}

/// Programs and libraries that may not run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binaries {
    /// How far it may go.
    #[serde(default = "audit")]
    pub mode: Spanned<Mode>,
    /// SHA-256 of such.
    #[serde(default)]
    pub deny: Texts,
    /// Build ids of such, in hexadecimal.
    #[serde(default)]
    pub deny_build_ids: Texts,
}

/// How large the kernel's buffer may be; the least is a page on each machine.
const BUFFER_BYTES: RangeInclusive<u32> = 1 << 16..=1 << 30;

/// Where `krsi serve` puts events, and how many of them wait for that.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// To journald, with fields.
    pub journald: bool,
    /// To a file, one JSON object a line.
    #[serde(deserialize_with = "absolute")]
    pub file: Option<PathBuf>,
    /// How large the file may become before it is rotated, in bytes.
    #[serde(deserialize_with = "some_bytes")]
    pub max_bytes: u64,
    /// How many rotated files are kept.
    pub keep: u32,
    /// To syslog.
    pub syslog: bool,
    /// To a collector of OTLP: the start of its URL.
    #[serde(deserialize_with = "url")]
    pub otlp: Option<String>,
    /// By which kind of buffers reports leave the kernel.
    pub buffer: Kind,
    /// Size of the kernel's buffer for what is not denied, or of each processor's.
    #[serde(deserialize_with = "buffer_size")]
    pub buffer_bytes: u32,
}

fn absolute<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(value)?;
    match text.starts_with('/') && !text.contains('\0') {
        true => Ok(Some(text.into())),
        false => Err(D::Error::custom("name the file from the root, by a /")),
    }
}

fn some_bytes<'de, D: Deserializer<'de>>(value: D) -> Result<u64, D::Error> {
    match u64::deserialize(value)? {
        0 => Err(D::Error::custom("a file of 0 bytes holds no event")),
        bytes => Ok(bytes),
    }
}

fn url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(value)?;
    let host = text
        .strip_prefix("http://")
        .or(text.strip_prefix("https://"));
    match host.is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
    {
        true => Ok(Some(text)),
        false => Err(D::Error::custom("no URL, such as http://127.0.0.1:4318")),
    }
}

fn buffer_size<'de, D: Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    let bytes = u32::deserialize(value)?;
    match bytes.is_power_of_two() && BUFFER_BYTES.contains(&bytes) {
        true => Ok(bytes),
        false => Err(D::Error::custom(format!(
            "a buffer has a power of two of bytes, from {} to {}",
            BUFFER_BYTES.start(),
            BUFFER_BYTES.end()
        ))),
    }
}

impl Default for Events {
    fn default() -> Self {
        Self {
            journald: true,
            file: None,
            max_bytes: 10 << 20,
            keep: 5,
            syslog: false,
            otlp: None,
            buffer: Kind::Ring,
            buffer_bytes: 1 << 20,
        }
    }
}

/// The text of a configuration, and what it says.
#[derive(Debug)]
pub struct Config {
    name: String,
    text: String,
    /// What it says.
    pub file: File,
}

/// The text of a configuration's file: one that anybody may write to says what anybody wants.
pub fn text(path: &Path) -> Result<String> {
    let file = open_to_look(path)?;
    let mode = file.metadata()?.permissions().mode();
    ensure!(mode & 0o002 == 0, "everybody may write to it (chmod o-w)");
    Ok(String::from_utf8(read_open(file, LARGEST)?)?)
}

impl Config {
    /// From a file.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let what = format!("{name}, which says what is to be in force, can't be read");
        match text(path) {
            Err(e) if e.downcast_ref() == Some(&Errno::NOENT) => {
                bail!("{what}: there is no such file")
            }
            text => Self::parse(&name, text.context(what)?),
        }
    }

    /// From a text; `name` is what errors call it.
    pub fn parse(name: &str, text: String) -> Result<Self> {
        let file: File = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            anyhow!("{}: {}", place(name, &text, at), error.message())
        })?;
        let config = Self {
            name: name.to_owned(),
            text,
            file,
        };
        let version = *config.file.version.get_ref();
        ensure!(
            version == VERSION,
            "{}: version {version}: this krsi knows version {VERSION}",
            config.at(&config.file.version)
        );
        Ok(config)
    }

    /// Where in the file something stands, as `FILE:LINE`.
    pub fn at<T>(&self, of: &Spanned<T>) -> String {
        place(&self.name, &self.text, of.span().start)
    }

    /// Has an error say where in the file its reason stands.
    pub fn blame<T, U>(&self, of: &Spanned<T>, what: impl fmt::Display, r: Result<U>) -> Result<U> {
        r.with_context(|| format!("{}: {what}", self.at(of)))
    }
}

/// `NAME:LINE` of a byte of a text.
fn place(name: &str, text: &str, at: usize) -> String {
    let before = text.as_bytes().iter().take(at);
    format!(
        "{name}:{}",
        1 + before.filter(|byte| **byte == b'\n').count()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_or_is_everybodys_is_no_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("krsi.toml");
        std::fs::write(&path, "version = 1\n").unwrap();
        assert!(Config::read(&path).is_ok());
        let everybodys = std::fs::Permissions::from_mode(0o646);
        std::fs::set_permissions(&path, everybodys).unwrap();
        let none = dir.path().join("none");
        for (path, reason) in [
            (Path::new("/dev/null"), "no regular file"),
            (&path, "everybody may write"),
            (dir.path(), "no regular file"),
            (&none, "there is no such file"),
        ] {
            let error = format!("{:#}", Config::read(path).unwrap_err());
            assert!(error.contains(reason), "{error}");
        }
    }

    fn refused(text: &str) -> String {
        let error = Config::parse("krsi.toml", text.to_owned()).expect_err(text);
        format!("{error:#}")
    }

    #[test]
    fn a_section_without_a_mode_is_in_audit_and_a_missing_one_is_off() {
        let config = Config::parse("x", "version = 1\n[usb]\n".to_owned()).unwrap();
        let usb = config.file.usb.unwrap();
        assert_eq!((*usb.mode.get_ref(), usb.read_only), (Mode::Audit, false));
        assert!(config.file.preload.is_none());
        assert_eq!(config.file.events, Events::default());
    }

    #[test]
    fn the_example_only_tells() {
        let text = include_str!("../packaging/krsi.toml");
        let file = Config::parse("x", text.to_owned()).unwrap().file;
        let modes = [
            file.preload.map(|section| section.mode),
            file.deleted_executables.map(|section| section.mode),
            file.hidden_modules.map(|section| section.mode),
            file.modules.map(|section| section.mode),
            file.usb.map(|section| section.mode),
            file.binaries.map(|section| section.mode),
        ];
        for mode in modes {
            assert_eq!(*mode.unwrap().get_ref(), Mode::Audit);
        }
        // What stands there as a comment is right, too.
        let uncommented: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with([' ', ':']) && key.contains(" = ") => key,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        Config::parse("x", uncommented).unwrap();
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_line() {
        for (text, line, reason) in [
            ("[usb]\n", 1, "missing field `version`"),
            ("version = 2\n", 1, "knows version 1"),
            ("version = 1\n\n[usb]\nmode = \"block\"\n", 4, "`enforce`"),
            ("version = 1\n[usb]\nalow = []\n", 3, "unknown field `alow`"),
            ("version = 1\n[ubs]\n", 2, "unknown field `ubs`"),
            ("version = 1\n[usb]\nallow = [1]\n", 3, "expected a string"),
            ("version = 1\n[usb\n", 2, ""),
            ("version = 1\n[usb]\n[usb]\n", 3, "duplicate"),
            ("version = \"1\"\n", 1, "expected u32"),
            ("version = 1\n[preload]\nvalue = \"all\"\n", 3, "`whole`"),
            ("version = 1\n[modules]\nlearn = 1\n", 3, "a boolean"),
            ("version = 1\n[events]\nfile = \"krsi.log\"\n", 3, "by a /"),
            ("version = 1\n[events]\nfile = \"\"\n", 3, "by a /"),
            ("version = 1\n\n[events]\nmax_bytes = 0\n", 4, "0 bytes"),
            ("version = 1\n[events]\nkeep = -1\n", 3, "-1"),
            (
                "version = 1\n[events]\notlp = \"127.0.0.1:4318\"\n",
                3,
                "no URL",
            ),
            ("version = 1\n[events]\notlp = \"http://\"\n", 3, "no URL"),
            (
                "version = 1\n[events]\nbuffer_bytes = 100000\n",
                3,
                "a power of two",
            ),
            (
                "version = 1\n[events]\nbuffer_bytes = 4096\n",
                3,
                "from 65536",
            ),
        ] {
            let said = refused(text);
            assert!(said.starts_with(&format!("krsi.toml:{line}: ")), "{said}");
            assert!(said.contains(reason), "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_wrong(text in ".*") {
            let _ = Config::parse("x", text);
        }
    }
}
