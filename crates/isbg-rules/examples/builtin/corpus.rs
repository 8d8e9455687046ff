//! Corpora as what the rules found in them. Keeps no text of a message.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use isbg_message::views::Views;
use isbg_rules::matcher::Matcher;

/// What stands for a recipient's address in collected mail, and a form of the same that a message could have.
const MASKS: [(&str, &str); 3] = [
    ("phishing@pot", "recipient@example.com"),
    ("honey@pot", "recipient@example.com"),
    ("phish@pot", "recipient@example.com"),
];

/// A message.
pub struct Message {
    pub path: PathBuf,
    pub is_spam: bool,
    /// The rules that hit, by their places in the rule set, sub-rules too.
    pub hits: Vec<u16>,
    /// Messages of one cluster are near-duplicates.
    pub cluster: usize,
}

/// A corpus in the order of its index.
pub struct Corpus {
    pub name: String,
    pub messages: Vec<Message>,
    /// Time that parsing and all rules took.
    pub spent: Duration,
}

/// Reads the corpora below `folder`, and the near-misses.
pub fn read(matcher: &Matcher, folder: &Path, near_misses: &Path) -> io::Result<Vec<Corpus>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    folders.sort();
    let mut corpora = Vec::new();
    for folder in folders {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let inner = folder.join(&name);
        let folder = if inner.is_dir() { inner } else { folder };
        let Ok(index) = fs::read_to_string(folder.join("index")) else {
            continue;
        };
        let labelled = index.lines().filter_map(|line| line.split_once(' '));
        let files = labelled
            .filter(|(label, _)| matches!(*label, "spam" | "ham"))
            .map(|(label, path)| (label == "spam", folder.join(path.trim())));
        corpora.push(corpus(matcher, name, files)?);
    }
    if let Ok(entries) = fs::read_dir(near_misses) {
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        corpora.push(corpus(
            matcher,
            "near-misses".to_owned(),
            files.into_iter().map(|file| (false, file)),
        )?);
    }
    Ok(corpora)
}

fn corpus(
    matcher: &Matcher,
    name: String,
    files: impl Iterator<Item = (bool, PathBuf)>,
) -> io::Result<Corpus> {
    let mut corpus = Corpus {
        name,
        messages: Vec::new(),
        spent: Duration::ZERO,
    };
    let mut known = HashMap::new();
    let mut parents: Vec<usize> = Vec::new();
    for (at, (is_spam, path)) in files.enumerate() {
        let bytes = unmasked(fs::read(&path)?);
        let started = std::time::Instant::now();
        let views = Views::new(&bytes, matcher.view_settings());
        let outcome = matcher.check(&views);
        corpus.spent += started.elapsed();
        let hits = outcome
            .hits
            .iter()
            .filter_map(|hit| u16::try_from(hit.rule).ok())
            .collect();
        parents.push(at);
        for key in keys(&views) {
            let other = *known.entry(key).or_insert(at);
            join(&mut parents, at, other);
        }
        corpus.messages.push(Message {
            path,
            is_spam,
            hits,
            cluster: at,
        });
    }
    for at in 0..corpus.messages.len() {
        corpus.messages[at].cluster = root(&mut parents, at);
    }
    Ok(corpus)
}

fn unmasked(bytes: Vec<u8>) -> Bytes {
    if !bytes.windows(4).any(|window| window == b"@pot") {
        return bytes.into();
    }
    // Byte for byte, so that nothing but the mask changes.
    let mut text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    for (mask, address) in MASKS {
        text = text.replace(mask, address);
    }
    text.chars().map(|c| c as u8).collect::<Vec<u8>>().into()
}

/// What near-duplicates have in common: the subject without digits, the beginning and the end of the text.
fn keys(views: &Views<'_>) -> Vec<(u8, String)> {
    let letters = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes)
            .chars()
            .filter(|c| c.is_alphabetic())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let subject = views
        .header("Subject")
        .map(|value| letters(value))
        .unwrap_or_default();
    let text = views.body().iter().skip(1).map(letters).collect::<String>();
    let chars: Vec<char> = text.chars().collect();
    let mut keys = Vec::new();
    if subject.len() >= 16 {
        keys.push((0, subject));
    }
    if chars.len() >= 80 {
        keys.push((1, chars[..80].iter().collect()));
        keys.push((2, chars[chars.len() - 80..].iter().collect()));
    } else if chars.len() >= 20 {
        keys.push((3, text));
    }
    keys
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// Joins two clusters under the earlier one.
fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    parents[one.max(other)] = one.min(other);
}
