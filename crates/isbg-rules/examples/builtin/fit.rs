//! Scores by optimisation: bounded weights that keep ham well below the threshold and bring spam above it. Knows no rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use isbg_rules::matcher::Matcher;

use crate::corpus::{Corpus, Message};

/// What a message needs to be spam.
pub const REQUIRED: f64 = 5.0;
/// How far below the threshold ham is wanted, near-misses, which are hard by design, and above it spam.
const HAM_MARGIN: f64 = 2.0;
const NEAR_MISS_MARGIN: f64 = 1.0;
const SPAM_MARGIN: f64 = 0.5;
/// A ham message counts as much as so many spam.
const HAM_WEIGHT: f64 = 6.0;
/// A near-miss, as modern ham is what the corpora lack.
const NEAR_MISS_WEIGHT: f64 = 60.0;
/// How firmly a rule that few messages tell anything about keeps its class's usual score, in messages.
const FIRMNESS: f64 = 4.0;
const STEPS: usize = 1_500;
/// Parts of the cross-validation.
const FOLDS: usize = 5;

/// The least, the usual and the most that a rule may score, by its class.
pub fn bounds(class: &str) -> Option<[f64; 3]> {
    Some(match class {
        "strong" => [0.1, 1.8, 2.8],
        "medium" => [0.05, 0.9, 1.7],
        "weak" => [0.01, 0.4, 0.8],
        "nice" => [-1.0, -0.4, -0.01],
        _ => return None,
    })
}

/// The weight class of each rule, from the comments behind its description.
pub fn classes(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut classes = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for file in files {
        let mut described = None;
        for line in fs::read_to_string(file)?.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("describe"), Some(name), _) => described = Some(name.to_owned()),
                (Some("#"), Some("weight"), Some(class)) => {
                    if let Some(name) = described.take() {
                        classes.insert(name, class.to_owned());
                    }
                }
                _ => {}
            }
        }
    }
    Ok(classes)
}

/// A pattern of hits, and what speaks for and against it.
struct Case {
    hits: Vec<usize>,
    spam: f64,
    ham: f64,
    near_misses: f64,
}

/// The rules to fit, by their places in the rule set.
struct Fitted {
    places: BTreeMap<u16, usize>,
    names: Vec<String>,
    bounds: Vec<[f64; 3]>,
}

fn fitted(matcher: &Matcher, classes: &BTreeMap<String, String>) -> Fitted {
    let mut fitted = Fitted {
        places: BTreeMap::new(),
        names: Vec::new(),
        bounds: Vec::new(),
    };
    for (at, rule) in matcher.rules().rules.iter().enumerate() {
        if let Some(bounds) = classes.get(&rule.name).and_then(|class| bounds(class)) {
            fitted.places.insert(at as u16, fitted.names.len());
            fitted.names.push(rule.name.clone());
            fitted.bounds.push(bounds);
        }
    }
    fitted
}

/// Whether a corpus teaches what spam is. Old spam is no example for today's.
fn teaches_spam(corpus: &Corpus) -> bool {
    matches!(
        corpus.name.as_str(),
        "phishing-2022-2025" | "spam-archive-2023-25"
    )
}

fn cases<'m>(fitted: &Fitted, messages: impl Iterator<Item = (&'m Corpus, &'m Message)>) -> Vec<Case> {
    let mut found: BTreeMap<Vec<usize>, Case> = BTreeMap::new();
    for (corpus, message) in messages {
        let hits: Vec<usize> = message
            .hits
            .iter()
            .filter_map(|hit| fitted.places.get(hit).copied())
            .collect();
        let case = found.entry(hits.clone()).or_insert(Case {
            hits,
            spam: 0.0,
            ham: 0.0,
            near_misses: 0.0,
        });
        match (message.is_spam, corpus.name.as_str()) {
            (true, _) => case.spam += 1.0,
            (false, "near-misses") => case.near_misses += NEAR_MISS_WEIGHT,
            // A thousand of them are worth one another.
            (false, _) => case.ham += HAM_WEIGHT * (1_000.0 / corpus.messages.len() as f64).min(1.0),
        }
    }
    found.into_values().collect()
}

/// Projected gradient steps on the logistic loss of both margins, from the classes' usual scores and held to them.
fn solve(cases: &[Case], bounds: &[[f64; 3]]) -> Vec<f64> {
    let mut weights: Vec<f64> = bounds.iter().map(|[_, usual, _]| *usual).collect();
    let (mut mean, mut square) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
    let spam: f64 = cases.iter().map(|case| case.spam).sum();
    for step in 1..=STEPS {
        let held = weights
            .iter()
            .zip(bounds)
            .map(|(weight, [_, usual, _])| FIRMNESS * (weight - usual));
        let mut gradient: Vec<f64> = held.collect();
        for case in cases {
            let score: f64 = case.hits.iter().map(|hit| weights[*hit]).sum();
            let pull = |distance: f64| 1.0 / (1.0 + (-2.0 * distance).exp());
            let slope = case.ham * pull(score - (REQUIRED - HAM_MARGIN))
                + case.near_misses * pull(score - (REQUIRED - NEAR_MISS_MARGIN))
                - case.spam * pull(REQUIRED + SPAM_MARGIN - score);
            for hit in &case.hits {
                gradient[*hit] += slope;
            }
        }
        let rate = 0.05 / (1.0 + step as f64 / 300.0);
        for at in 0..weights.len() {
            let slope = gradient[at] / spam.max(1.0);
            mean[at] = 0.9 * mean[at] + 0.1 * slope;
            square[at] = 0.99 * square[at] + 0.01 * slope * slope;
            let moved = weights[at] - rate * mean[at] / (square[at].sqrt() + 1e-6);
            weights[at] = moved.clamp(bounds[at][0], bounds[at][2]);
        }
    }
    weights
        .iter()
        .map(|weight| (weight * 100.0).round() / 100.0)
        .collect()
}

fn score(fitted: &Fitted, weights: &[f64], message: &Message) -> f64 {
    let known = message.hits.iter().filter_map(|hit| fitted.places.get(hit));
    known.map(|at| weights[*at]).sum()
}

/// The part of the cross-validation that a message belongs to: blocks of time, a cluster whole in that of its first message.
fn fold(corpus: &Corpus, message: &Message) -> usize {
    message.cluster * FOLDS / corpus.messages.len().max(1)
}

fn train(corpora: &[Corpus], except: Option<usize>) -> impl Iterator<Item = (&Corpus, &Message)> {
    corpora.iter().flat_map(move |corpus| {
        let messages = corpus.messages.iter().filter(move |message| {
            (!message.is_spam || teaches_spam(corpus)) && except != Some(fold(corpus, message))
        });
        messages.map(move |message| (corpus, message))
    })
}

/// How many messages of each corpus, spam and ham apart, reach the threshold.
type Counts = BTreeMap<(String, bool), (usize, usize)>;

fn count(counts: &mut Counts, corpora: &[Corpus], only: Option<usize>, score: impl Fn(&Message) -> f64) {
    for corpus in corpora {
        for message in corpus
            .messages
            .iter()
            .filter(|message| only.is_none_or(|only| only == fold(corpus, message)))
        {
            let count = counts.entry((corpus.name.clone(), message.is_spam)).or_default();
            count.0 += usize::from(score(message) >= REQUIRED);
            count.1 += 1;
        }
    }
}

/// The file of scores, with what they do held out and on all mail as comments.
pub fn report(matcher: &Matcher, corpora: &[Corpus], classes: &BTreeMap<String, String>) -> String {
    let fitted = fitted(matcher, classes);
    let mut held_out = Counts::new();
    for part in 0..FOLDS {
        let weights = solve(&cases(&fitted, train(corpora, Some(part))), &fitted.bounds);
        count(&mut held_out, corpora, Some(part), |message| {
            score(&fitted, &weights, message)
        });
    }
    let weights = solve(&cases(&fitted, train(corpora, None)), &fitted.bounds);
    let mut all = Counts::new();
    count(&mut all, corpora, None, |message| {
        score(&fitted, &weights, message)
    });
    let mut text = String::from(
        "# Made by `cargo run --release -p isbg-rules --example builtin -- fit FOLDER`; not edited by hand.\n#\n",
    );
    writeln!(
        text,
        "# {:<24} {:<5} {:>8}  {:>16}  {:>16}",
        "corpus", "label", "messages", "spam, held out", "spam, fitted"
    )
    .unwrap_or_default();
    for ((name, is_spam), (hits, messages)) in &all {
        let out = held_out
            .get(&(name.clone(), *is_spam))
            .copied()
            .unwrap_or_default()
            .0;
        let share = |hits: usize| format!("{hits} ({:.2} %)", 100.0 * hits as f64 / *messages as f64);
        let label = if *is_spam { "spam" } else { "ham" };
        writeln!(
            text,
            "# {name:<24} {label:<5} {messages:>8}  {:>16}  {:>16}",
            share(out),
            share(*hits)
        )
        .unwrap_or_default();
    }
    text.push('\n');
    for (name, weight) in fitted.names.iter().zip(&weights) {
        writeln!(text, "score {name:<24} {weight:.2}").unwrap_or_default();
    }
    text
}
