//! The figures of a backtest, as programs read them. Does not know how a verdict came about.

use std::time::Duration;

use isbg_classifier::evaluate::{Confusion, Scored, Verdict, missed_percent, one_minus_roca_percent};
use isbg_types::Class;
use serde::Serialize;

use super::index::Index;

/// The record of `--json`.
#[derive(Debug, PartialEq, Serialize)]
pub struct Figures {
    pub messages: usize,
    pub ham: usize,
    pub spam: usize,
    pub ham_as_spam: usize,
    pub spam_as_ham: usize,
    /// Missing where there is mail of one class only; so is the next.
    pub one_minus_roca_percent: Option<f64>,
    pub spam_missed_percent_at_ham_0_1_percent: Option<f64>,
    pub seconds: f64,
}

impl Figures {
    /// Counts and measures.
    pub fn new(index: &Index, verdicts: &[Verdict], took: Duration) -> Self {
        let scored: Vec<Scored> = index
            .entries()
            .iter()
            .zip(verdicts)
            .map(|(entry, verdict)| Scored {
                score: verdict.score,
                class: entry.class,
            })
            .collect();
        let table = confusion(index, verdicts, 0..verdicts.len());
        Self {
            messages: verdicts.len(),
            ham: table.ham + table.ham_as_spam,
            spam: table.spam + table.spam_as_ham,
            ham_as_spam: table.ham_as_spam,
            spam_as_ham: table.spam_as_ham,
            one_minus_roca_percent: one_minus_roca_percent(&scored),
            spam_missed_percent_at_ham_0_1_percent: missed_percent(&scored, 0.1),
            seconds: took.as_secs_f64(),
        }
    }

    /// How many messages of each class were called what.
    pub fn confusion(&self) -> Confusion {
        Confusion {
            ham: self.ham - self.ham_as_spam,
            ham_as_spam: self.ham_as_spam,
            spam: self.spam - self.spam_as_ham,
            spam_as_ham: self.spam_as_ham,
        }
    }
}

/// How many of these messages were called what.
pub fn confusion(index: &Index, verdicts: &[Verdict], messages: std::ops::Range<usize>) -> Confusion {
    let pairs = index
        .entries()
        .iter()
        .zip(verdicts)
        .take(messages.end)
        .skip(messages.start);
    Confusion::count(pairs.map(|(entry, verdict)| (entry.class, verdict.spam)))
}

/// The word of an index for a class.
pub fn label(class: Class) -> &'static str {
    match class {
        Class::Ham => "ham",
        Class::Spam => "spam",
    }
}
