// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi top`: a live table of policies, behaviours, reports a second and losses.

mod table;

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers},
};

use crate::{Status, events::stream::Stream, machine::kernel, output::End};
use table::Table;

/// How often the table is drawn.
const TURN: Duration = Duration::from_millis(250);

/// How many events are counted before a key is looked for.
const EVENTS: usize = 1000;

/// What a person may say to `krsi top`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  krsi top                 until q is pressed")]
pub struct Args {}

/// The terminal, which gets back what it showed before, however this ends.
struct Screen(DefaultTerminal);

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nothing else to do if the terminal is gone.
        let _ = ratatui::try_restore();
    }
}

/// Until `q` is pressed or it is interrupted.
pub fn run(_args: &Args) -> Result<Status> {
    let end = End::on_signal()?;
    ensure!(
        io::stdout().is_terminal(),
        "krsi top draws on a terminal, which the standard output is not: see krsi status and \
         krsi watch"
    );
    let mut table = Table::new(kernel::policies()?);
    let stream = Stream::open()?;
    let mut screen = Screen(ratatui::try_init()?);
    let mut drawn: Option<Instant> = None;
    while !end.is_here() && !is_quit_pressed()? {
        for _ in 0..EVENTS {
            match stream.next(Duration::ZERO) {
                Some(event) => table.count(&event),
                None => break,
            }
        }
        if drawn.is_none_or(|drawn| drawn.elapsed() >= TURN) {
            drawn = Some(Instant::now());
            table.turn(kernel::policies()?, Instant::now());
            screen.0.draw(|frame| table.draw(frame))?;
        }
    }
    Ok(Status::Done)
}

/// Waits a moment for a key that ends it.
fn is_quit_pressed() -> Result<bool> {
    if !event::poll(Duration::from_millis(50))? {
        return Ok(false);
    }
    let Input::Key(key) = event::read()? else {
        return Ok(false);
    };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(key.kind == KeyEventKind::Press
        && matches!(
            (key.code, control),
            (KeyCode::Char('q'), _) | (KeyCode::Char('c'), true)
        ))
}
