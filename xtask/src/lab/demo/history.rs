//! What `isbg history --json` tells, read and laid out for people. Does not know what should be in it.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::Home;
use isbg_types::Untrusted;
use serde_json::Value;

use crate::program;

/// Columns of a line.
const WIDTH: usize = 100;

/// Columns before the text of a line.
const INDENT: usize = 9;

/// Lines for a message's rules at most.
const LINES: usize = 2;

/// A message that was moved.
#[derive(Debug)]
pub struct Entry {
    /// Its UID where it was.
    pub uid: u32,
    score: f64,
    from: String,
    subject: String,
    rules: Vec<String>,
}

/// All moves, the oldest first.
///
/// # Errors
/// When the program fails or prints something else.
pub fn read(program: &Path, home: &Home) -> Result<Vec<Entry>> {
    let output = program::at_home(program, home)
        .args(["history", "--json", "--limit", "0"])
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        output.status.success(),
        "isbg history: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let mut entries: Vec<Entry> = text
        .lines()
        .map(|line| entry(&serde_json::from_str(line)?))
        .collect::<Result<_>>()?;
    entries.reverse();
    Ok(entries)
}

fn entry(record: &Value) -> Result<Entry> {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let rules = record["rules"].as_array().map_or(&[][..], Vec::as_slice);
    let uid = record["uid"].as_u64().and_then(|uid| uid.try_into().ok());
    ensure!(record["action"] == "moved", "isbg history: {record}");
    Ok(Entry {
        uid: uid.with_context(|| format!("isbg history: {record}"))?,
        score: record["score"]
            .as_f64()
            .with_context(|| format!("isbg history: {record}"))?,
        from: text("from"),
        subject: text("subject"),
        rules: rules
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

/// Score, subject, sender and rules of each.
pub fn show(entries: &[Entry]) {
    for entry in entries {
        println!(
            "{:>7.1}  {}",
            entry.score,
            Untrusted(&entry.subject).clipped(WIDTH - INDENT)
        );
        println!("{:INDENT$}{}", "", Untrusted(&entry.from).clipped(WIDTH - INDENT));
        for line in folded(&entry.rules) {
            println!("{:INDENT$}{}", "", Untrusted(&line));
        }
    }
}

/// The words, as many on a line as there is room for, and how many more there are.
fn folded(words: &[String]) -> Vec<String> {
    const MORE: usize = " and 99 more".len();
    let mut lines: Vec<String> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let last = lines.len() == LINES;
        let room = if last { WIDTH - MORE } else { WIDTH };
        match lines.last_mut() {
            Some(line) if INDENT + line.len() + 1 + word.len() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if last => {
                line.push_str(&format!(" and {} more", words.len() - i));
                break;
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}
