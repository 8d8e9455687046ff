//! `isbg backtest`: how well it would have done on mail that is already sorted. Reads mail and rules, and changes
//! nothing; does not know the user's own model or state.

mod figures;
mod index;
mod mailbox;
mod mistakes;
mod page;
mod points;
mod table;
mod tested;

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
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
use page::Shown;
use points::Rules;
use tested::{Judges, Notes, Setup, Tested};

/// Runs the test and prints what came out.
///
/// # Errors
/// With status 10 when the options or the index cannot be used, with status 12 when there are no rules; else when a
/// message or the output cannot be read or written.
pub fn backtest(typed: &Backtest, around: &Environment, terminal: &Terminal) -> Result<Status> {
    can_be_done(typed)?;
    let file = typed.index.clone().map(|file| around.expanded(file));
    let created = |path: &Option<PathBuf>| {
        path.clone()
            .map(|path| Output::create(&around.expanded(path), file.as_deref()))
            .transpose()
    };
    let index = match &file {
        Some(file) => Index::read(file)?,
        None => mailbox::index(typed, around, terminal)?,
    };
    let (scores, report) = (created(&typed.scores)?, created(&typed.report)?);
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
        scores.write(&score_lines(&index, &verdicts))?;
    }
    let figures = Figures::new(&index, &verdicts, began.elapsed());
    let notes = notes.into_inner();
    let mistakes = match typed.files.json && report.is_none() {
        true => None,
        false => Some(mistakes::told(&notes, &index, rules.as_ref())?),
    };
    if let (Some(report), Some(mistakes)) = (report, &mistakes) {
        report.write(&page::page(&Shown {
            subject: &subject(typed),
            figures: &figures,
            index: &index,
            verdicts: &verdicts,
            probabilities: &notes.probabilities,
            in_order: typed.folds.is_none(),
            mistakes,
        }))?;
    }
    if typed.files.json {
        return print(&(serde_json::to_string(&figures)? + "\n"));
    }
    let mut text = table::figures(&figures);
    text.push_str(&table::calibration(&notes.probabilities));
    if typed.folds.is_none() {
        text.push_str(&table::learning(&index, &verdicts));
    }
    text.push_str(&mistakes::listed(mistakes.as_ref().map_or(&[], |kinds| kinds)));
    print(&text)
}

/// Refuses what cannot be asked for together, or is not there.
fn can_be_done(typed: &Backtest) -> Result<(), Failure> {
    let mailbox = typed.account.is_some() || typed.mailbox.imaphost.is_some();
    if typed.index.is_some() == mailbox {
        return Err(Failure::arguments(
            "name the mail to test on: an account of the config file, a mailbox with --imaphost and --imapuser, or \
             --index with a file",
        ));
    }
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

/// What was tested, in a few words.
fn subject(typed: &Backtest) -> String {
    match (&typed.index, &typed.account, &typed.mailbox.imapuser) {
        (Some(index), ..) => shown(index),
        (None, Some(account), _) => account.clone(),
        (None, None, user) => user.clone().unwrap_or_default(),
    }
}

/// A line `label score path` for each message.
fn score_lines(index: &Index, verdicts: &[Verdict]) -> String {
    let pairs = index.entries().iter().zip(verdicts);
    pairs
        .map(|(entry, verdict)| {
            format!(
                "{} {} {}\n",
                figures::label(entry.class),
                verdict.score,
                entry.path
            )
        })
        .collect()
}

/// A file that the user named for some of the output.
struct Output {
    file: File,
    name: String,
}

impl Output {
    /// Opens the file before any work is done, unless it is the index.
    fn create(path: &Path, index: Option<&Path>) -> Result<Self> {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let name = shown(path);
        if real(path).is_some_and(|real_path| index.and_then(real) == Some(real_path)) {
            return Err(Failure::new(
                Status::BadArguments,
                format!("{name} is the index; name another file"),
            )
            .into());
        }
        let file = File::create(path).with_context(|| format!("cannot write {name}"))?;
        Ok(Self { file, name })
    }

    fn write(mut self, text: &str) -> Result<()> {
        self.file
            .write_all(text.as_bytes())
            .with_context(|| format!("cannot write {}", self.name))
    }
}
