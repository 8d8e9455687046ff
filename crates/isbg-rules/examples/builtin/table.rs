//! Where each rule hits, as a page for people. Judges nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use isbg_rules::matcher::Matcher;

use crate::corpus::{Corpus, Message};
use crate::fit::REQUIRED;

/// A column: a corpus and a label.
struct Column<'c> {
    corpus: &'c Corpus,
    is_spam: bool,
    messages: usize,
}

fn columns(corpora: &[Corpus]) -> Vec<Column<'_>> {
    let both = corpora
        .iter()
        .flat_map(|corpus| [true, false].map(|is_spam| (corpus, is_spam)));
    both.map(|(corpus, is_spam)| Column {
        corpus,
        is_spam,
        messages: corpus
            .messages
            .iter()
            .filter(|message| message.is_spam == is_spam)
            .count(),
    })
    .filter(|column| column.messages > 0)
    .collect()
}

fn share(hits: usize, messages: usize) -> String {
    match hits {
        0 => String::new(),
        _ => format!("{:.1}", 100.0 * hits as f64 / messages as f64),
    }
}

fn points(matcher: &Matcher, message: &Message) -> f64 {
    let scored = message.hits.iter().map(|hit| usize::from(*hit));
    scored
        .filter(|hit| !matcher.rules().rules[*hit].name.starts_with("__"))
        .map(|hit| matcher.points(hit))
        .sum()
}

/// The page.
pub fn page(matcher: &Matcher, corpora: &[Corpus], classes: &BTreeMap<String, String>) -> String {
    let columns = columns(corpora);
    let mut text = String::from(include_str!("intro.md"));
    let mut called = String::from("| | | | of these spam |");
    let mut head = String::from("| rule | class | points | what it says |");
    let mut line = String::from("|---|---|---:|---|");
    for column in &columns {
        let label = if column.is_spam { "spam" } else { "ham" };
        write!(head, " {} {label} |", column.corpus.name).unwrap_or_default();
        line.push_str("---:|");
        let messages = column
            .corpus
            .messages
            .iter()
            .filter(|message| message.is_spam == column.is_spam);
        let hits = messages
            .filter(|message| points(matcher, message) >= REQUIRED)
            .count();
        write!(called, " {hits} of {} |", column.messages).unwrap_or_default();
    }
    writeln!(text, "{head}\n{line}\n{called}").unwrap_or_default();
    for (at, rule) in matcher.rules().rules.iter().enumerate() {
        let Some(class) = classes.get(&rule.name) else {
            continue;
        };
        let description = rule.description.as_deref().unwrap_or_default();
        write!(
            text,
            "| {} | {class} | {:.2} | {description} |",
            rule.name,
            matcher.points(at)
        )
        .unwrap_or_default();
        for column in &columns {
            let messages = column
                .corpus
                .messages
                .iter()
                .filter(|message| message.is_spam == column.is_spam);
            let hits = messages
                .filter(|message| message.hits.contains(&(at as u16)))
                .count();
            write!(text, " {} |", share(hits, column.messages)).unwrap_or_default();
        }
        text.push('\n');
    }
    text
}

/// Every message's path, label, points and hits; how long it took goes to standard error.
#[allow(clippy::print_stderr)]
pub fn messages(matcher: &Matcher, corpora: &[Corpus]) -> String {
    let mut text = String::new();
    for corpus in corpora {
        eprintln!(
            "{}: {:.3} ms a message",
            corpus.name,
            corpus.spent.as_secs_f64() * 1_000.0 / corpus.messages.len().max(1) as f64
        );
        for message in &corpus.messages {
            let label = if message.is_spam { "spam" } else { "ham" };
            let names: Vec<&str> = message
                .hits
                .iter()
                .map(|hit| matcher.rules().rules[usize::from(*hit)].name.as_str())
                .collect();
            writeln!(
                text,
                "{} {label} {:.2} {} {} {}",
                corpus.name,
                points(matcher, message),
                message.cluster,
                message.path.display(),
                names.join(",")
            )
            .unwrap_or_default();
        }
    }
    text
}
