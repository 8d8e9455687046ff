//! The messages that are compared, as files. Does not look into them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use isbg_testkit::mail::{SAMPLES, hostile, odd};

/// Messages made up by a seed, where no corpus is named.
const MADE_UP: u64 = 400;

/// Messages in files.
pub struct Mail {
    /// Their paths, in order.
    pub files: Vec<PathBuf>,
    /// Where those stand that were written for this run.
    _folder: Option<tempfile::TempDir>,
}

impl Mail {
    /// All messages of a corpus, or ours; at most `limit`, evenly.
    ///
    /// # Errors
    /// When there are none, or they cannot be read or written.
    pub fn gather(
        corpus: Option<&Path>,
        limit: Option<usize>,
        seed: u64,
        dumps: Option<&Path>,
    ) -> Result<Self> {
        let mut temporary = None;
        let files = match (corpus, dumps) {
            (Some(corpus), _) => found(corpus)?,
            // Answers are kept under the messages' paths, so these stay too.
            (None, Some(dumps)) => written(seed, &dumps.with_extension("mail"))?,
            (None, None) => written(seed, temporary.insert(tempfile::tempdir()?).path())?,
        };
        ensure!(!files.is_empty(), "there are no messages");
        let wanted = limit.unwrap_or(files.len()).min(files.len());
        let files = (0..wanted)
            .filter_map(|number| files.get(number * files.len() / wanted).cloned())
            .collect();
        Ok(Self {
            files,
            _folder: temporary,
        })
    }
}

/// The `*.eml` files below a folder, in the order of their paths.
fn found(corpus: &Path) -> Result<Vec<PathBuf>> {
    let corpus = corpus
        .canonicalize()
        .with_context(|| corpus.display().to_string())?;
    let (mut files, mut folders) = (Vec::new(), vec![corpus]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "eml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Mail that we wrote, odd mail and hostile mail.
fn written(seed: u64, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let samples = SAMPLES
        .iter()
        .map(|sample| (sample.name.to_owned(), sample.bytes()));
    let odd = odd()
        .into_iter()
        .filter(|(_, bytes)| bytes.len() < 1 << 20)
        .map(|(name, bytes)| (format!("odd {name}"), bytes));
    let hostile = (seed..seed + MADE_UP).map(|seed| (format!("hostile {seed:08}"), hostile(seed)));
    let mut files = Vec::new();
    for (name, bytes) in samples.chain(odd).chain(hostile) {
        let path = folder.join(format!("{}.eml", name.replace([' ', '/'], "-")));
        std::fs::write(&path, bytes)?;
        files.push(path);
    }
    Ok(files)
}
