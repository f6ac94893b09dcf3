// SPDX-License-Identifier: GPL-2.0-or-later

//! `krsi check`: whether what is in force is what the configuration asks for. For scripts.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::{
    Status,
    cmd::Question,
    config::{Config, wanted},
    in_force::{
        pins::{self, Lock},
        plan::{Action, Plan},
    },
};

/// The version of the JSON: it grows by new fields.
const VERSION: u32 = 1;

/// What a person may say to `krsi check`.
#[derive(clap::Args)]
#[command(after_help = "\
The exit status is 0 if all is as the configuration asks, and 1 if not, or if that can't be told.
The JSON is one object: version (1), ok, and problems, each with policy (null if it is of none) and \
problem.

Examples:
  krsi check || krsi apply
  krsi check --json | jq .problems")]
pub struct Args {
    #[command(flatten)]
    question: Question,
}

/// All that is said.
#[derive(Serialize)]
struct Answer {
    version: u32,
    ok: bool,
    problems: Vec<Problem>,
}

/// One thing that is not as the configuration asks.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Problem {
    policy: Option<String>,
    problem: String,
}

/// Compares and says.
pub fn run(args: &Args) -> Result<Status> {
    let problems = problems(&args.question.config).unwrap_or_else(|error| {
        vec![Problem {
            policy: None,
            problem: format!("{error:#}"),
        }]
    });
    let answer = Answer {
        version: VERSION,
        ok: problems.is_empty(),
        problems,
    };
    args.question.answer(&answer, || match answer.ok {
        true => "in force is what the configuration asks for\n".to_owned(),
        false => answer.problems.iter().map(Problem::line).collect(),
    })?;
    Ok(match answer.ok {
        true => Status::Done,
        false => Status::Wrong,
    })
}

impl Problem {
    fn line(&self) -> String {
        match &self.policy {
            Some(policy) => format!("{policy}: {}\n", self.problem),
            None => format!("{}\n", self.problem),
        }
    }
}

fn problems(config: &Path) -> Result<Vec<Problem>> {
    let config = Config::read(config)?;
    let wanted = wanted::all(&config)?;
    let _lock = Lock::take()?;
    let plan = Plan::new(&config, wanted)?;
    let mut problems = Vec::new();
    let mut add = |policy: &str, problem: String| {
        problems.push(Problem {
            policy: Some(policy.to_owned()),
            problem,
        });
    };
    for change in &plan.changes {
        let policy = change.wanted.policy;
        match &change.action {
            Action::Attach => {
                add(policy, "is not attached".to_owned());
                continue;
            }
            Action::Update(why) => add(policy, format!("is not up to date: {why}")),
            Action::Keep => (),
        }
        for map in &change.maps {
            for entry in &map.difference.added {
                add(policy, format!("{}: {entry} is missing", map.name));
            }
            for entry in &map.difference.removed {
                add(policy, format!("{}: {entry} is not wanted", map.name));
            }
        }
    }
    for policy in &plan.detach {
        add(policy, "is attached and not wanted".to_owned());
    }
    for policy in pins::unfinished()? {
        add(&policy, "an apply was interrupted: run it again".to_owned());
    }
    Ok(problems)
}
