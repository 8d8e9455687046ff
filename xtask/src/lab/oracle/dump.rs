//! Asks the SpamAssassin on this machine about message files, through its Perl API. Knows none of the answers' meaning.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::rules::Rules;

/// The program that asks.
const SCRIPT: &str = include_str!("dump.pl");

/// Hands the answer about each of the files to `each`. Answers that `kept` holds are not asked for again, and new ones
/// are added to it.
///
/// # Errors
/// When SpamAssassin cannot be asked, or `each` fails.
pub fn each(
    rules: &Rules,
    selectors: &str,
    files: &[PathBuf],
    kept: Option<&Path>,
    each: &mut dyn FnMut(&Value) -> Result<()>,
) -> Result<()> {
    let mut left: BTreeSet<&str> = files.iter().filter_map(|file| file.to_str()).collect();
    if let Some(kept) = kept.filter(|kept| kept.exists()) {
        for line in BufReader::new(File::open(kept)?).lines() {
            // The last line may be cut off.
            let Ok(answer) = serde_json::from_str::<Value>(&line?) else {
                continue;
            };
            if answer["file"].as_str().is_some_and(|file| left.remove(file)) {
                each(&answer)?;
            }
        }
    }
    if left.is_empty() {
        return Ok(());
    }
    let mut keep = kept
        .map(|kept| OpenOptions::new().create(true).append(true).open(kept))
        .transpose()?;
    let folder = tempfile::tempdir()?;
    let (script, names) = (folder.path().join("dump.pl"), folder.path().join("selectors"));
    std::fs::write(&script, SCRIPT)?;
    std::fs::write(&names, selectors)?;
    let site = Some(rules.site.path()).filter(|site| *site != rules.distribution);
    let mut perl = Command::new("perl")
        .args([&script, &names, &rules.distribution])
        .args(site)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run perl")?;
    let mut input = perl.stdin.take().context("perl's input")?;
    let list: String = left.iter().map(|file| format!("{file}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(list.as_bytes()));
    for line in BufReader::new(perl.stdout.take().context("perl's output")?).lines() {
        let line = line?;
        if let Some(keep) = &mut keep {
            writeln!(keep, "{line}")?;
        }
        each(&serde_json::from_str(&line).context("what SpamAssassin said cannot be read")?)?;
    }
    let written = writer.join();
    let status = perl.wait()?;
    ensure!(
        status.success() && matches!(written, Ok(Ok(()))),
        "SpamAssassin stopped early"
    );
    Ok(())
}
