//! The worst mistakes of a backtest, with what led to them. Does not know how many others there were.

use anyhow::Result;
use isbg_classifier::Explanation;
use isbg_message::{header, summary};
use isbg_types::{Score, Untrusted};

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

/// The worst mistakes of both kinds: first what would have been moved wrongly.
///
/// # Errors
/// When a message cannot be read.
pub fn listed(notes: &Notes, index: &Index, rules: Option<&Rules>) -> Result<String> {
    let mut text = String::new();
    for (title, worst, towards) in [
        ("Ham called spam", &notes.ham_as_spam, 1.0),
        ("Spam called ham", &notes.spam_as_ham, -1.0),
    ] {
        if !worst.0.is_empty() {
            text.push_str(&format!("\n{title}, the worst first:\n"));
        }
        for (_, mistake) in &worst.0 {
            text.push_str(&described(mistake, index, rules, towards)?);
        }
    }
    Ok(text)
}

/// `towards`: 1 for what speaks for spam, -1 for what speaks for ham.
fn described(mistake: &Mistake, index: &Index, rules: Option<&Rules>, towards: f64) -> Result<String> {
    let mail = index.mail(mistake.number)?;
    let subject = summary(header::split(&mail).0).subject;
    let path = Untrusted(&index.entries()[mistake.number].path).clipped(PATH);
    let mut text = format!(
        "{:>8.2}  {path}  {}\n",
        mistake.score,
        Untrusted(&subject).clipped(SUBJECT)
    );
    let verdict = match rules {
        Some(rules) => rules.verdict(index, mistake.number)?,
        None => None,
    };
    if let Some(verdict) = verdict {
        let mut hits: Vec<(f64, String)> = verdict
            .hits
            .into_iter()
            .map(|hit| (hit.score.unwrap_or_default().points(), hit.name))
            .filter(|(points, _)| *points != 0.0)
            .collect();
        hits.sort_by(|a, b| (b.0 * towards).total_cmp(&(a.0 * towards)));
        let named = hits
            .iter()
            .take(RULES)
            .map(|(points, name)| format!("{name} {points}"));
        text.push_str(&format!(
            "{:10}rules: {} points: {}\n",
            "",
            verdict.score,
            joined(named)
        ));
    }
    if let Some(explained) = &mistake.explained {
        let judgement = &explained.judgement;
        let wrongly = if towards > 0.0 { "spam" } else { "ham" };
        text.push_str(&format!(
            "{:10}learned from {} ham and {} spam: {:.1} % spam, {} points; most like {wrongly}: {}\n",
            "",
            judgement.ham,
            judgement.spam,
            100.0 * judgement.probability,
            Score::from_points(judgement.points()).unwrap_or_default(),
            joined(pieces(explained, towards).into_iter())
        ));
    }
    Ok(text)
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
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
