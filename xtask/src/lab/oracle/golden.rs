//! Makes the golden file of the rules' tests: what SpamAssassin makes of messages of ours under rules of ours. The test
//! that reads it is in `crates/isbg-rules/tests/golden.rs`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use isbg_testkit::mail::{SAMPLES, hostile};
use serde_json::{Value, json};

use super::{dump, rules};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/isbg-rules/tests/golden");
/// Messages made up by a seed; the test makes the same.
const MADE_UP: u64 = 40;

/// Asks SpamAssassin and writes the file.
///
/// # Errors
/// When SpamAssassin cannot be asked, or a file cannot be read or written.
pub fn make() -> Result<()> {
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
