//! The worst mistakes of a backtest, with what led to them. Does not know how many others there were.

use anyhow::Result;
use isbg_classifier::Explanation;
use isbg_message::{header, summary};
use isbg_types::{RuleHit, Score, Untrusted};

use super::index::Index;
use super::points::Rules;
use super::tested::Notes;

/// So many of each kind are listed, each with so many rules and pieces.
const LISTED: usize = 10;
const RULES: usize = 6;
const PIECES: usize = 5;

/// Columns for paths, subjects and pieces.
const PATH: usize = 60;
const SUBJECT: usize = 60;
const PIECE: usize = 32;

/// A message that was judged wrongly.
#[derive(Debug)]
pub struct Mistake {
    /// Its number in the index.
    pub number: usize,
    /// What it was ranked by.
    pub score: f64,
    /// What the model thought of it then, if it was asked.
    pub explained: Option<Explanation>,
}

/// The worst mistakes of one kind, the worst first.
#[derive(Debug, Default)]
pub struct Worst(Vec<(f64, Mistake)>);

impl Worst {
    /// Adds a mistake if it is among the worst; only then it is made.
    pub fn add(&mut self, badness: f64, mistake: impl FnOnce() -> Mistake) {
        let place = self.0.partition_point(|(worse, _)| *worse >= badness);
        if place < LISTED {
            self.0.truncate(LISTED - 1);
            self.0.insert(place, (badness, mistake()));
        }
    }
}

/// The worst mistakes of one kind, as they are told to people.
#[derive(Debug)]
pub struct Kind {
    /// What was mistaken for what.
    pub title: &'static str,
    /// Where the wrong verdict lies: 1 for spam, -1 for ham.
    towards: f64,
    /// The worst first.
    pub mistakes: Vec<Told>,
}

/// A mistake, with its reasons.
#[derive(Debug)]
pub struct Told {
    /// What it was ranked by.
    pub score: f64,
    /// Its name in the index.
    pub path: String,
    /// Its subject.
    pub subject: String,
    /// The rules' points, and the rules that speak most for the wrong verdict.
    pub rules: Option<(Score, Vec<String>)>,
    /// What had been learned by then.
    pub learned: Option<Learned>,
}

/// What the classifier said of a mistake.
#[derive(Debug)]
pub struct Learned {
    /// Messages of each class that it knew.
    pub known: (u32, u32),
    /// From 0 to 1.
    pub probability: f64,
    /// What it added to the score.
    pub points: Score,
    /// What in the message was most like the wrong class.
    pub pieces: Vec<String>,
}

/// The worst mistakes of both kinds: first what would have been moved wrongly.
///
/// # Errors
/// When a message cannot be read.
pub fn told(notes: &Notes, index: &Index, rules: Option<&Rules>) -> Result<[Kind; 2]> {
    let kind = |title, worst: &Worst, towards| {
        let told = |(_, mistake): &(f64, Mistake)| one(mistake, index, rules, towards);
        anyhow::Ok(Kind {
            title,
            towards,
            mistakes: worst.0.iter().map(told).collect::<Result<_>>()?,
        })
    };
    Ok([
        kind("Ham called spam", &notes.ham_as_spam, 1.0)?,
        kind("Spam called ham", &notes.spam_as_ham, -1.0)?,
    ])
}

fn one(mistake: &Mistake, index: &Index, rules: Option<&Rules>, towards: f64) -> Result<Told> {
    let mail = index.mail(mistake.number)?;
    let verdict = match rules {
        Some(rules) => rules.verdict(index, mistake.number)?,
        None => None,
    };
    Ok(Told {
        score: mistake.score,
        path: Untrusted(&index.entries()[mistake.number].path).clipped(PATH),
        subject: Untrusted(&summary(header::split(&mail).0).subject).clipped(SUBJECT),
        rules: verdict.map(|verdict| (verdict.score, named(verdict.hits, towards))),
        learned: mistake.explained.as_ref().map(|explained| Learned {
            known: (explained.judgement.ham, explained.judgement.spam),
            probability: explained.judgement.probability,
            points: Score::from_points(explained.judgement.points()).unwrap_or_default(),
            pieces: pieces(explained, towards),
        }),
    })
}

/// The rules that have points, those that speak most for the wrong verdict first.
fn named(hits: Vec<RuleHit>, towards: f64) -> Vec<String> {
    let mut hits: Vec<(f64, String)> = hits
        .into_iter()
        .map(|hit| (hit.score.unwrap_or_default().points(), hit.name))
        .filter(|(points, _)| *points != 0.0)
        .collect();
    hits.sort_by(|a, b| (b.0 * towards).total_cmp(&(a.0 * towards)));
    hits.iter()
        .take(RULES)
        .map(|(points, name)| format!("{name} {points}"))
        .collect()
}

/// The mistakes as text; nothing where there are none.
pub fn listed(kinds: &[Kind]) -> String {
    let mut text = String::new();
    for kind in kinds.iter().filter(|kind| !kind.mistakes.is_empty()) {
        text.push_str(&format!("\n{}, the worst first:\n", kind.title));
        for told in &kind.mistakes {
            text.push_str(&format!("{:>8.2}  {}  {}\n", told.score, told.path, told.subject));
            for line in kind.reasons(told) {
                text.push_str(&format!("{:10}{line}\n", ""));
            }
        }
    }
    text
}

impl Kind {
    /// What led to a mistake, a line for the rules and one for what was learned.
    pub fn reasons(&self, told: &Told) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((points, named)) = &told.rules {
            lines.push(format!("rules: {points} points: {}", joined(named)));
        }
        if let Some(learned) = &told.learned {
            let wrongly = if self.towards > 0.0 { "spam" } else { "ham" };
            lines.push(format!(
                "learned from {} ham and {} spam: {:.1} % spam, {} points; most like {wrongly}: {}",
                learned.known.0,
                learned.known.1,
                100.0 * learned.probability,
                learned.points,
                joined(&learned.pieces)
            ));
        }
        lines
    }
}

fn joined(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        _ => words.join(", "),
    }
}

/// What in the message spoke most for the wrong verdict.
fn pieces(explained: &Explanation, towards: f64) -> Vec<String> {
    let mut all: Vec<(f64, &str, &str)> = explained
        .views
        .iter()
        .flat_map(|view| view.reasons.iter().map(|reason| (view.view.as_str(), reason)))
        .map(|(view, reason)| (reason.score * towards, view, reason.text.as_str()))
        .filter(|(strength, ..)| *strength > 0.0)
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.iter()
        .take(PIECES)
        .map(|(_, view, text)| {
            let on_one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{view} \"{}\"", Untrusted(&on_one_line).clipped(PIECE))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_kept_in_order() {
        let mut worst = Worst::default();
        for number in 0..100 {
            let badness = f64::from((number * 37) % 100);
            worst.add(badness, || Mistake {
                number: number as usize,
                score: badness,
                explained: None,
            });
        }
        let kept: Vec<f64> = worst.0.iter().map(|(badness, _)| *badness).collect();
        assert_eq!(kept, [99.0, 98.0, 97.0, 96.0, 95.0, 94.0, 93.0, 92.0, 91.0, 90.0]);
        worst.add(1.0, || unreachable!("not among the worst"));
    }
}
