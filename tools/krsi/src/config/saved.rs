// SPDX-License-Identifier: GPL-2.0-or-later

//! The configuration as a text that is changed: what stands around the change, comments and layout,
//! stays as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use toml_edit::{Array, DocumentMut, Item, Value};

use crate::config::{self, Config, replace::replace};

/// Which configuration.
#[derive(clap::Args)]
pub struct Named {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = config::PATH)]
    config: PathBuf,
}

impl Named {
    /// The strings of a list in it; none if there is no configuration.
    pub fn strings(&self, section: &str, key: &str) -> Result<Vec<String>> {
        match Saved::open(&self.config) {
            Err(e) if e.downcast_ref() == Some(&Errno::NOENT) => Ok(Vec::new()),
            saved => Ok(saved?.strings(section, key)),
        }
    }
}

/// Where to save a change.
#[derive(clap::Args)]
pub struct Save {
    /// Change the configuration as well, so that it lasts.
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    named: Named,
}

impl Save {
    /// The configuration, if it is to be changed.
    pub fn open(&self) -> Result<Option<Saved>> {
        self.save
            .then(|| Saved::open(&self.named.config))
            .transpose()
    }
}

/// A configuration.
pub struct Saved {
    path: PathBuf,
    document: DocumentMut,
    /// Its lines end as on other systems.
    has_returns: bool,
}

impl Saved {
    /// Reads it; an error if it is wrong already.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = config::text(path).with_context(|| name.clone())?;
        let has_returns = text.contains("\r\n");
        let document = text.parse().with_context(|| name.clone())?;
        Config::parse(&name, text)?;
        Ok(Self {
            path: path.to_owned(),
            document,
            has_returns,
        })
    }

    /// The text with all changes.
    fn text(&self) -> String {
        let text = self.document.to_string();
        match self.has_returns {
            // The document has none but within strings.
            true => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            false => text,
        }
    }

    /// Writes it back, after all that was changed is in force.
    pub fn write(&self) -> Result<()> {
        replace(&self.path, self.text().as_bytes()).context("it is in force, but not saved")
    }

    /// The strings of a list; none if it is not there.
    pub fn strings(&self, section: &str, key: &str) -> Vec<String> {
        let list = self.document.get(section).and_then(|item| item.get(key));
        list.and_then(Item::as_array)
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }

    /// Adds a string to a list that has none which is the same.
    pub fn add(
        &mut self,
        section: &str,
        key: &str,
        text: &str,
        is_same: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let list = self.list(section, key)?;
        if !list.iter().filter_map(Value::as_str).any(is_same) {
            push(list, text);
        }
        Ok(())
    }

    /// Removes the strings from a list that are the same.
    pub fn remove(
        &mut self,
        section: &str,
        key: &str,
        is_same: impl Fn(&str) -> bool,
    ) -> Result<()> {
        let list = self.list(section, key)?;
        for at in (0..list.len()).rev() {
            if list.get(at).and_then(Value::as_str).is_some_and(&is_same) {
                take_out(list, at);
            }
        }
        Ok(())
    }

    /// Sets a value that is true or false.
    pub fn set(&mut self, section: &str, key: &str, to: bool) -> Result<()> {
        let item = self.item(section, key)?;
        match item.as_value_mut() {
            Some(value) => {
                let decor = value.decor().clone();
                *value = to.into();
                *value.decor_mut() = decor;
            }
            None => *item = toml_edit::value(to),
        }
        Ok(())
    }

    fn item(&mut self, section: &str, key: &str) -> Result<&mut Item> {
        let name = self.path.display().to_string();
        let table = self
            .document
            .get_mut(section)
            .and_then(Item::as_table_like_mut)
            .with_context(|| format!("{name} has no section [{section}] to save this in"))?;
        Ok(table.entry(key).or_insert(Item::None))
    }

    fn list(&mut self, section: &str, key: &str) -> Result<&mut Array> {
        let name = self.path.display().to_string();
        let item = self.item(section, key)?;
        if item.is_none() {
            *item = toml_edit::value(Array::new());
        }
        let list = item.as_array_mut();
        ensure!(list.is_some(), "{name}: {key} in [{section}] is no list");
        list.context("it was looked for")
    }
}

/// What stands before an element: since the comma before it, or the bracket.
fn before(value: &Value) -> String {
    let text = value.decor().prefix().and_then(|text| text.as_str());
    text.unwrap_or_default().to_owned()
}

fn after(value: &Value) -> String {
    let text = value.decor().suffix().and_then(|text| text.as_str());
    text.unwrap_or_default().to_owned()
}

/// Appends an element, on a line of its own where the others have such.
fn push(list: &mut Array, text: &str) {
    let Some(last) = list.len().checked_sub(1) else {
        // Perhaps there is a comment in the brackets.
        let inside = list.trailing().as_str().unwrap_or_default().to_owned();
        match inside.rfind('\n') {
            Some(line) => {
                list.push_formatted(
                    Value::from(text).decorated(format!("{}\n\t", &inside[..line]), ""),
                );
                list.set_trailing(&inside[line..]);
                list.set_trailing_comma(true);
            }
            None => list.push(text),
        }
        return;
    };
    let own_line = before(&list.get(last).expect("there is a last one").clone());
    let indent = own_line.rfind('\n').map(|line| own_line[line..].to_owned());
    // What follows the last one, such as a comment about it, stays behind it.
    let mut behind = list.trailing().as_str().unwrap_or_default().to_owned();
    let value = list.get_mut(last).expect("there is a last one");
    let suffix = after(value);
    value.decor_mut().set_suffix("");
    behind.insert_str(0, &suffix);
    let (prefix, trailing) = match (indent, behind.rfind('\n')) {
        (Some(indent), Some(line)) => (format!("{}{indent}", &behind[..line]), &behind[line..]),
        (Some(indent), None) => (indent, ""),
        (None, Some(line)) if behind.contains('#') => {
            (format!("{}\n\t", &behind[..line]), &behind[line..])
        }
        (None, _) => (" ".to_owned(), behind.as_str()),
    };
    let trailing = trailing.to_owned();
    list.push_formatted(Value::from(text).decorated(prefix, ""));
    list.set_trailing(trailing);
}

/// Takes an element out, with the comment that stands behind it on its line.
fn take_out(list: &mut Array, at: usize) {
    let value = list.remove(at);
    let ahead = before(&value);
    let has_next = at < list.len();
    let behind = match list.get(at) {
        Some(next) => before(next),
        None => after(&value) + list.trailing().as_str().unwrap_or_default(),
    };
    let kept = match behind.find('\n') {
        Some(line) => {
            let ahead = &ahead[..ahead.rfind('\n').unwrap_or(ahead.len())];
            format!("{ahead}{}", &behind[line..])
        }
        None if has_next => ahead,
        None => String::new(),
    };
    match list.get_mut(at) {
        Some(next) => next.decor_mut().set_prefix(kept),
        None => list.set_trailing(kept),
    }
    if list.is_empty() {
        list.set_trailing_comma(false);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn saved(text: &str) -> Saved {
        Saved {
            path: "krsi.toml".into(),
            document: text.parse().unwrap(),
            has_returns: false,
        }
    }

    fn added(text: &str) -> String {
        let mut saved = saved(text);
        saved
            .add("usb", "allow", "new", |other| other == "new")
            .unwrap();
        saved.document.to_string()
    }

    fn removed(text: &str, what: &str) -> String {
        let mut saved = saved(text);
        saved.remove("usb", "allow", |other| other == what).unwrap();
        saved.document.to_string()
    }

    #[test]
    fn adds_as_the_others_stand() {
        let case = |before: &str, after: &str| {
            assert_eq!(
                added(&format!("[usb]\n{before}")),
                format!("[usb]\n{after}")
            );
        };
        case("", "allow = [\"new\"]\n");
        case("allow = []\n", "allow = [\"new\"]\n");
        case("allow = [\"a\"] # x\n", "allow = [\"a\", \"new\"] # x\n");
        case("allow = [\"new\"] # x\n", "allow = [\"new\"] # x\n");
        case(
            "allow = [\n  \"a\", # Bob's\n  # more\n]\nmode = \"audit\"\n",
            "allow = [\n  \"a\", # Bob's\n  # more\n  \"new\",\n]\nmode = \"audit\"\n",
        );
        case(
            "allow = [\n  \"a\" # Bob's\n]\n",
            "allow = [\n  \"a\", # Bob's\n  \"new\"\n]\n",
        );
        case(
            "allow = [\n  # none yet\n]\n",
            "allow = [\n  # none yet\n\t\"new\",\n]\n",
        );
    }

    #[test]
    fn only_the_change_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("krsi.toml");
        let case = |before: &str, after: &str| {
            std::fs::write(&path, before).unwrap();
            let mut saved = Saved::open(&path).unwrap();
            let is_new = |other: &str| other == "new";
            saved.add("usb", "allow", "new", is_new).unwrap();
            saved.write().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
            saved.remove("usb", "allow", is_new).unwrap();
            saved.write().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
        };
        // Lines end as on other systems.
        case(
            "version = 1\r\n[usb]\r\nallow = [\r\n  # all\r\n  \"a\", # Bob's\r\n]\r\n\r\n# end\r\n",
            "version = 1\r\n[usb]\r\nallow = [\r\n  # all\r\n  \"a\", # Bob's\r\n  \"new\",\r\n]\r\n\r\n# end\r\n",
        );
        // The section written in other ways.
        case(
            "version = 1\nusb = { allow = [\"a\"] }\n",
            "version = 1\nusb = { allow = [\"a\", \"new\"] }\n",
        );
        case(
            "version = 1\nusb.allow = ['a'] # x\n",
            "version = 1\nusb.allow = ['a', \"new\"] # x\n",
        );
    }

    #[test]
    fn removes_with_the_comment_on_its_line() {
        let case = |before: &str, after: &str| {
            let text = removed(&format!("[usb]\nallow = {before}\n"), "a");
            assert_eq!(text, format!("[usb]\nallow = {after}\n"));
        };
        case("[\"a\"]", "[]");
        case("[\"a\", \"b\"]", "[\"b\"]");
        case("[\"b\", \"a\"]", "[\"b\"]");
        case("[\"c\", \"a\", \"b\"]", "[\"c\", \"b\"]");
        case(
            "[\n  \"a\", # Ann's\n  \"b\", # Bob's\n]",
            "[\n  \"b\", # Bob's\n]",
        );
        case(
            "[\n  \"b\", # Bob's\n  \"a\", # Ann's\n]",
            "[\n  \"b\", # Bob's\n]",
        );
        case(
            "[\n  \"b\", # Bob's\n  \"a\" # Ann's\n]",
            "[\n  \"b\" # Bob's\n]",
        );
        case("[\n  # all\n  \"a\", # Ann's\n]", "[\n  # all\n]");
    }

    #[test]
    fn sets_what_is_there_and_what_is_not() {
        for (before, after) in [
            (
                "[modules]\nlearn = false # x\n",
                "[modules]\nlearn = true # x\n",
            ),
            ("[modules]\n", "[modules]\nlearn = true\n"),
        ] {
            let mut saved = saved(before);
            saved.set("modules", "learn", true).unwrap();
            assert_eq!(saved.document.to_string(), after);
        }
    }

    #[test]
    fn says_where_it_can_not_be_saved() {
        let error = saved("").add("usb", "allow", "x", |_| false).unwrap_err();
        assert!(error.to_string().contains("[usb]"), "{error}");
        let mut wrong = saved("[usb]\nallow = 3\n");
        assert!(wrong.add("usb", "allow", "x", |_| false).is_err());
        assert!(saved("usb = 3\n").set("usb", "learn", true).is_err());
    }

    proptest! {
        /// Whatever the layout, the list has what it had and what was added, and all comments.
        #[test]
        fn adds_and_removes_in_any_layout(
            gaps in prop::collection::vec("[ \t]{0,2}(#[a-z ]{0,5}\n)?[ \n]{0,3}", 4..9),
            comma in any::<bool>(),
        ) {
            let mut text = String::from("[usb]\nallow = [");
            for (number, gap) in gaps.iter().enumerate() {
                text += gap;
                if number + 1 < gaps.len() {
                    text += &format!("\"{number}\"");
                    if number + 2 < gaps.len() || comma {
                        text += ",";
                    }
                }
            }
            text += "]\n";
            let mut saved = saved(&text);
            let mut wanted = saved.strings("usb", "allow");
            let comments = text.matches('#').count();
            saved.add("usb", "allow", "new", |other| other == "new").unwrap();
            wanted.push("new".into());
            let after = saved.document.to_string();
            prop_assert_eq!(after.matches('#').count(), comments, "{}", after);
            let mut saved = super::tests::saved(&after);
            prop_assert_eq!(saved.strings("usb", "allow"), wanted.clone());
            saved.remove("usb", "allow", |other| other == "1").unwrap();
            wanted.retain(|other| other != "1");
            let last = super::tests::saved(&saved.document.to_string());
            prop_assert_eq!(last.strings("usb", "allow"), wanted);
        }
    }
}
