//! Makes the golden files of the tests: what SpamAssassin reads of messages of ours (`crates/isbg-message/tests/golden.rs`),
//! and what it makes of some under rules of ours (`crates/isbg-rules/tests/golden.rs`). Compares nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use isbg_testkit::mail::{SAMPLES, hostile};
use serde_json::{Value, json};

use super::{dump, rules};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/isbg-rules/tests/golden");
const VIEWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/isbg-message/tests/golden");
/// Messages made up by a seed; the test makes the same.
const MADE_UP: u64 = 40;

/// Asks SpamAssassin and writes the files.
///
/// # Errors
/// When SpamAssassin cannot be asked, or a file cannot be read or written.
pub fn make() -> Result<()> {
    views()?;
    hits()
}

/// The views of each message in the folder, with the rule file beside it, if there is one.
fn views() -> Result<()> {
    let folder = PathBuf::from(VIEWS);
    let selectors = std::fs::read_to_string(folder.join("selectors"))?;
    for entry in std::fs::read_dir(&folder)? {
        let message = entry?.path();
        if message.extension().is_none_or(|end| end != "eml") {
            continue;
        }
        let more = Some(message.with_extension("cf")).filter(|file| file.exists());
        let rules = rules::Rules::new(more.as_slice(), false)?;
        let golden = message.with_extension("json");
        dump::each(&rules, &selectors, &[message], None, &mut |theirs| {
            let mut views = theirs.clone();
            let fields = views.as_object_mut().context("an answer is an object")?;
            fields.retain(|name, _| !matches!(name.as_str(), "file" | "hits" | "score"));
            let text = serde_json::to_string_pretty(&views)? + "\n";
            std::fs::write(&golden, text).with_context(|| golden.display().to_string())
        })?;
        println!("{}", golden.display());
    }
    Ok(())
}

fn hits() -> Result<()> {
    let rules = rules::Rules::new(&[PathBuf::from(FOLDER)], true)?;
    let mail = tempfile::tempdir()?;
    let samples = SAMPLES
        .iter()
        .map(|sample| (sample.name.to_owned(), sample.bytes()));
    let hostile = (0..MADE_UP).map(|seed| (seed.to_string(), hostile(seed)));
    let mut files = Vec::new();
    for (name, bytes) in samples.chain(hostile) {
        let path = mail.path().join(name);
        std::fs::write(&path, bytes)?;
        files.push(path);
    }
    let mut lines: BTreeMap<String, Value> = BTreeMap::new();
    dump::each(&rules, "", &files, None, &mut |theirs| {
        let path = PathBuf::from(theirs["file"].as_str().unwrap_or_default());
        let name = path.file_name().context("a file has a name")?;
        let line = json!({ "score": theirs["score"], "hits": theirs["hits"] });
        lines.insert(name.to_string_lossy().into_owned(), line);
        Ok(())
    })?;
    let text: String = lines
        .iter()
        .map(|(name, line)| format!("{}\n", json!([name, line])))
        .collect();
    let golden = PathBuf::from(FOLDER).join("hits.jsonl");
    std::fs::write(&golden, text).with_context(|| golden.display().to_string())?;
    println!("{} messages in {}", lines.len(), golden.display());
    Ok(())
}
