// SPDX-License-Identifier: GPL-2.0-or-later

//! What found no room in the kernel's buffers, by behaviour. How much of it was told is kept in a
//! file, so that what is lost while nobody reads is told to the next who does.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use libbpf_rs::{Map, MapCore, MapFlags};

use crate::{
    events::{
        event::Event,
        report::{BEHAVIOURS, Report},
    },
    output::say,
};

/// Lines of a behaviour and how many reports of it were told as lost.
const TOLD: &str = "/run/krsi/lost";

/// How often is looked for more.
const LOOK: Duration = Duration::from_millis(250);

/// What was told, by behaviour: of what the kernel counts, or below 0 of what it does not.
pub struct Losses {
    told: BTreeMap<String, i64>,
    looked: Option<Instant>,
}

impl Losses {
    /// What was told by who read before.
    pub fn new() -> Self {
        Self {
            told: parse(&fs::read_to_string(TOLD).unwrap_or_default()),
            looked: None,
        }
    }

    /// What is to be told, a few times a second.
    pub fn look(&mut self, map: &impl MapCore) -> Vec<Event> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Vec::new();
        }
        self.look_now(map)
    }

    /// What is to be told.
    pub fn look_now(&mut self, map: &impl MapCore) -> Vec<Event> {
        self.looked = Some(Instant::now());
        let before = self.told.clone();
        let counts = counts(map).into_iter().zip(BEHAVIOURS);
        let lost: Vec<_> = counts
            .filter_map(|(count, behaviour)| self.more(behaviour, count))
            .collect();
        if self.told != before {
            self.keep();
        }
        lost
    }

    /// Takes reports that nobody was there to be told of: the next reader is told that they are lost.
    pub fn give_up(&mut self, reports: impl Iterator<Item = Report>) {
        let before = self.told.clone();
        for report in reports {
            *self.told.entry(report.behaviour().to_owned()).or_default() -= 1;
        }
        if self.told != before {
            self.keep();
        }
    }

    fn keep(&self) {
        let lines = self
            .told
            .iter()
            .map(|(name, count)| format!("{name} {count}\n"));
        let text: String = lines.collect();
        // Whole or not at all: who is killed in between has told nothing.
        let new = format!("{TOLD}.new");
        if let Err(e) = fs::write(&new, text).and_then(|()| fs::rename(&new, TOLD)) {
            say(&format!(
                "krsi: {TOLD}: {e}; these losses will be told again, or never"
            ));
        }
    }

    /// How many more were lost than were told. A count that is lower than before began anew.
    fn more(&mut self, behaviour: &str, count: u64) -> Option<Event> {
        let count = count as i64;
        let told = self.told.insert(behaviour.to_owned(), count).unwrap_or(0);
        let more = if count < told { count } else { count - told };
        (more > 0).then(|| Event::lost(behaviour, more as u64, "kernel"))
    }
}

/// How many reports found no room, by behaviour.
pub fn counts(lost: &impl MapCore) -> Vec<u64> {
    (0..BEHAVIOURS.len() as u32)
        .map(|key| {
            let value = lost
                .lookup(&key.to_ne_bytes(), MapFlags::ANY)
                .ok()
                .flatten();
            value
                .and_then(|value| value.try_into().ok())
                .map_or(0, u64::from_ne_bytes)
        })
        .collect()
}

/// How many there are of all behaviours, in those of these maps that count them.
pub fn sum(maps: &[Map<'_>]) -> u64 {
    let lost = maps.iter().filter(|map| map.name() == "lost");
    lost.flat_map(counts).sum()
}

fn parse(text: &str) -> BTreeMap<String, i64> {
    text.lines()
        .filter_map(|line| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_told_is_told() {
        let mut losses = Losses {
            told: parse("mount 3\nfile_unlink x\n"),
            looked: None,
        };
        assert_eq!(losses.more("mount", 3), None);
        assert_eq!(
            losses.more("mount", 5),
            Some(Event::lost("mount", 2, "kernel"))
        );
        assert_eq!(
            losses.more("mount", 1),
            Some(Event::lost("mount", 1, "kernel"))
        );
        assert_eq!(losses.more("process_exec", 0), None);
        // Two that nobody was told of, and one for which there was no room.
        *losses.told.get_mut("process_exec").unwrap() -= 2;
        assert_eq!(
            losses.more("process_exec", 1),
            Some(Event::lost("process_exec", 3, "kernel"))
        );
        assert_eq!(parse("mount -2\n")["mount"], -2);
    }
}
