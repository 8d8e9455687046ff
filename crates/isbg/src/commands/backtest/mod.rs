//! `isbg backtest`: how well it would have done on mail that is already sorted. Reads mail and rules, and changes
//! nothing; does not know the user's own model or state.

mod figures;
mod index;
mod mistakes;
mod points;
mod table;
mod tested;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use isbg_classifier::evaluate::{self, Feedback, Verdict};
use isbg_types::Class;

use crate::args::{Backtest, Prior};
use crate::environment::Environment;
use crate::exit::{Failure, Status};
use crate::report::{Terminal, counting};
use crate::secrets::shown;

use super::print;
use figures::Figures;
use index::Index;
use points::Rules;
use tested::{Judges, Notes, Setup, Tested};

/// Runs the test and prints what came out.
///
/// # Errors
/// With status 10 when the options or the index cannot be used, with status 12 when there are no rules; else when a
/// message or the output cannot be read or written.
pub fn backtest(typed: &Backtest, around: &Environment, terminal: &Terminal) -> Result<Status> {
    can_be_done(typed)?;
    let file = around.expanded(typed.index.clone());
    let index = Index::read(&file)?;
    let scores = match &typed.scores {
        Some(path) => Some(Scores::create(&around.expanded(path.clone()), &file)?),
        None => None,
    };
    let began = Instant::now();
    let rules = match typed.no_rules {
        true => None,
        false => Some(Rules::ready(typed, around, terminal)?),
    };
    let points = match &rules {
        Some(rules) => Some(rules.points(&index, terminal)?),
        None => None,
    };
    let setup = Setup {
        index: &index,
        judges: match (&points, typed.no_classifier) {
            (None, _) => Judges::Classifier,
            (Some(points), true) => Judges::Rules(points),
            (Some(points), false) => Judges::Both(points),
        },
        seed: typed.seed,
        lessons_count: typed.folds.is_some(),
    };
    let notes = RefCell::new(Notes::default());
    let verdicts = verdicts(typed, &setup, &notes, terminal)?;
    if let Some(scores) = scores {
        scores.write(&index, &verdicts)?;
    }
    let figures = Figures::new(&index, &verdicts, began.elapsed());
    if typed.files.json {
        return print(&(serde_json::to_string(&figures)? + "\n"));
    }
    let notes = notes.into_inner();
    let mut text = table::figures(&figures);
    text.push_str(&table::calibration(&notes.probabilities));
    if typed.folds.is_none() {
        text.push_str(&table::learning(&index, &verdicts));
    }
    text.push_str(&mistakes::listed(&notes, &index, rules.as_ref())?);
    print(&text)
}

/// Refuses what cannot be asked for together, or is not there.
fn can_be_done(typed: &Backtest) -> Result<(), Failure> {
    if typed.prior == Prior::Shipped {
        return Err(Failure::new(
            Status::BadArguments,
            "this isbg brings no prior along; leave --prior out, and the model starts from nothing",
        ));
    }
    if typed.feedback != Feedback::Full && (typed.folds.is_some() || typed.no_classifier) {
        return Err(Failure::arguments(
            "--feedback is about learning message after message: it goes neither with --folds nor with --no-classifier",
        ));
    }
    Ok(())
}

/// Judges all messages, in their order.
fn verdicts(
    typed: &Backtest,
    setup: &Setup<'_>,
    notes: &RefCell<Notes>,
    terminal: &Terminal,
) -> Result<Vec<Verdict>> {
    let classes: Vec<Class> = setup.index.entries().iter().map(|entry| entry.class).collect();
    let steps = classes.len() * typed.folds.unwrap_or(1);
    let bar = counting(terminal, "judging and learning".to_owned(), steps as u64);
    let fresh = || Tested::new(setup, notes, bar.clone());
    let verdicts = match typed.folds {
        Some(folds) => evaluate::folds(fresh, &classes, folds),
        None => evaluate::online(&mut fresh(), &classes, typed.feedback, typed.seed),
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    verdicts
}

/// The file that `--scores` names.
struct Scores {
    file: File,
    name: String,
}

impl Scores {
    /// Opens the file before any work is done, unless it is the index.
    fn create(path: &Path, index: &Path) -> Result<Self> {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let name = shown(path);
        if real(path).is_some_and(|real_path| real(index) == Some(real_path)) {
            return Err(Failure::new(
                Status::BadArguments,
                format!("{name} is the index; name another file"),
            )
            .into());
        }
        let file = File::create(path).with_context(|| format!("cannot write {name}"))?;
        Ok(Self { file, name })
    }

    fn write(self, index: &Index, verdicts: &[Verdict]) -> Result<()> {
        let mut out = BufWriter::new(self.file);
        let mut all = || {
            for (entry, verdict) in index.entries().iter().zip(verdicts) {
                let label = figures::label(entry.class);
                writeln!(out, "{label} {} {}", verdict.score, entry.path)?;
            }
            out.flush()
        };
        all().with_context(|| format!("cannot write {}", self.name))
    }
}
