// SPDX-License-Identifier: GPL-2.0-or-later

//! What the configuration wants of each policy: its mode, and what its maps hold.

use std::path::Path;

use anyhow::{Error, Result};
use toml::Spanned;

use crate::{
    config::{Config, File, Texts},
    machine::kernel::Mode,
    policy::{
        entry::{Entry, absolute, absolute_program},
        module_list,
        variables::Variables,
    },
};

/// One policy that is to be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its section of the configuration.
    pub section: &'static str,
    /// Its name.
    pub policy: &'static str,
    /// Audit or enforce.
    pub mode: Mode,
    /// The maps whose contents the configuration says, all of them.
    pub maps: &'static [&'static str],
    /// These contents.
    pub entries: Vec<Entry>,
    /// What could not be there yet, and so exempts nothing.
    pub absent: Vec<String>,
}

/// All that a configuration wants, in the order in which it is attached.
pub fn all(config: &Config) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    wanted.extend(preload(config)?);
    wanted.extend(deleted_executables(config)?);
    wanted.extend(hidden_modules(config)?);
    wanted.extend(modules(config)?);
    wanted.extend(usb(config)?);
    wanted.extend(binaries(config)?);
    Ok(wanted)
}

impl Wanted {
    fn new(section: &'static str, policy: &'static str, mode: &Spanned<Mode>) -> Option<Self> {
        (*mode.get_ref() != Mode::Off).then_some(Self {
            section,
            policy,
            mode: *mode.get_ref(),
            maps: &[],
            entries: Vec::new(),
            absent: Vec::new(),
        })
    }

    /// An entry for each text, or an error that says where the text stands.
    fn add(
        &mut self,
        config: &Config,
        key: &str,
        texts: &Texts,
        entry: impl Fn(&str) -> Result<Entry>,
    ) -> Result<()> {
        for text in texts {
            let entry = config.blame(
                text,
                format_args!("{}.{key}", self.section),
                entry(text.get_ref()),
            )?;
            self.entries.push(entry);
        }
        Ok(())
    }
}

fn preload(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.preload else {
        return Ok(None);
    };
    let Some(mut wanted) = Wanted::new("preload", "env_audit", &section.mode) else {
        return Ok(None);
    };
    wanted.maps = &["allowed_preload", Variables::MAP];
    let mut variables = Variables::new(section.value);
    match &section.variables {
        None => variables.add_defaults(),
        Some(names) => {
            for name in names {
                let added = variables.add(name.get_ref(), true);
                config.blame(name, "preload.variables", added)?;
            }
        }
    }
    for name in &section.report {
        let added = variables.add(name.get_ref(), false);
        config.blame(name, "preload.report", added)?;
    }
    if let Some(library) = section.allow.first() {
        let can_be = match variables.has("LD_PRELOAD") {
            true => Ok(()),
            false => Err(Error::msg(
                "libraries are looked for in LD_PRELOAD alone, which is not among the variables",
            )),
        };
        config.blame(library, "preload.allow", can_be)?;
    }
    wanted.entries.push(variables.entry());
    wanted.add(config, "allow", &section.allow, Entry::allow_preload)?;
    Ok(Some(wanted))
}

fn deleted_executables(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.deleted_executables else {
        return Ok(None);
    };
    let Some(mut wanted) = Wanted::new("deleted_executables", "exec_unlink", &section.mode) else {
        return Ok(None);
    };
    wanted.maps = &[
        "exempt_exe",
        "exempt_parent",
        "exempt_dir",
        "exempt_cgroup",
        "allowed_memfd",
    ];
    wanted.add(
        config,
        "exempt_programs",
        &section.exempt_programs,
        |text| Entry::exempt_program(absolute_program(text)?),
    )?;
    wanted.add(config, "exempt_parents", &section.exempt_parents, |text| {
        Entry::exempt_parent(absolute_program(text)?)
    })?;
    let mut dirs: Vec<Entry> = Vec::new();
    for dir in &section.exempt_dirs {
        let number = dirs.len().try_into()?;
        let entry = absolute(dir.get_ref()).and_then(|path| Entry::exempt_dir(path, number));
        let entry = config.blame(dir, "deleted_executables.exempt_dirs", entry)?;
        // One that is there twice takes one slot.
        if !dirs.iter().any(|other| other.value == entry.value) {
            dirs.push(entry);
        }
    }
    wanted.entries.extend(dirs);
    for cgroup in &section.exempt_cgroups {
        let what = "deleted_executables.exempt_cgroups";
        match config.blame(cgroup, what, Entry::exempt_cgroup(cgroup.get_ref()))? {
            Some(entry) => wanted.entries.push(entry),
            None => wanted.absent.push(format!(
                "{}: {what}: there is no cgroup {} yet, so it exempts nothing; apply again when \
                 there is",
                config.at(cgroup),
                cgroup.get_ref()
            )),
        }
    }
    wanted.add(
        config,
        "allow_memfds",
        &section.allow_memfds,
        Entry::allow_memfd,
    )?;
    Ok(Some(wanted))
}

fn hidden_modules(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.hidden_modules else {
        return Ok(None);
    };
    let allowed = match section.mode.get_ref() {
        Mode::Enforce => Err(Error::msg(
            "enforce can't be had: when a module is found hidden, it is there; say audit",
        )),
        _ => Ok(()),
    };
    config.blame(&section.mode, "hidden_modules.mode", allowed)?;
    Ok(Wanted::new("hidden_modules", "module_hide", &section.mode))
}

fn modules(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.modules else {
        return Ok(None);
    };
    let Some(mut wanted) = Wanted::new("modules", "module_allow", &section.mode) else {
        return Ok(None);
    };
    wanted.maps = &["allowed", "learning"];
    wanted.add(config, "allow", &section.allow, Entry::allow_module)?;
    for list in &section.lists {
        let read = absolute(list.get_ref()).and_then(read_modules);
        let read = config.blame(list, "modules.lists", read)?;
        wanted.entries.extend(read);
    }
    if section.learn {
        wanted.entries.push(Entry::learn_modules());
    }
    Ok(Some(wanted))
}

/// The modules of a list, as sha256sum(1) writes it.
pub fn read_modules(list: &Path) -> Result<Vec<Entry>> {
    let modules = module_list::read(list)?;
    Ok(modules
        .iter()
        .map(|(digest, _)| Entry::allow_module_of(digest))
        .collect())
}

fn usb(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.usb else {
        return Ok(None);
    };
    let policy = match section.read_only {
        true => "usb_readonly",
        false => "usb_mount",
    };
    let Some(mut wanted) = Wanted::new("usb", policy, &section.mode) else {
        return Ok(None);
    };
    wanted.maps = &["allowed_usb"];
    wanted.add(config, "allow", &section.allow, Entry::allow_usb)?;
    Ok(Some(wanted))
}

fn binaries(config: &Config) -> Result<Option<Wanted>> {
    let Some(section) = &config.file.binaries else {
        return Ok(None);
    };
    let Some(mut wanted) = Wanted::new("binaries", "binary_deny", &section.mode) else {
        return Ok(None);
    };
    wanted.maps = &["denied_digest", "denied_verity", "denied_build_id"];
    wanted.add(config, "deny", &section.deny, Entry::deny_digest)?;
    wanted.add(
        config,
        "deny_build_ids",
        &section.deny_build_ids,
        Entry::deny_build_id_of,
    )?;
    Ok(Some(wanted))
}

/// The mode that a configuration says for each policy, whether or not what else it says can be had.
pub fn modes(file: &File) -> Vec<(&'static str, Mode)> {
    let mode = |mode: Option<&Spanned<Mode>>| mode.map_or(Mode::Off, |mode| *mode.get_ref());
    let usb = mode(file.usb.as_ref().map(|section| &section.mode));
    let read_only = file.usb.as_ref().is_some_and(|section| section.read_only);
    let usb_if = |is: bool| if is { usb } else { Mode::Off };
    let preload = file.preload.as_ref().map(|section| &section.mode);
    let deleted = file.deleted_executables.as_ref();
    let hidden = file.hidden_modules.as_ref();
    let modules = file.modules.as_ref().map(|section| &section.mode);
    let binaries = file.binaries.as_ref().map(|section| &section.mode);
    vec![
        ("env_audit", mode(preload)),
        ("exec_unlink", mode(deleted.map(|section| &section.mode))),
        ("module_hide", mode(hidden.map(|section| &section.mode))),
        ("module_allow", mode(modules)),
        ("usb_mount", usb_if(!read_only)),
        ("usb_readonly", usb_if(read_only)),
        ("binary_deny", mode(binaries)),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_of(text: &str) -> Result<Vec<Wanted>> {
        all(&Config::parse("krsi.toml", format!("version = 1\n{text}")).unwrap())
    }

    #[test]
    fn each_section_is_a_policy() {
        let wanted = all_of(
            "[usb]\nread_only = true\nallow = [\"0951:1666:S\"]\n[preload]\nmode = \"enforce\"\n\
             [binaries]\nmode = \"off\"\n[hidden_modules]\n",
        )
        .unwrap();
        let said: Vec<_> = wanted.iter().map(|w| (w.policy, w.mode)).collect();
        assert_eq!(
            said,
            [
                ("env_audit", Mode::Enforce),
                ("module_hide", Mode::Audit),
                ("usb_readonly", Mode::Audit),
            ]
        );
        assert_eq!(wanted[2].entries[0].map, "allowed_usb");
    }

    #[test]
    fn what_can_not_match_is_refused_with_its_line() {
        for (text, line) in [
            ("[usb]\nallow = [\n\"0951:1666:S\",\n\"0951\"]\n", 5),
            ("[preload]\nallow = [\"a b\"]\n", 3),
            ("[preload]\nallow = [\"lib/a.so\"]\n", 3),
            ("[preload]\nallow = [\"a\\u0000.so\"]\n", 3),
            ("[preload]\nvariables = [\"A=B\"]\n", 3),
            ("[preload]\nvariables = [\"\"]\n", 3),
            ("[preload]\nvariables = [\"LD_PRELOAD \"]\n", 3),
            (
                "[preload]\nvariables = [\n\"LD_AUDIT\",\n\"LD_AUDIT\"]\n",
                5,
            ),
            ("[preload]\nreport = [\"A=B\"]\n", 3),
            ("[preload]\nreport = [\"\"]\n", 3),
            ("[preload]\nreport = [\"LD_PRELOAD\"]\n", 3),
            (
                "[preload]\nvariables = [\"LD_AUDIT\"]\nallow = [\"a.so\"]\n",
                4,
            ),
            ("[usb]\nallow = [\"+951:1666:S\"]\n", 3),
            ("[usb]\nallow = [\"\"]\n", 3),
            ("[modules]\nallow = [\"abc\"]\n", 3),
            ("[modules]\nlists = [\"modules.list\"]\n", 3),
            ("[modules]\nlists = [\"/\"]\n", 3),
            ("[binaries]\ndeny = [\"/usr/bin/true\"]\n", 3),
            ("[binaries]\ndeny_build_ids = [\"\"]\n", 3),
            ("[deleted_executables]\nexempt_programs = [\"sh\"]\n", 3),
            (
                "[deleted_executables]\nexempt_programs = [\"root@/bin/sh\"]\n",
                3,
            ),
            ("[deleted_executables]\nexempt_parents = [\"0@sh\"]\n", 3),
            ("[deleted_executables]\nexempt_parents = [\"\"]\n", 3),
            ("[deleted_executables]\nexempt_dirs = [\".\"]\n", 3),
            (
                "[deleted_executables]\nexempt_dirs = [\"/etc/passwd\"]\n",
                3,
            ),
            ("[deleted_executables]\nexempt_cgroups = [\"a\"]\n", 3),
            ("[deleted_executables]\nallow_memfds = [\"\"]\n", 3),
            ("[hidden_modules]\nmode = \"enforce\"\n", 3),
            ("[modules]\nlists = [\"/no/such\"]\n", 3),
            ("[binaries]\ndeny_build_ids = [\"12x\"]\n", 3),
            (
                "[deleted_executables]\nexempt_programs = [\"/etc/passwd\"]\n",
                3,
            ),
        ] {
            let said = format!("{:#}", all_of(text).expect_err(text));
            assert!(said.starts_with(&format!("krsi.toml:{line}: ")), "{said}");
        }
    }

    /// A value of the kinds that TOML has, and mostly of those that the configuration has.
    fn value() -> impl Strategy<Value = toml::Value> {
        let text = prop_oneof![
            ".*",
            "[0-9]{0,3}@?/[a-z/.]{0,9}",
            "[0-9a-f]{64}",
            "[+0-9a-fA-F:]{0,70}",
            "LD_[A-Z=]{0,40}",
            Just("enforce".to_owned()),
        ];
        let text = text.prop_map(toml::Value::String).boxed();
        prop_oneof![
            text.clone(),
            prop::collection::vec(text, 0..12).prop_map(toml::Value::Array),
            any::<bool>().prop_map(toml::Value::Boolean),
            any::<i64>().prop_map(toml::Value::Integer),
        ]
    }

    proptest! {
        #[test]
        fn no_value_is_too_wrong(
            (section, key) in prop::sample::select(vec![
                ("preload", "mode"), ("preload", "variables"), ("preload", "report"),
                ("preload", "allow"), ("preload", "value"),
                ("deleted_executables", "exempt_programs"),
                ("deleted_executables", "exempt_parents"),
                ("deleted_executables", "exempt_dirs"),
                ("deleted_executables", "exempt_cgroups"),
                ("deleted_executables", "allow_memfds"),
                ("modules", "allow"), ("modules", "lists"), ("modules", "learn"),
                ("usb", "read_only"), ("usb", "allow"),
                ("binaries", "deny"), ("binaries", "deny_build_ids"),
                ("events", "file"), ("events", "max_bytes"), ("events", "keep"),
                ("events", "otlp"), ("events", "buffer"), ("events", "buffer_bytes"),
            ]),
            value in value(),
        ) {
            let text = format!("version = 1\n[{section}]\n{key} = {value}\n");
            let all = Config::parse("x", text).and_then(|config| all(&config).map(|_| ()));
            if let Err(error) = all {
                let said = format!("{error:#}");
                prop_assert!(said.starts_with("x:"), "{}", said);
                prop_assert!(!said.starts_with("x:1:"), "{}", said);
            }
        }
    }

    #[test]
    fn each_shipped_policy_has_a_mode() {
        let text = "version = 1\n[usb]\nread_only = true\n";
        let config = Config::parse("x", text.to_owned()).unwrap();
        let modes = modes(&config.file);
        for policy in crate::policy::shipped::names() {
            assert!(modes.iter().any(|(name, _)| *name == policy), "{policy}");
        }
        assert!(modes.contains(&("usb_readonly", Mode::Audit)));
        assert!(modes.contains(&("usb_mount", Mode::Off)));
    }
}
