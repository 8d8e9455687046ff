//! The filter under test: a fresh model beside the rules' points. Does not know what the user tells it, or what is
//! printed.

use std::cell::RefCell;

use anyhow::Result;
use indicatif::ProgressBar;
use isbg_classifier::evaluate::{Filter, Scored, Verdict};
use isbg_classifier::{Features, Judgement, Model};
use isbg_engine::total;
use isbg_types::Class;

use super::index::Index;
use super::mistakes::{Mistake, Worst};
use super::points::Points;

/// Who judges.
#[derive(Debug, Clone, Copy)]
pub enum Judges<'a> {
    /// What was learned, alone.
    Classifier,
    /// The rules alone.
    Rules(&'a Points),
    /// The rules' points and those of what was learned.
    Both(&'a Points),
}

/// What stays the same during a test.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The mail.
    pub index: &'a Index,
    /// Who judges.
    pub judges: Judges<'a>,
    /// Decides what a model leaves to chance.
    pub seed: u64,
    /// Whether a lesson is a step of the progress bar, as a judgement is.
    pub lessons_count: bool,
}

/// What is seen during a test and told afterwards.
#[derive(Debug, Default)]
pub struct Notes {
    /// The logits that the models gave.
    pub probabilities: Vec<Scored>,
    /// Ham that was called spam.
    pub ham_as_spam: Worst,
    /// Spam that was called ham.
    pub spam_as_ham: Worst,
}

/// The filter under test.
pub struct Tested<'a> {
    setup: &'a Setup<'a>,
    notes: &'a RefCell<Notes>,
    bar: Option<ProgressBar>,
    model: Model,
    /// Of the message judged last: it is often the one taught next.
    last: Option<(usize, Features)>,
}

impl<'a> Tested<'a> {
    /// A filter that was taught nothing.
    pub fn new(setup: &'a Setup<'a>, notes: &'a RefCell<Notes>, bar: Option<ProgressBar>) -> Self {
        Self {
            setup,
            notes,
            bar,
            model: Model::new(u128::from(setup.seed).to_le_bytes()),
            last: None,
        }
    }

    fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn note(&self, number: usize, mail: &[u8], verdict: &Verdict, judgement: Option<&Judgement>) {
        let class = self.setup.index.entries()[number].class;
        let mut notes = self.notes.borrow_mut();
        if let Some(judgement) = judgement {
            notes.probabilities.push(Scored {
                score: judgement.logit,
                class,
            });
        }
        let (list, badness) = match (class, verdict.spam) {
            (Class::Ham, true) => (&mut notes.ham_as_spam, verdict.score),
            (Class::Spam, false) => (&mut notes.spam_as_ham, -verdict.score),
            _ => return,
        };
        list.add(badness, || Mistake {
            number,
            score: verdict.score,
            explained: judgement.map(|_| self.model.explain(mail)),
        });
    }
}

impl Filter for Tested<'_> {
    type Error = anyhow::Error;

    fn judge(&mut self, number: usize) -> Result<Verdict> {
        self.step();
        let points = match self.setup.judges {
            Judges::Rules(points) => {
                let verdict = with_rules(points, number, None);
                self.note(number, &[], &verdict, None);
                return Ok(verdict);
            }
            Judges::Both(points) => Some(points),
            Judges::Classifier => None,
        };
        let mail = self.setup.index.mail(number)?;
        let features = self.model.features(&mail);
        let judgement = self.model.score_features(&features);
        self.last = Some((number, features));
        let verdict = match points {
            Some(points) => with_rules(points, number, Some(&judgement)),
            None => alone(&judgement),
        };
        self.note(number, &mail, &verdict, Some(&judgement));
        Ok(verdict)
    }

    fn teach(&mut self, number: usize, class: Class) -> Result<()> {
        if self.setup.lessons_count {
            self.step();
        }
        if matches!(self.setup.judges, Judges::Rules(_)) {
            return Ok(());
        }
        let features = match self.last.take() {
            Some((judged, features)) if judged == number => features,
            _ => self.model.features(&self.setup.index.mail(number)?),
        };
        self.model.learn_features(features, class);
        Ok(())
    }
}

/// What the model alone says of a message.
fn alone(judgement: &Judgement) -> Verdict {
    Verdict {
        score: judgement.logit,
        spam: judgement.is_spam(),
        suspect: judgement.is_suspect(),
        ask: judgement.is_uncertain(),
    }
}

/// The rules' points and the model's, added up as the native scorer does, against the required score. For the ranking the
/// model's points have no bounds: where it is sure, the order of messages is still to be seen.
fn with_rules(points: &Points, number: usize, judgement: Option<&Judgement>) -> Verdict {
    let total = total(points.of[number], judgement, None);
    let spam = total.score >= points.required;
    Verdict {
        score: total.ranking,
        spam,
        // The user sees where the message was put.
        suspect: spam,
        ask: judgement.is_some_and(Judgement::is_uncertain),
    }
}

#[cfg(test)]
mod tests {
    use isbg_types::Score;

    use super::*;

    fn judgement(logit: f64, score: f64, labels: u32) -> Judgement {
        Judgement {
            probability: 0.0,
            logit,
            score,
            margins: [0.0; 4],
            ham: labels,
            spam: labels,
        }
    }

    #[test]
    fn the_sum_counts_against_the_required_score() {
        let points = Points {
            of: vec![Score(840), Score(5_000)],
            required: Score(5_000),
        };
        let judge = |number, judgement: Option<&Judgement>| with_rules(&points, number, judgement);
        // 1.3 * 4 * 200 / 250 = 4.16
        let sure = judge(0, Some(&judgement(4.0, 3.0, 200)));
        assert!(sure.spam && sure.suspect && !sure.ask && (sure.score - 5.0).abs() < 1e-9);
        assert!(!judge(0, Some(&judgement(3.99, 3.0, 200))).spam);
        assert!(!judge(0, None).spam && judge(1, None).spam);
        let contradicted = judge(1, Some(&judgement(-100.0, -1.0, 1000)));
        assert!(!contradicted.spam && contradicted.ask && contradicted.score < -100.0);
    }

    #[test]
    fn alone_it_is_ranked_by_its_logit() {
        let verdict = alone(&judgement(2.0, 1.0, 0));
        assert_eq!((verdict.score, verdict.spam), (2.0, false));
        assert!(verdict.suspect && verdict.ask);
    }
}
