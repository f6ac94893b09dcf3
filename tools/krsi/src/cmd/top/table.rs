// SPDX-License-Identifier: GPL-2.0-or-later

//! What `krsi top` shows: sums of the events of each policy and behaviour, and how they are drawn.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Color, Style, Stylize},
    text::Line,
    widgets::{Block, List, Row, Table as Grid},
};

use crate::{
    events::event::{Event, Verdict},
    machine::kernel::{Attached, Mode},
    text::escape,
};

/// How long reports are counted before they are told as so many a second.
const SECOND: Duration = Duration::from_secs(1);

/// How many of the last events are kept.
const LAST: usize = 64;

/// Reports, and how many there are in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rate {
    sum: u64,
    before: u64,
    a_second: f64,
}

impl Rate {
    fn turn(&mut self, time: Duration) {
        self.a_second = (self.sum - self.before) as f64 / time.as_secs_f64();
        self.before = self.sum;
    }
}

/// All sums since it began.
pub struct Table {
    policies: Vec<Attached>,
    by_policy: BTreeMap<String, Rate>,
    by_behaviour: BTreeMap<String, (Rate, u64)>,
    lost: u64,
    last: VecDeque<(Option<Verdict>, String)>,
    turned: Instant,
}

impl Table {
    /// Without an event.
    pub fn new(policies: Vec<Attached>) -> Self {
        Self {
            policies,
            by_policy: BTreeMap::new(),
            by_behaviour: BTreeMap::new(),
            lost: 0,
            last: VecDeque::new(),
            turned: Instant::now(),
        }
    }

    /// Takes an event.
    pub fn count(&mut self, event: &Event) {
        let verdict = match event {
            Event::Report(report) => {
                let policy = self.by_policy.entry(report.policy.clone()).or_default();
                policy.sum += report.count;
                let (rate, _) = self
                    .by_behaviour
                    .entry(report.behaviour.clone())
                    .or_default();
                rate.sum += report.count;
                Some(report.verdict)
            }
            Event::Lost {
                behaviour, count, ..
            } => {
                let (_, lost) = self.by_behaviour.entry(behaviour.clone()).or_default();
                *lost += count;
                self.lost += count;
                None
            }
        };
        self.last.push_front((verdict, event.to_string()));
        self.last.truncate(LAST);
    }

    /// What is attached by now; `now` is when.
    pub fn turn(&mut self, policies: Vec<Attached>, now: Instant) {
        self.policies = policies;
        let time = now.duration_since(self.turned);
        if time < SECOND {
            return;
        }
        self.turned = now;
        self.by_policy.values_mut().for_each(|rate| rate.turn(time));
        let behaviours = self.by_behaviour.values_mut();
        behaviours.for_each(|(rate, _)| rate.turn(time));
    }

    /// Draws all of it.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        // Others may have attached many policies: there is room for the rest.
        let rows = |number: usize| u16::try_from(3 + number).unwrap_or(u16::MAX);
        let policies = rows(self.policies.len()).min(area.height / 2);
        let behaviours = rows(self.by_behaviour.len()).min(area.height / 3);
        let [head, above, middle, below] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(policies),
            Constraint::Length(behaviours),
            Constraint::Min(0),
        ])
        .areas(area);
        frame.render_widget(self.head(), head);
        frame.render_widget(self.policies(), above);
        frame.render_widget(self.behaviours(), middle);
        frame.render_widget(self.events(), below);
    }

    fn head(&self) -> Line<'static> {
        let reports: u64 = self.by_policy.values().map(|rate| rate.sum).sum();
        let text = format!(
            "krsi: {} policies, {reports} reports, {} lost; q ends",
            self.policies.len(),
            self.lost
        );
        match self.lost {
            0 => Line::from(text).bold(),
            _ => Line::from(text).bold().magenta(),
        }
    }

    fn policies(&self) -> Grid<'static> {
        let rows = self.policies.iter().map(|policy| {
            let name = escape(policy.name.as_bytes());
            let rate = self.by_policy.get(&name).copied().unwrap_or_default();
            let style = match policy.mode {
                Mode::Enforce => Style::new().green(),
                Mode::Audit => Style::new().yellow(),
                Mode::Off => Style::new().dim(),
            };
            Row::new([
                name,
                policy.mode.to_string(),
                format!("{:.1}", rate.a_second),
                rate.sum.to_string(),
                policy.denials.to_string(),
                policy.would_denials.to_string(),
                policy.errors.to_string(),
                policy.runs.to_string(),
            ])
            .style(style)
        });
        let head = [
            "POLICY",
            "MODE",
            "REPORTS/S",
            "REPORTS",
            "DENIED",
            "WOULD",
            "ERRORS",
            "RUNS",
        ];
        let widths = [24, 8, 10, 10, 10, 10, 8, 12].map(Constraint::Length);
        Grid::new(rows, widths)
            .header(Row::new(head).bold())
            .block(Block::bordered())
    }

    fn behaviours(&self) -> Grid<'static> {
        let rows = self.by_behaviour.iter().map(|(name, (rate, lost))| {
            let name = if name.is_empty() { "unknown" } else { name };
            Row::new([
                name.to_owned(),
                format!("{:.1}", rate.a_second),
                rate.sum.to_string(),
                lost.to_string(),
            ])
        });
        let widths = [24, 10, 10, 10].map(Constraint::Length);
        Grid::new(rows, widths)
            .header(Row::new(["BEHAVIOUR", "REPORTS/S", "REPORTS", "LOST"]).bold())
            .block(Block::bordered())
    }

    fn events(&self) -> List<'static> {
        let lines = self.last.iter().map(|(verdict, text)| {
            let colour = match verdict {
                Some(Verdict::Denied) => Color::Red,
                Some(Verdict::WouldDeny) => Color::Yellow,
                Some(Verdict::Reported) => Color::Reset,
                None => Color::Magenta,
            };
            Line::from(text.clone()).style(colour)
        });
        List::new(lines).block(Block::bordered().title("last events"))
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::events::event::tests::report;

    fn attached(name: &str) -> Attached {
        Attached {
            id: 1,
            name: name.into(),
            wanted: Mode::Enforce,
            mode: Mode::Enforce,
            ops: vec!["process_exec".into()],
            runs: 118,
            denials: 7,
            would_denials: 0,
            errors: 0,
            unrecorded: 0,
            memory: 0,
            map: 1,
            maps: Vec::new(),
            programs: Vec::new(),
        }
    }

    /// What a terminal of this size shows.
    fn shown(table: &Table, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| table.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn shows_policies_behaviours_rates_and_losses() {
        let mut table = Table::new(Vec::new());
        let begin = table.turned;
        let mut burst = report("env_audit");
        burst.count = 19;
        for report in [report("env_audit"), burst] {
            table.count(&Event::Report(Box::new(report)));
        }
        table.count(&Event::Lost {
            behaviour: "mount".into(),
            count: 5,
            place: "kernel".into(),
        });
        table.turn(vec![attached("env_audit")], begin + 2 * SECOND);
        let text = shown(&table, 110, 24);
        for word in [
            "1 policies, 20 reports, 5 lost",
            "env_audit",
            "10.0",
            "118",
            "mount",
        ] {
            assert!(text.contains(word), "no {word} in\n{text}");
        }
    }

    #[test]
    fn others_may_have_many_policies_with_odd_names() {
        let mut table = Table::new(Vec::new());
        let mut odd = report("a\\033[2J\\040b");
        odd.count = 4711;
        table.count(&Event::Report(Box::new(odd)));
        let mut policies = vec![attached("a\x1b[2J b")];
        policies.extend((0..100).map(|n| attached(&format!("policy{n}"))));
        table.turn(policies, table.turned);
        let text = shown(&table, 110, 24);
        for word in ["a\\033[2J\\040b ", " 4711 ", "BEHAVIOUR", "last events"] {
            assert!(text.contains(word), "no {word} in\n{text}");
        }
    }

    #[test]
    fn a_terminal_may_be_tiny() {
        let table = Table::new(vec![attached("env_audit")]);
        for (width, height) in [(1, 1), (10, 2), (200, 3)] {
            shown(&table, width, height);
        }
    }
}
