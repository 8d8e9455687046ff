//! The hits and the score of a message against what SpamAssassin made of it, counted by rule. Does not know why.

use std::collections::{BTreeMap, BTreeSet};

use isbg_rules::matcher::{Matcher, Outcome};
use serde_json::{Map, Value};

/// How one rule differs.
#[derive(Debug, Default)]
struct Difference {
    missing: usize,
    extra: usize,
    other_value: usize,
    example: String,
}

/// The count over all messages.
#[derive(Debug, Default)]
pub struct Tally {
    rules: BTreeMap<String, Difference>,
    shown: usize,
    /// Hits of SpamAssassin in all.
    pub hits: usize,
    /// Messages with the same hits and values.
    pub same_hits: usize,
    /// Messages with the same score, to three places.
    pub same_scores: usize,
    /// Messages that both call spam, or both do not.
    pub same_verdicts: usize,
}

/// Our hits with their values.
pub fn ours<'m>(matcher: &'m Matcher, outcome: &Outcome) -> BTreeMap<&'m str, f64> {
    let name = |rule: usize| matcher.rules().rules[rule].name.as_str();
    outcome
        .hits
        .iter()
        .map(|hit| (name(hit.rule), hit.value))
        .collect()
}

impl Tally {
    /// Adds one message.
    pub fn add(&mut self, matcher: &Matcher, outcome: &Outcome, theirs: &Value, show: usize) {
        let file = theirs["file"].as_str().unwrap_or_default();
        let empty = Map::new();
        let wanted: BTreeMap<&str, f64> = theirs["hits"]
            .as_object()
            .unwrap_or(&empty)
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_f64().unwrap_or(0.0)))
            .collect();
        self.hits += wanted.len();
        let ours = ours(matcher, outcome);
        let names: BTreeSet<&str> = ours.keys().chain(wanted.keys()).copied().collect();
        let mut same = true;
        for name in names {
            let (one, other) = (ours.get(name), wanted.get(name));
            if one == other {
                continue;
            }
            same = false;
            let difference = self.rules.entry(name.to_owned()).or_default();
            let (count, note) = match (one, other) {
                (Some(ours), Some(theirs)) => (&mut difference.other_value, format!(": {ours} for {theirs}")),
                (Some(_), None) => (&mut difference.extra, String::new()),
                (None, _) => (&mut difference.missing, String::new()),
            };
            *count += 1;
            difference.example = format!("{file}{note}");
        }
        let points = theirs["score"].as_f64().unwrap_or(0.0);
        let ours = outcome.score.points();
        let required = matcher.rules().settings.required_score.points();
        let same_score = (ours - points).abs() < 0.0005;
        self.same_hits += usize::from(same);
        self.same_scores += usize::from(same_score);
        self.same_verdicts += usize::from((ours >= required) == (points >= required));
        if !same_score && self.shown < show {
            self.shown += 1;
            println!("score {file}: {ours} for {points}");
        }
        for rule in &outcome.limited {
            println!("{file}: {} used up its steps", matcher.rules().rules[*rule].name);
        }
    }

    /// Prints the rules that differ, the most frequent first.
    pub fn print(&self) {
        let mut rows: Vec<_> = self.rules.iter().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.missing + row.extra + row.other_value));
        for (name, row) in rows {
            println!(
                "rule {name}: {} missing, {} extra, {} other value; {}",
                row.missing, row.extra, row.other_value, row.example
            );
        }
    }
}
